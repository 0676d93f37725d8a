"""The benchmarks' own arithmetic: a figure is never told better than it is."""

import json
import os
from datetime import UTC, datetime
from itertools import islice

from meters.p1.decoder import decode
from tests.benchmarks import processes, wire
from tests.benchmarks.figures import figure, percentile, save, table
from tests.meters import captures

BEGIN = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp())


def test_a_figure_is_rounded_against_ourselves():
    assert figure("delay", 49.912, "ms", "<= 50").value == 50
    assert figure("rate", 1234.9, "1/s", ">= 700").value == 1234
    assert figure("bytes", 129.01, "B").value == 130
    assert figure("exact", 15, "ms").value == 15


def test_the_target_is_judged_before_rounding():
    assert figure("delay", 50.01, "ms", "<= 50").meets is False
    assert figure("rate", 699.99, "1/s", ">= 700").meets is False
    assert figure("delay", 50, "ms", "<= 50").meets is True
    assert figure("no target", 50, "ms").meets is None


def test_what_could_not_be_measured_does_not_meet_its_target():
    assert figure("delay", None, "ms", "<= 50").meets is False


def test_a_percentile_is_a_value_that_was_measured():
    values = [float(i) for i in range(1, 101)]
    assert [percentile(values, percent) for percent in (50, 95, 99, 100)] == [50, 95, 99, 100]
    assert percentile([7.0], 99) == 7
    assert percentile([1.0, 2.0, 3.0, 100.0], 95) == 100


def test_the_file_keeps_the_figures_of_other_runs(tmp_path):
    path = tmp_path / "var" / "bench.json"
    save([figure("a", 1, "ms", "<= 2", "x 3"), figure("b", 5, "ms")], path)
    save([figure("a", 3, "ms", "<= 2", "x 3")], path)
    assert json.loads(path.read_text()) == [
        {"name": "a", "value": 3, "unit": "ms", "target": "<= 2", "meets": False, "compared_to": "x 3"},
        {"name": "b", "value": 5, "unit": "ms", "target": "", "meets": None, "compared_to": ""},
    ]


def test_the_table_shouts_where_a_target_is_missed():
    lines = table([figure("slow", 3, "ms", "<= 2"), figure("lost", None, "ms", "<= 2")]).splitlines()
    assert [line.split()[-1] for line in lines[2:]] == ["NO", "NO"]


def test_the_belgian_telegrams_are_whole_and_a_second_apart_with_thirteen_peaks_gas_and_water():
    decoded = [decode(raw) for raw in islice(wire.belgian(BEGIN), 400)]
    assert all(one.valid and one.error is None for one in decoded)
    assert [one.time.timestamp() for one in decoded if one.time] == [BEGIN + i for i in range(400)]
    assert {len(one.peaks) for one in decoded} == {13}
    assert {tuple(volume.medium for volume in one.volumes) for one in decoded} == {("gas", "water")}
    assert len({one.volumes[0].time for one in decoded}) == 2


def test_the_capture_goes_round_with_times_and_counters_that_rise():
    captures.path(captures.ISKRA)
    telegrams = wire.iskra(BEGIN, 1200)
    assert telegrams is not None
    decoded = [decode(raw) for raw in telegrams]
    assert all(one.valid for one in decoded)
    assert [one.time.timestamp() for one in decoded if one.time] == [BEGIN + i for i in range(1200)]
    counters = [one.import_t1_wh + one.import_t2_wh for one in decoded if one.import_t1_wh is not None and one.import_t2_wh is not None]
    assert counters == sorted(counters)
    assert len(counters) == 1200


def test_memory_and_cpu_of_this_process_are_found():
    assert os.getpid() in processes.tree(os.getppid())
    assert processes.pss_bytes([os.getpid()]) > 10 << 20
    before = processes.cpu_s([os.getpid()])
    while processes.cpu_s([os.getpid()]) < before + 0.02:
        sum(range(10_000))
