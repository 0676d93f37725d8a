"""Open-Meteo on the wire: what it foretells in quarters, and answers that cannot be used."""

import json
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from energysite.demo.forecasts import foretold, observed
from energysite.demo.weather_servers import OpenMeteo as Lookalike
from energysite.errors import BadReading, DeviceConfigError, DeviceUnavailable
from energysite.place import Place
from solar.weather.open_meteo import OpenMeteo
from solar.weather.report import Report
from tests.emulators.http_device import HttpLookalike, Reply, as_json
from tests.emulators.weather import serving

NOW = datetime(2026, 6, 3, 10, 7, 30, tzinfo=UTC)
QUARTER = int(NOW.timestamp()) - int(NOW.timestamp()) % 900
HERE = Place(50.8466, 4.3528, exact=True)
PATH = "/v1/forecast"


def ask(address: str, now: datetime = NOW, seconds: float = 3.0) -> Report:
    with closing(OpenMeteo(address, HERE)) as service:
        return service.ask(now, time.monotonic() + seconds)


def answer(count: int = 193, first: int = QUARTER, **changed: Any) -> dict[str, Any]:
    """A good one, whose values are the number of their row; `changed` names columns (None: left out)."""
    rows: dict[str, Any] = {"time": [first + 900 * row for row in range(count)]}
    for name in ("temperature_2m", "cloud_cover", "shortwave_radiation", "direct_normal_irradiance", "diffuse_radiation"):
        rows[name] = [row % 60 for row in range(count)]
    rows = {name: column for name, column in {**rows, **changed}.items() if column is not None}
    current = {"time": QUARTER, "interval": 900, "temperature_2m": 12.3, "cloud_cover": 40, "shortwave_radiation": 321.4}
    return {"utc_offset_seconds": 0, "timezone": "GMT", "current": current, "minutely_15": rows}


def told(given: Any) -> Report:
    """Of what an answer is understood as."""
    reply: Reply = as_json(given) if not isinstance(given, bytes) else (200, given)
    with HttpLookalike({PATH: reply}) as device:
        return ask(device.address)


def test_two_days_in_quarters_from_the_running_one_as_the_service_foretold_them() -> None:
    with serving(Lookalike, NOW.timestamp()) as service:
        report = ask(service.address)
    expected = foretold(1, int(NOW.timestamp()), QUARTER, 192)
    found = report.forecast
    assert (found.start, found.step_s) == (QUARTER, 900)
    assert found.global_w_m2 == pytest.approx(expected.global_w_m2, abs=0.06)
    assert found.direct_w_m2 == pytest.approx(expected.direct_w_m2, abs=0.06)
    assert found.diffuse_w_m2 == pytest.approx(expected.diffuse_w_m2, abs=0.06)
    assert found.temperature_c == pytest.approx(expected.temperature_c, abs=1.5)
    assert found.cloud_pct == pytest.approx(expected.cloud_pct, abs=60)
    assert [len(column) for column in (found.global_w_m2, found.temperature_c, found.cloud_pct)] == [192] * 3
    seen = observed(1, NOW.timestamp())
    assert report.observation.time == QUARTER
    assert report.observation.wind_m_s == pytest.approx(seen.wind_m_s, abs=0.06), "in m/s, not in km/h"
    assert report.observation.humidity_pct == pytest.approx(seen.humidity_pct, abs=0.6)
    assert report.observation.global_w_m2 == pytest.approx(seen.global_w_m2, abs=0.06)


def test_light_stands_at_the_end_of_its_quarter_and_what_is_of_a_moment_between_two() -> None:
    report = told(answer(count=5))
    assert report.forecast.start == QUARTER
    assert report.forecast.global_w_m2 == [1, 2, 3, 4]
    assert report.forecast.temperature_c == [0.5, 1.5, 2.5, 3.5]


def test_quarters_that_have_passed_are_left_out_and_no_more_than_two_days_are_taken() -> None:
    report = told(answer(count=672, first=QUARTER - 8 * 900))
    assert report.forecast.start == QUARTER
    assert report.forecast.global_w_m2[:2] == [9, 10]
    assert len(report.forecast.global_w_m2) == 192


def test_only_two_decimals_of_the_place_leave_the_house_and_times_are_asked_for_in_utc() -> None:
    with HttpLookalike({PATH: as_json(answer())}) as device:
        ask(device.address)
        (_method, question, _body) = device.asked[0]
    asked = parse_qs(urlsplit(question).query)
    assert (asked["latitude"], asked["longitude"]) == (["50.85"], ["4.35"])
    assert (asked["timezone"], asked["timeformat"], asked["wind_speed_unit"]) == (["GMT"], ["unixtime"], ["ms"])
    assert "50.8466" not in question


