"""OpenWeatherMap on the wire: clouds and temperature every three hours, and a key that nobody gets to see."""

import time
from contextlib import closing
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from energysite.demo.forecasts import foretold, observed
from energysite.demo.on_the_wire import on_the_wire
from energysite.demo.weather_servers import KEY
from energysite.demo.weather_servers import OpenWeatherMap as Lookalike
from energysite.errors import BadReading, DeviceConfigError, DeviceUnavailable, EnergyError
from energysite.place import Place
from solar.weather.openweathermap import OpenWeatherMap, code
from solar.weather.report import Report
from tests.emulators.http_device import HttpLookalike, Reply, as_json
from tests.emulators.weather import serving
from tests.energysite import demo

NOW = datetime(2026, 6, 3, 10, 7, 30, tzinfo=UTC)
NINE = int(datetime(2026, 6, 3, 9, tzinfo=UTC).timestamp())
STEP_S = 3 * 3600
HERE = Place(50.8466, 4.3528, exact=True)
CURRENT, FORECAST = "/data/2.5/weather", "/data/2.5/forecast"


def ask(address: str, key: str = KEY, seconds: float = 3.0) -> Report:
    with closing(OpenWeatherMap(address, HERE, key)) as service:
        return service.ask(NOW, time.monotonic() + seconds)


def seen(**changed: Any) -> dict[str, Any]:
    main = {"temp": 18.0, "humidity": 60}
    return {
        "main": main,
        "clouds": {"all": 30},
        "wind": {"speed": 4.1},
        "dt": int(NOW.timestamp()) - 300,
        "timezone": 7200,
        "cod": 200,
    } | changed


def row(number: int, first: int = NINE + STEP_S) -> dict[str, Any]:
    return {"dt": first + number * STEP_S, "main": {"temp": 20.0 + number}, "clouds": {"all": 10 * number % 100}}


def foreseen(count: int = 17, **changed: Any) -> dict[str, Any]:
    return {
        "cod": "200",
        "message": 0,
        "cnt": count,
        "list": [row(number) for number in range(count)],
        "city": {"timezone": 7200},
    } | changed


def told(current: Any = None, forecast: Any = None) -> Report:
    replies: dict[str, Any] = {CURRENT: _reply(current or seen()), FORECAST: _reply(forecast or foreseen())}
    with HttpLookalike(replies) as device:
        return ask(device.address)


def _reply(given: Any) -> Reply:
    return (200, given) if isinstance(given, bytes) else as_json(given)


def test_two_days_in_threes_of_hours_as_the_service_foretold_them() -> None:
    with serving(Lookalike, NOW.timestamp()) as service:
        report = ask(service.address)
    found = report.forecast
    assert (found.start, found.step_s) == (NINE, STEP_S)
    assert (found.global_w_m2, found.direct_w_m2, found.diffuse_w_m2) == ([], [], [])
    assert len(found.temperature_c) == len(found.cloud_pct) == 17
    assert found.start + 17 * STEP_S >= NOW.timestamp() + 48 * 3600
    expected = foretold(1, int(NOW.timestamp()), NINE + STEP_S, 16 * 12)
    midday = sum(expected.temperature_c[:12]) / 12
    assert found.temperature_c[1] == pytest.approx(midday, abs=1.5)
    now = observed(1, NOW.timestamp())
    assert report.observation.temperature_c == pytest.approx(now.temperature_c, abs=0.01)
    assert report.observation.cloud_pct == pytest.approx(now.cloud_pct, abs=0.6)
    assert report.observation.wind_m_s == pytest.approx(now.wind_m_s, abs=0.01)
    assert report.observation.global_w_m2 is None, "it tells no light"


def test_intervals_are_the_means_of_their_ends_and_the_first_begins_with_what_is_seen_now() -> None:
    report = told()
    assert report.forecast.start == NINE
    assert report.forecast.temperature_c[:3] == [19.0, 20.5, 21.5]
    assert report.forecast.cloud_pct[:3] == [15, 5, 15]
    assert len(report.forecast.cloud_pct) == 17


def test_hours_that_have_passed_are_left_out() -> None:
    late = foreseen(list=[row(number, first=NINE - STEP_S) for number in range(20)])
    found = told(forecast=late).forecast
    assert found.start == NINE
    assert found.temperature_c[0] == 21.5
    assert len(found.temperature_c) == 17


def test_the_key_and_two_decimals_of_the_place_are_asked_with_in_metric_units() -> None:
    with HttpLookalike({CURRENT: as_json(seen()), FORECAST: as_json(foreseen())}) as device:
        ask(device.address)
        questions = [urlsplit(path) for _method, path, _body in device.asked]
    assert [question.path for question in questions] == [CURRENT, FORECAST]
    for question in questions:
        asked = parse_qs(question.query)
        assert (asked["appid"], asked["lat"], asked["lon"], asked["units"]) == ([KEY], ["50.85"], ["4.35"], ["metric"])


