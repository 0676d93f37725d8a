"""The blueprint of a reader: by day, at night, in trouble, with bad answers. Copy this file with it."""

from typing import Any

import pytest

from energysite.errors import BadReading
from solar.production import Condition
from solar.readers import blueprint, families
from solar.readers.blueprint import Blueprint
from tests.emulators.http_device import HttpLookalike, as_json
from tests.solar.readers.asking import read

DAY = {"state": "run", "ac_w": 1234, "today_kwh": 5.6, "ever_kwh": 7890.1}


def test_by_day_it_tells_power_and_energy() -> None:
    with HttpLookalike({"/live.json": as_json(DAY)}) as device:
        reader = Blueprint(device.address)
        found = read(reader)
    assert (found.power_w, found.day_wh, found.total_wh, found.condition) == (1234, 5600, 7_890_100, Condition.PRODUCING)
    assert '"ac_w": 1234' in reader.heard


def test_at_night_it_makes_nothing_because_it_says_so() -> None:
    found = blueprint.production({"state": "night", "ac_w": None, "ever_kwh": 7890.1})
    assert (found.power_w, found.day_wh, found.total_wh, found.condition) == (0, None, 7_890_100, Condition.ASLEEP)


def test_awake_without_a_power_it_is_unknown() -> None:
    assert blueprint.production({"state": "run"}).power_w is None


def test_a_negative_power_is_no_production() -> None:
    assert blueprint.production({"state": "wait", "ac_w": -3}).power_w == 0


def test_a_fault_has_its_code() -> None:
    found = blueprint.production({"state": "error", "ac_w": 0})
    assert (found.condition, found.code) == (Condition.FAULT, "error")


@pytest.mark.parametrize("given", [{}, [], {"state": 7}, {"state": "run", "ac_w": "12"}, {"state": "run", "ac_w": float("nan")}])
def test_a_bad_answer_is_told(given: Any) -> None:
    with pytest.raises(BadReading):
        blueprint.production(given)


def test_its_password_is_never_shown() -> None:
    with HttpLookalike({"/live.json": (200, b"wrong: hunter2")}) as device:
        reader = Blueprint(device.address, "hunter2")
        with pytest.raises(BadReading) as told:
            read(reader)
    assert "hunter2" not in str(told.value) + reader.heard


def test_it_is_offered_to_nobody() -> None:
    assert Blueprint.family not in families.known()
