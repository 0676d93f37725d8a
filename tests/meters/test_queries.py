import json
import random
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from math import floor
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from energysite import timegrid
from meters import boundaries, queries
from meters.models import ElectricityReading
from meters.totals import days
from tests.meters.rows import electricity, make_meter, make_source, volume

pytestmark = pytest.mark.django_db
BRUSSELS = ZoneInfo("Europe/Brussels")
DAY = date(2026, 10, 24)
ELECTRICITY = ElectricityReading._meta.db_table
NOON = datetime(2026, 10, 24, 12, tzinfo=UTC)
NOW = NOON + timedelta(hours=2)


def seconds(n):
    return timedelta(seconds=n)


def totals_of(day):
    return days.day(day, BRUSSELS, queries.metered_sources()[1], NOW).totals


def first_day():
    return days.day(DAY, BRUSSELS, queries.metered_sources()[1], NOW).first


def test_a_boundary_value_is_the_reading_at_that_instant():
    source = make_source(make_meter())
    electricity(source, [(NOON, 100), (NOON + seconds(1), 107)])
    assert boundaries.registers_at(source, NOON)["import_t1_wh"] == 100
    assert boundaries.registers_at(source, NOON + seconds(1))["import_t1_wh"] == 107


def test_between_two_readings_it_is_linear_and_rounded_down():
    source = make_source(make_meter())
    electricity(source, [(NOON, 100), (NOON + seconds(3), 105)])
    assert boundaries.registers_at(source, NOON + seconds(1))["import_t1_wh"] == 101  # 101.67
    assert boundaries.registers_at(source, NOON + seconds(2))["import_t1_wh"] == 103  # 103.33


def test_before_the_first_and_after_the_last_reading_there_is_no_value():
    source = make_source(make_meter())
    electricity(source, [(NOON, 100), (NOON + seconds(3), 105)])
    assert boundaries.registers_at(source, NOON - seconds(1))["import_t1_wh"] is None
    assert boundaries.registers_at(source, NOON + seconds(4))["import_t1_wh"] is None


def test_a_register_that_its_neighbours_lack_is_found_in_the_rows_beyond_them():
    source = make_source(make_meter())
    electricity(source, [(NOON + seconds(i), {"import_t1_wh": 100, "import_t2_wh": None if 0 < i < 20 else 40 + i}) for i in range(25)])
    assert boundaries.registers_at(source, NOON + seconds(10)) == {
        "import_t1_wh": 100,
        "import_t2_wh": 50,
        "export_t1_wh": None,
        "export_t2_wh": None,
    }