@pytest.mark.parametrize("cod", [200, "200"])
def test_the_status_may_be_a_number_or_text(cod: Any) -> None:
    report = told(seen(cod=cod), foreseen(cod=cod))
    assert report.observation.temperature_c == 18.0


@pytest.mark.parametrize("cod", [None, True, "", "well", "2000", 2.5, [], {"cod": 200}, "²⁰⁰"])
def test_a_status_that_is_none_is_refused(cod: Any) -> None:
    with pytest.raises(BadReading, match="cod"):
        code({"cod": cod})


@pytest.mark.parametrize("zone", ["Mars/Olympus", 10**12, -1, None, [7200]])
def test_a_zone_that_makes_no_sense_changes_no_time(zone: Any) -> None:
    report = told(seen(timezone=zone), foreseen(city={"timezone": zone, "name": "<b>"}))
    assert report.forecast.start == NINE
    assert report.observation.time == int(NOW.timestamp()) - 300


def test_a_revoked_key_is_told_in_words_and_no_retry_helps() -> None:
    with serving(Lookalike, NOW.timestamp()) as service:
        ask(service.address)
        service.key = "another"
        with pytest.raises(DeviceConfigError, match="does not accept the key") as caught:
            ask(service.address)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("mode", "error", "words"),
    [
        ("status:401", DeviceConfigError, "does not accept the key"),
        ("status:404", DeviceConfigError, "HTTP 404"),
        ("status:429", DeviceUnavailable, "asked too often .*“Your account is temporary blocked"),
        ("status:500", DeviceUnavailable, "HTTP 500"),
        ("fault", DeviceUnavailable, "HTTP 500"),  # which only its own words tell of
        ("redirect", DeviceConfigError, "sends us elsewhere"),
        ("html", BadReading, "not with numbers"),
        ("garbage", DeviceUnavailable, "broke off"),
        ("huge", DeviceUnavailable, "256 kB"),
    ],
)
def test_a_service_on_a_bad_day_is_told_in_words_without_the_key(mode: str, error: type[Exception], words: str) -> None:
    with serving(Lookalike, NOW.timestamp(), mode) as service, pytest.raises(error, match=words) as caught:
        ask(service.address)
    assert KEY not in f"{caught.value!r}"


def test_a_service_that_echoes_the_key_does_not_get_it_into_what_is_shown() -> None:
    key = "top+secret/key&more"
    echoed = f"your key {key} (top%2Bsecret%2Fkey%26more) is blocked"
    with HttpLookalike({CURRENT: as_json({"cod": 429, "message": echoed}, 429)}) as device:
        service = OpenWeatherMap(device.address, HERE, key)
        with closing(service), pytest.raises(EnergyError) as caught:
            service.ask(NOW, time.monotonic() + 3)
    for shown in (str(caught.value), service.heard):
        assert "is blocked" in shown
        assert "secret" not in shown


def test_without_a_key_nobody_is_asked() -> None:
    with pytest.raises(DeviceConfigError, match="asks for a key"):
        OpenWeatherMap("", HERE, "")


@pytest.mark.parametrize(
    ("current", "forecast", "words"),
    [
        (b"<html>", None, "not with numbers"),
        (b'"sunny"', None, "not with the weather"),
        ({"cod": 200}, None, "dt"),
        (seen(main=None), None, "main"),
        (seen(main={"temp": 291.2}), None, "no weather on earth"),
        (seen(main={"temp": "warm"}), None, "no number"),
        (seen(dt=NINE - 86400), None, "Check this machine's clock"),
        (None, {"cod": "200"}, "list"),
        (None, foreseen(list=[]), "list"),
        (None, foreseen(list=["sunny"]), "list.dt"),
        (None, foreseen(list=[row(0), row(2)]), "three hours"),
        (None, foreseen(list=[{**row(0), "clouds": {"all": 170}}]), "no weather on earth"),
        (None, foreseen(list=[{**row(n), "clouds": None} for n in range(5)]), "clouds"),
        (None, foreseen(list=[row(n, first=NINE + 5 * 86400) for n in range(3)]), "Check this machine's clock"),
    ],
)
def test_an_answer_that_cannot_be_true_is_refused_in_words(current: Any, forecast: Any, words: str) -> None:
    with pytest.raises(BadReading, match=words):
        told(current, forecast)


def test_a_certificate_that_nobody_vouches_for_gets_no_key() -> None:
    with on_the_wire(demo.house(), NOW.timestamp, ("sma",)) as wire:
        assert wire["sma"].address.startswith("https://")
        with pytest.raises(DeviceUnavailable, match=r"certificate of 127\.0\.0\.1 is not trusted"):
            ask(wire["sma"].address)


def test_both_questions_have_one_deadline() -> None:
    def slowly(_body: bytes) -> Reply:
        time.sleep(0.3)
        return as_json(seen())

    with HttpLookalike({CURRENT: slowly, FORECAST: slowly}) as device:
        with pytest.raises(DeviceUnavailable, match="too long"):
            ask(device.address, seconds=0.5)
        assert len(device.asked) == 2
