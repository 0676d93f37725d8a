"""Any device with a page of JSON."""

from typing import Any

import pytest

from energysite.errors import BadReading
from solar.production import Condition
from solar.readers import http_json
from solar.readers.http_json import HttpJson, Place
from tests.emulators.http_device import HttpLookalike, as_json
from tests.solar.readers.asking import read

GIVEN = {"data": [{"kw": 1.25}], "day": 5.1, "sum": 3.0005, "store": {"w": 400, "soc": 61}}
PLACES = {
    "power": Place("data.0.kw", 1000),
    "day": Place("day", 1000),
    "total": Place("sum", 1000),
    "battery": Place("store.w", -1),
    "charge": Place("store.soc"),
}


def test_each_value_is_read_at_its_path_and_by_its_factor() -> None:
    with HttpLookalike({"/status": as_json(GIVEN)}) as device:
        reader = HttpJson(device.address, "/status?channel=1", PLACES)
        found = read(reader)
        assert device.asked == [("GET", "/status?channel=1", b"")]
    assert (found.power_w, found.day_wh, found.total_wh, found.condition) == (1250, 5100, 3000, Condition.PRODUCING)
    assert (found.battery_w, found.battery_pct) == (-400, 61)
    assert '"kw": 1.25' in reader.heard


def test_keys_in_its_page_are_not_shown_when_the_device_echoes_them() -> None:
    with HttpLookalike({"/status": (200, b"Bad key /status?key=s3cr3t, s3cr3t")}) as device:
        reader = HttpJson(device.address, "/status?key=s3cr3t", PLACES)
        with pytest.raises(BadReading) as told:
            read(reader)
    assert "s3cr3t" not in str(told.value) + reader.heard
    assert "Bad key" in reader.heard


@pytest.mark.parametrize("path", ["data.1.kw", "data.x", "data.0", "nothing", "day.0", "", "data.-1.kw", "data.²"])
def test_a_path_that_leads_nowhere_is_told(path: str) -> None:
    with pytest.raises(BadReading):
        http_json.production(GIVEN, {"power": Place(path)})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "12", True, {}, [], 10**400])
def test_what_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(BadReading, match="no number"):
        http_json.production({"w": value}, {"power": Place("w")})


def test_a_factor_that_makes_too_much_of_it_is_refused() -> None:
    with pytest.raises(BadReading, match="no number"):
        http_json.production({"w": 1e9}, {"power": Place("w", 1e300)})


def test_null_is_unknown_and_no_zero() -> None:
    found = http_json.production({"w": None, "wh": 7}, {"power": Place("w"), "total": Place("wh")})
    assert (found.power_w, found.total_wh, found.condition) == (None, 7, Condition.ASLEEP)


def test_a_small_negative_power_is_none_and_a_large_one_a_sign_the_wrong_way_round() -> None:
    found = http_json.production({"w": -6.0}, {"power": Place("w")})
    assert (found.power_w, found.condition) == (0, Condition.STANDBY)
    with pytest.raises(BadReading, match=r"-3200 W.*factor negative"):
        http_json.production({"w": -3.2}, {"power": Place("w", 1000)})


def test_a_device_that_tells_energy_alone_is_thought_awake() -> None:
    found = http_json.production({"wh": 7}, {"day": Place("wh")})
    assert (found.power_w, found.day_wh, found.condition) == (None, 7, Condition.PRODUCING)