def exact_value(rows, at):
    """The definition, by exact fractions over all rows."""
    before = [row for row in rows if row[0] <= at]
    after = [row for row in rows if row[0] > at]
    if not before or (before[-1][0] != at and not after):
        return None
    if before[-1][0] == at:
        return before[-1][1]
    (t0, v0), (t1, v1) = before[-1], after[0]
    return floor(v0 + (v1 - v0) * Fraction((at - t0) // boundaries.MICROSECOND, (t1 - t0) // boundaries.MICROSECOND))


def test_quarters_sum_to_the_day_and_to_the_register_difference_across_the_autumn_change():
    meter = make_meter()
    source = make_source(meter)
    rng = random.Random(7)
    rows, at, counter = [], datetime(2026, 10, 22, 3, 7, 11, tzinfo=UTC), 5_000_000
    while at < datetime(2026, 10, 28, 4, tzinfo=UTC):
        rows.append((at, counter))
        at += seconds(rng.choice([1, 10, 59, 300, 4000, 20_000]))
        counter += rng.randrange(0, 900)
    electricity(source, rows)
    for day in [date(2026, 10, 23) + timedelta(days=i) for i in range(4)]:
        _start, end = timegrid.day_bounds(day, BRUSSELS)
        edges = [*timegrid.quarters(day, BRUSSELS), end]
        assert len(edges) == (101 if day == date(2026, 10, 25) else 97)
        values = [boundary.value(0) for boundary in boundaries.boundaries([(source, edge) for edge in edges])]
        assert values == [exact_value(rows, edge) for edge in edges]
        known = [value for value in values if value is not None]
        assert len(known) == len(edges)
        total = totals_of(day)[meter.pk, "electricity"]
        assert total.registers == {"import_t1_wh": known[-1] - known[0]}
        assert total.registers["import_t1_wh"] == sum((later - earlier for earlier, later in pairwise(known)), 0)
        assert total.counted_from is None


def test_the_first_day_counts_from_its_first_reading_and_says_so():
    meter = make_meter()
    electricity(make_source(meter), [(NOON, 100), (NOON + seconds(60), 130), (NOON + timedelta(days=1), 500)])
    total = totals_of(DAY)[meter.pk, "electricity"]
    midnight = timegrid.midnight(DAY + timedelta(days=1), BRUSSELS)
    assert total.counted_from == NOON
    assert total.registers == {"import_t1_wh": exact_value([(NOON + seconds(60), 130), (NOON + timedelta(days=1), 500)], midnight) - 100}


def test_a_day_that_is_still_running_ends_at_the_latest_reading():
    meter = make_meter()
    start = timegrid.midnight(DAY, BRUSSELS)
    electricity(make_source(meter), [(start - seconds(60), 40), (start + seconds(60), 60), (NOON, 130)])
    total = totals_of(DAY)[meter.pk, "electricity"]
    assert (total.registers, total.counted_from, total.last) == ({"import_t1_wh": 80}, None, NOON)


def test_days_without_a_reading_on_both_sides_have_no_totals():
    meter = make_meter()
    electricity(make_source(meter), [(NOON, 100), (NOON + seconds(60), 130)])
    assert totals_of(DAY - timedelta(days=1)) == {}
    assert totals_of(DAY + timedelta(days=1)) == {}


def test_a_reading_at_the_next_midnight_alone_says_nothing_of_the_day_before_it():
    midnight = timegrid.midnight(DAY + timedelta(days=1), BRUSSELS)
    electricity(make_source(make_meter()), [(midnight, 100), (midnight + seconds(60), 130)])
    assert totals_of(DAY) == {}


def test_a_day_wholly_inside_a_gap_gets_its_share_of_the_counter():
    meter = make_meter()
    electricity(make_source(meter), [(datetime(2026, 10, 20, tzinfo=UTC), 0), (datetime(2026, 10, 30, tzinfo=UTC), 10 * 24_000)])
    assert totals_of(date(2026, 10, 25))[meter.pk, "electricity"].registers == {"import_t1_wh": 25_000}


def test_the_sources_of_a_replaced_device_are_summed():
    meter = make_meter()
    start = timegrid.midnight(DAY, BRUSSELS)
    electricity(make_source(meter, serial="old"), [(start - seconds(1), 9000), (start, 9000), (NOON, 9600)])
    electricity(make_source(meter, serial="new"), [(NOON + seconds(300), 5), (NOON + seconds(3600), 55)])
    total = totals_of(DAY)[meter.pk, "electricity"]
    assert total.registers == {"import_t1_wh": 650}
    assert (total.counted_from, total.last) == (None, NOON + seconds(3600))


def test_gas_and_water_count_alike_and_tell_their_last_reading():
    meter = make_meter()
    start = timegrid.midnight(DAY, BRUSSELS)
    volume(make_source(meter, "gas", "g"), [(start - seconds(150), 1000), (start + seconds(150), 1010), (NOON, 1500)])
    volume(make_source(meter, "water", "w"), [(start + seconds(3600), 70), (NOON + seconds(300), 99)])
    totals = totals_of(DAY)
    gas, water = totals[meter.pk, "gas"], totals[meter.pk, "water"]
    assert (gas.registers, gas.counters, gas.counted_from, gas.last) == ({"volume_l": 495}, {"volume_l": 1500}, None, NOON)
    assert (water.registers, water.counted_from, water.last) == ({"volume_l": 29}, start + seconds(3600), NOON + seconds(300))


def test_a_counter_that_went_back_leaves_its_register_out():
    meter = make_meter()
    start = timegrid.midnight(DAY, BRUSSELS)
    rows = [(start, {"import_t1_wh": 900, "export_t1_wh": 10}), (NOON, {"import_t1_wh": 3, "export_t1_wh": 17})]
    electricity(make_source(meter), rows)
    total = totals_of(DAY)[meter.pk, "electricity"]
    assert (total.registers, total.unknown) == ({"export_t1_wh": 7}, {"import_t1_wh"})


def test_each_meter_has_its_own_totals():
    first, second = make_meter("A"), make_meter("B")
    start = timegrid.midnight(DAY, BRUSSELS)
    electricity(make_source(first), [(start, 0), (NOON, 11)])
    electricity(make_source(second), [(start, 0), (NOON, 22)])
    totals = totals_of(DAY)
    assert [totals[meter.pk, "electricity"].registers["import_t1_wh"] for meter in (first, second)] == [11, 22]


def test_day_power_is_the_mean_of_the_readings_in_each_step_and_null_where_there_is_none():
    source = make_source(make_meter())
    start, end = timegrid.day_bounds(DAY, BRUSSELS)
    rows = [
        (start, 100),
        (start + seconds(1), 103),
        (start + seconds(119), -51),
        (start + seconds(120), 7),
        (start + seconds(300), None),
        (end - seconds(1), -2500),
        (end, 9),
    ]
    electricity(source, [(time, {"power_w": power}) for time, power in rows])
    means = queries.day_power([source.pk], start, end, 120)
    assert len(means) == 720
    assert {i: mean for i, mean in enumerate(means) if mean is not None} == {0: 51, 1: 7, 719: -2500}


def test_day_power_of_the_autumn_day_has_25_hours():
    source = make_source(make_meter())
    start, end = timegrid.day_bounds(date(2026, 10, 25), BRUSSELS)
    electricity(source, [(end - seconds(5), {"power_w": 300})])
    means = queries.day_power([source.pk], start, end, 120)
    assert (len(means), means[-1]) == (750, 300)


def test_meters_and_sources_come_in_one_query_as_they_are_stored():
    first, second = make_meter("A", slot_s=300), make_meter("B", enabled=False)
    gas, old = make_source(first, "gas", "g"), make_source(first, serial="old")
    old.retired = NOON
    old.save()
    with CaptureQueriesContext(connection) as captured:
        meters, sources = queries.metered_sources()
        assert [(meter.pk, meter.name, meter.enabled, meter.period_s, meter.take, meter.slot_s) for meter in meters] == [
            (first.pk, "A", True, 1, "all", 300),
            (second.pk, "B", False, 1, "all", 10),
        ]
        found = [(one.pk, one.kind, one.medium, one.name, one.serial, one.meter_id, one.retired) for one in sources]
        assert found == [
            (gas.pk, "volume", "gas", "A gas g", "g", first.pk, None),
            (old.pk, "electricity", "electricity", "A electricity old", "old", first.pk, NOON),
        ]
        assert {one.meter for one in sources} == {meters[0]}
    assert len(captured) == 1


def test_readings_of_a_span_come_in_order_with_both_ends():
    source, other = make_source(make_meter()), make_source(make_meter("B"))
    electricity(source, [(NOON + seconds(i), {"power_w": -i if i != 3 else None}) for i in range(6)])
    electricity(other, [(NOON + seconds(2), {"power_w": 99})])
    epoch = int(NOON.timestamp())
    found = queries.readings([source.pk], NOON + seconds(1), NOON + seconds(4))
    assert found == [(epoch + 1, -1), (epoch + 2, -2), (epoch + 3, None), (epoch + 4, -4)]


def test_the_first_day_is_that_of_the_oldest_reading_of_any_source():
    meter = make_meter()
    assert first_day() is None
    electricity(make_source(meter), [(NOON, 1)])
    volume(make_source(meter, "gas", "g"), [(datetime(2026, 10, 1, 22, 30, tzinfo=UTC), 1)])
    assert first_day() == date(2026, 10, 2)


def nodes(plan):
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


@pytest.fixture
def week():
    """A week of readings every two seconds: enough for the planner to take the table seriously."""
    source = make_source(make_meter())
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {ELECTRICITY}"
            " (source_id, time, import_t1_wh, import_t2_wh, export_t1_wh, export_t2_wh, power_w, flags)"
            " SELECT %s, %s::timestamptz + i * interval '2 s', i, 0, 0, 0, i %% 5000, 0 FROM generate_series(0, 7 * 43200 - 1) i",
            [source.pk, datetime(2026, 10, 20, tzinfo=UTC)],
        )
        cursor.execute(f"ANALYZE {ELECTRICITY}")
    return source


def test_every_query_on_readings_uses_the_key_and_day_totals_touch_a_handful_of_pages(week):
    start, end = timegrid.day_bounds(DAY, BRUSSELS)
    with CaptureQueriesContext(connection) as captured:
        days.day(DAY, BRUSSELS, [week], NOW)
        queries.readings([week.pk], NOON, NOON + timedelta(hours=2))
        queries.day_power([week.pk], start, end, 120)
        queries.latest(week)
    assert len(captured) == 4
    for i, query in enumerate(captured.captured_queries):
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + query["sql"])
            [answer] = cursor.fetchone()
        plan = (answer if isinstance(answer, list) else json.loads(answer))[0]["Plan"]
        # The table of volumes is empty here: the planner may well read all of nothing.
        assert ELECTRICITY not in [node.get("Relation Name") for node in nodes(plan) if node["Node Type"] == "Seq Scan"], query["sql"]
        assert {node["Index Name"] for node in nodes(plan) if "Index Name" in node} <= {
            "meters_electricityreading_pkey",
            "meters_volumereading_pkey",
            "one_block",
            "corrections_of_a_range",
            "meters_countercycle_source_id_5078efee",
        }
        if i in (0, 3):
            assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 60, "a look-up, not a scan"
