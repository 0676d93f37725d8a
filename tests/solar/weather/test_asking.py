"""A run of a weather service: what is stored, shown and told, and when the forecast of the sun is made anew."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from energysite import agent_states, agents, device_reads, live
from energysite.demo.weather_servers import KEY, OpenMeteo, OpenWeatherMap
from energysite.models import House
from solar.models import SolarForecast, Weather, WeatherForecast, WeatherObservation
from solar.weather import asking, storing
from solar.weather.report import Forecast, Observation
from tests.emulators.weather import serving
from tests.running_site import free_port

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 6, 3, 10, 7, 30, tzinfo=UTC)
QUARTER = datetime(2026, 6, 3, 10, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    yield
    device_reads.forget()
    for name in ("Sky", "Clouds"):
        live.client().delete(f"agent:{name}")
        live.client().hdel(live.LAST, name)


def weather(address: str, name: str = "Sky", **fields: Any) -> Weather:
    return agents.create(Weather, **{"name": name, "address": address, "period_s": 900, **fields})


def clouds(address: str, key: str = KEY) -> Weather:
    return weather(address, "Clouds", provider="openweathermap", key=key)


def ask(agent: Weather, now: datetime = NOW) -> dict[str, Any]:
    """One run, and the state that it left."""
    asking.ask(agent.pk, now=lambda: now)
    return agent_states.read(live.client(), agent.name)


def told(**columns: Any) -> Forecast:
    return Forecast(int(QUARTER.timestamp()), 900, [12.34, None], **columns)


def test_what_a_service_tells_is_stored_with_its_time_shown_and_told() -> None:
    with serving(OpenMeteo, NOW.timestamp()) as service:
        state = ask(agent := weather(service.address))
    assert (state["status"], state["error"], state["failures"], state["last_success"]) == ("ok", None, 0, NOW.timestamp())
    assert 0 <= state["response_ms"] < 5000
    forecast, seen = WeatherForecast.objects.get(), WeatherObservation.objects.get()
    assert (forecast.weather, forecast.issued, forecast.start, forecast.step_s) == (agent, NOW, QUARTER, 900)
    for column in (forecast.temperature_dc, forecast.cloud_pct, forecast.global_w_m2, forecast.direct_w_m2, forecast.diffuse_w_m2):
        assert len(column) == 192
    assert 100 < max(forecast.global_w_m2) < 1000
    frame = live.last_frames()["Sky"]
    assert (frame["kind"], frame["source"], frame["time"], frame["received"]) == ("weather", "Sky", QUARTER.timestamp(), NOW.timestamp())
    assert (seen.time, seen.temperature_dc) == (QUARTER, round(10 * frame["temperature_c"]))
    assert seen.wind_dms == round(10 * frame["wind_m_s"])
    assert len(json.dumps(frame)) <= 450


def test_what_a_service_does_not_tell_is_null_in_the_table_and_absent_in_the_frame() -> None:
    with serving(OpenWeatherMap, NOW.timestamp()) as service:
        ask(clouds(service.address))
    forecast = WeatherForecast.objects.get()
    assert (forecast.global_w_m2, forecast.step_s, len(forecast.cloud_pct)) == ([], 10_800, 17)
    assert WeatherObservation.objects.get().global_w_m2 is None
    assert "global_w_m2" not in live.last_frames()["Clouds"]


def test_a_second_answer_of_the_same_quarter_adds_a_forecast_and_no_observation() -> None:
    with serving(OpenMeteo, NOW.timestamp()) as service:
        agent = weather(service.address)
        ask(agent)
        ask(agent, NOW + timedelta(minutes=5))
        ask(agent, NOW + timedelta(minutes=5))
    assert WeatherForecast.objects.count() == 2
    assert WeatherObservation.objects.count() == 1


def test_one_that_is_switched_off_or_gone_is_not_asked() -> None:
    agent = weather(f"http://127.0.0.1:{free_port()}", enabled=False)
    assert ask(agent) == {}
    asking.ask(agent.pk + 1, now=lambda: NOW)
    assert WeatherForecast.objects.count() == 0


def test_a_new_service_and_one_whose_settings_changed_are_asked_at_once(django_capture_on_commit_callbacks: Any) -> None:
    def sent() -> list[list[Any]]:
        """Whom the workers were asked to ask."""
        found = [json.loads(message) for message in live.client().lrange("celery", 0, -1)]
        live.client().delete("celery")
        return [json.loads(base64.b64decode(one["body"]))[0] for one in found if one["headers"]["task"] == Weather.task]

    sent()
    with django_capture_on_commit_callbacks(execute=True):
        agent = weather("http://127.0.0.1:9")
    assert sent() == [[agent.pk]]
    with django_capture_on_commit_callbacks(execute=True):
        agent.save()
    assert sent() == [[agent.pk]]
    agent.enabled = False
    with django_capture_on_commit_callbacks(execute=True):
        agent.save()
    assert sent() == []


def test_while_valkey_is_away_a_service_can_be_saved_all_the_same(
    django_capture_on_commit_callbacks: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS = "unix:///nowhere.sock"
    away = live.connect()
    monkeypatch.setattr(live, "client", lambda: away)
    with django_capture_on_commit_callbacks(execute=True):
        weather("http://127.0.0.1:9")
    monkeypatch.undo()
    assert Weather.objects.get().name == "Sky"


def test_a_failure_is_told_and_counted_and_what_is_known_stays() -> None:
    with serving(OpenMeteo, NOW.timestamp()) as service:
        agent = weather(service.address)
        ask(agent)
        service.mode = type(service.mode)("html")
        assert ask(agent)["failures"] == 1
        state = ask(agent)
    assert (state["status"], state["failures"], state["last_success"]) == ("error", 2, NOW.timestamp())
    assert "Please log in" in state["error"]
    assert WeatherForecast.objects.count() == 1
    with serving(OpenMeteo, NOW.timestamp()) as service:
        agent.address = service.address
        agent.save()
        assert (ask(agent)["status"], ask(agent)["failures"]) == ("ok", 0)
    assert ask(agent)["failures"] == 1, "in a row"


def test_a_revoked_key_is_told_without_the_key_and_not_tried_again_until_the_settings_change() -> None:
    with serving(OpenWeatherMap, NOW.timestamp()) as service:
        agent = clouds(service.address, key="feedfacefeedface")
        state = ask(agent)
        assert "does not accept the key" in state["error"]
        assert "feedface" not in json.dumps(state)
        assert ask(agent)["failures"] == 1, "nobody was asked"
        agent.key = KEY
        agent.save()
        assert ask(agent)["status"] == "ok"


def test_the_error_is_told_in_the_houses_language() -> None:
    House.objects.update_or_create(pk=1, defaults={"language": "nl"})
    agent = weather(f"http://127.0.0.1:{free_port()}")
    assert "luistert" in ask(agent)["error"]


def test_a_house_whose_place_nobody_knows_asks_for_it() -> None:
    House.objects.update_or_create(pk=1, defaults={"zone": "UTC"})
    with serving(OpenMeteo, NOW.timestamp()) as service:
        state = ask(weather(service.address))
    assert "latitude and longitude" in state["error"]


def test_a_solar_forecast_is_due_each_hour_and_light_goes_before_clouds() -> None:
    sky, other = weather("http://127.0.0.1:9"), clouds("http://127.0.0.1:9")
    assert asking._forecast_due(sky, NOW)
    assert asking._forecast_due(other, NOW), "nobody tells of light"
    storing.keep_forecast(sky, told(), NOW - timedelta(hours=2))
    assert asking._forecast_due(sky, NOW)
    assert not asking._forecast_due(other, NOW)
    assert asking._forecast_due(other, NOW + timedelta(hours=2)), "the better service has been silent"
    SolarForecast.objects.create(issued=NOW - timedelta(minutes=20), start=QUARTER, raw_w=[], mean_w=[])
    assert not asking._forecast_due(sky, NOW)
    assert asking._forecast_due(sky, NOW + timedelta(minutes=40))


def test_values_are_rounded_to_whole_numbers_and_unknown_stays_unknown() -> None:
    agent = weather("http://127.0.0.1:9")
    storing.keep_forecast(agent, told(cloud_pct=[49.6, None], direct_w_m2=[0.4, 812.5]), NOW)
    storing.keep_observation(agent, Observation(int(NOW.timestamp()), temperature_c=-0.06, wind_m_s=3.14))
    row, seen = WeatherForecast.objects.get(), WeatherObservation.objects.get()
    assert (row.temperature_dc, row.cloud_pct, row.direct_w_m2, row.global_w_m2) == ([123, None], [50, None], [0, 812], [])
    assert (seen.temperature_dc, seen.wind_dms, seen.cloud_pct, seen.humidity_pct) == (-1, 31, None, None)


def test_old_forecasts_are_thinned_to_one_of_three_hours_and_go_after_400_days() -> None:
    agent, other = weather("http://127.0.0.1:9"), clouds("http://127.0.0.1:9")
    old = datetime(2026, 5, 20, 12, tzinfo=UTC)
    for minutes in (0, 60, 179, 180, 300, 361):
        storing.keep_forecast(agent, told(), old + timedelta(minutes=minutes))
    storing.keep_forecast(other, told(), old)
    for issued in (NOW - timedelta(days=6), NOW - timedelta(days=6, minutes=15), NOW - timedelta(days=401)):
        storing.keep_forecast(agent, told(), issued)
    for at in (NOW - timedelta(days=401), NOW - timedelta(days=399)):
        storing.keep_observation(agent, Observation(int(at.timestamp()), 1.0))
    storing.prune(agent, NOW)
    kept = WeatherForecast.objects.filter(weather=agent, issued__lt=NOW - timedelta(days=7)).order_by("issued")
    assert [row.issued for row in kept] == [old + timedelta(minutes=minutes) for minutes in (179, 300, 361)]
    assert WeatherForecast.objects.filter(weather=agent).count() == 3 + 2
    assert WeatherForecast.objects.filter(weather=other).count() == 1
    assert [row.time for row in WeatherObservation.objects.all()] == [NOW - timedelta(days=399)]