def test_what_it_does_not_say_is_unknown_and_never_a_zero() -> None:
    light: list[float | None] = [*range(193)]
    light[2] = None
    light[3] = -0.4
    report = told(answer(shortwave_radiation=light, temperature_2m=[None, 10, 20, *[5] * 190], cloud_cover=None))
    assert report.forecast.global_w_m2[:4] == [1, None, 0, 4], "and a little less than nothing is nothing"
    assert report.forecast.temperature_c[:3] == [None, 15, 12.5]
    assert report.forecast.cloud_pct == []


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", None, 7, {"name": "GMT"}])
def test_a_zone_that_makes_no_sense_changes_no_time(zone: Any) -> None:
    report = told({**answer(), "timezone": zone, "timezone_abbreviation": zone, "utc_offset_seconds": 10**9})
    assert (report.forecast.start, report.observation.time) == (QUARTER, QUARTER)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (b"<html><body>Please log in</body></html>", "not with numbers"),
        (b"[]", "not with the weather"),
        (b"[" * 100_000, "not with numbers"),
        ({}, "current"),
        ({**answer(), "minutely_15": None}, "minutely_15"),
        ({**answer(), "current": {"time": "2026-06-03T10:00"}}, "no number"),
        ({**answer(), "current": {}}, "no time"),
        ({**answer(), "current": {"time": 10**400}}, "no number"),
        (answer(time=[f"2026-06-03T{n}" for n in range(193)]), "no number"),
        (answer(time=[QUARTER + 3600 * n for n in range(193)]), "quarter of an hour"),
        (answer(shortwave_radiation=None), "shortwave_radiation"),
        (answer(shortwave_radiation=[None] * 193), "shortwave_radiation"),
        (answer(shortwave_radiation=[1.0] * 192), "no list of 193"),
        (answer(shortwave_radiation="many"), "no list of 193"),
        (answer(temperature_2m=[285.2] * 193), "no weather on earth"),
        (answer(temperature_2m=[None] * 193), "temperature_2m"),
        (answer(temperature_2m=[True] * 193), "no number"),
        (answer(first=QUARTER - 2 * 86400), "Check this machine's clock"),
        (answer(count=8, first=QUARTER + 86400), "Check this machine's clock"),
        (json.dumps(answer(diffuse_radiation=[float("nan")] * 193)).encode(), "no number"),
    ],
)
def test_an_answer_that_cannot_be_true_is_refused_whole_and_in_words(given: Any, words: str) -> None:
    with pytest.raises(BadReading, match=words):
        told(given)


@pytest.mark.parametrize(
    ("mode", "error", "words"),
    [
        ("status:400", DeviceConfigError, "does not take our question .HTTP 400.* “Weather models are being updated.”"),
        ("status:403", DeviceConfigError, "HTTP 403"),
        ("status:404", DeviceConfigError, "HTTP 404"),
        ("status:429", DeviceUnavailable, "asked too often .*“Minutely API request limit exceeded"),
        ("status:500", DeviceUnavailable, "HTTP 500"),
        ("fault", DeviceConfigError, "Weather models are being updated"),
        ("redirect", DeviceConfigError, "sends us elsewhere"),
        ("html", BadReading, "Please log in"),
        ("garbage", DeviceUnavailable, "broke off"),
        ("huge", DeviceUnavailable, "256 kB"),
        ("off", DeviceUnavailable, "nothing listens"),
    ],
)
def test_a_service_on_a_bad_day_is_told_in_words(mode: str, error: type[Exception], words: str) -> None:
    with serving(Lookalike, NOW.timestamp(), mode) as service, pytest.raises(error, match=words):
        ask(service.address)


@pytest.mark.parametrize("mode", ["slow:0.05", "silent"])
def test_one_byte_at_a_time_or_none_ends_at_the_deadline(mode: str) -> None:
    with serving(Lookalike, NOW.timestamp(), mode) as service:
        began = time.monotonic()
        with pytest.raises(DeviceUnavailable, match="too long"):
            ask(service.address, seconds=0.4)
        assert time.monotonic() - began < 1.5


@pytest.mark.parametrize(("mode", "lit"), [("day", True), ("night", False)])
def test_by_day_and_night_it_tells_the_weather_of_that_hour_as_of_now(mode: str, lit: bool) -> None:
    with serving(Lookalike, NOW.timestamp(), mode) as service:
        report = ask(service.address)
    assert report.forecast.start == QUARTER
    assert bool(report.forecast.global_w_m2[0]) is lit
    assert bool(report.observation.global_w_m2) is lit


def test_the_lookalike_refuses_what_the_service_refuses() -> None:
    questions: dict[str, Callable[[int, Any], bool]] = {
        f"{PATH}?longitude=4": lambda status, given: status == 400 and "latitude" in given["reason"],
        f"{PATH}?latitude=91&longitude=4": lambda status, given: status == 400 and "range" in given["reason"],
        f"{PATH}?latitude=50&longitude=4&minutely_15=sunshine": lambda status, given: status == 400 and "sunshine" in given["reason"],
        f"{PATH}?latitude=50&longitude=4&timezone=Mars/Olympus": lambda status, given: status == 400 and "timezone" in given["reason"],
        f"{PATH}?latitude=50&longitude=4&timezone=Europe/Brussels&current=temperature_2m": lambda status, given: (
            status == 200 and given["utc_offset_seconds"] == 7200 and given["current"]["time"] == "2026-06-03T12:00"
        ),
        "/v2/forecast": lambda status, given: status == 404 and given["error"],
    }
    with serving(Lookalike, NOW.timestamp()) as service, closing(OpenMeteo(service.address, HERE)) as asking:
        for question, holds in questions.items():
            found = asking._http._device.ask(question, time.monotonic() + 3)
            assert holds(found.status, json.loads(found.body)), question
