"""Test and doctor of weather services, and what their settings must be."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from energysite import agents, live
from energysite.demo.weather_servers import KEY, OpenMeteo, OpenWeatherMap
from energysite.models import House
from solar.models import Weather
from solar.weather import check
from tests.emulators.weather import serving
from tests.running_site import free_port

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 6, 3, 10, 7, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _here() -> Iterator[None]:
    House.objects.update_or_create(pk=1, defaults={"latitude": 50.85, "longitude": 4.35})
    yield
    live.client().hdel(live.LAST, "Sky")


def unsaved(address: str, **fields: Any) -> Weather:
    return Weather(**{"name": "Sky", "address": address, "period_s": 900, **fields})


def test_a_look_tells_the_weather_in_words_and_what_the_service_sent() -> None:
    with serving(OpenMeteo, NOW.timestamp()) as service:
        found = check.look(unsaved(service.address), NOW)
    assert (found.ok, found.live, found.error) == (True, False, "")
    outside, _clouds, _humidity, wind, light, hours, day = found.facts
    assert outside.endswith("°C outside")
    assert wind.endswith("m/s")
    assert light.startswith("light ")
    assert hours == "foretold for 48 h"
    assert day.startswith("light of 24 h ")
    assert 0.5 < float(day.split()[-2]) < 9
    assert "shortwave_radiation" in found.heard
    assert len(found.heard) <= 500
    assert found.took_ms is not None


def test_a_service_without_light_says_so_and_its_key_stands_in_no_look() -> None:
    with serving(OpenWeatherMap, NOW.timestamp()) as service:
        found = check.look(unsaved(service.address, provider="openweathermap", key=KEY), NOW)
        wrong = check.look(unsaved(service.address, provider="openweathermap", key="feedfacefeedface"), NOW)
    assert found.ok
    assert "tells no light" in found.error
    assert found.facts[-1] == "foretold for 51 h"
    assert not wrong.ok
    assert "does not accept the key" in wrong.error
    assert "Invalid API key" in wrong.heard
    assert KEY not in repr(found)
    assert "feedface" not in repr(wrong)


def test_the_weather_of_the_zones_city_is_told_as_such() -> None:
    House.objects.update(latitude=None, longitude=None)
    with serving(OpenMeteo, NOW.timestamp()) as service:
        found = check.look(unsaved(service.address), NOW)
    assert found.ok
    assert "the city that your time zone is named after" in found.error


def test_no_answer_is_told_in_words() -> None:
    found = check.look(unsaved(f"http://127.0.0.1:{free_port()}"), NOW)
    assert (found.ok, found.facts, found.heard) == (False, (), "")
    assert "nothing listens" in found.error


def test_what_was_asked_less_than_a_period_ago_is_answered_from_live() -> None:
    frame = {
        "source": "Sky",
        "kind": "weather",
        "time": NOW.timestamp(),
        "received": NOW.timestamp(),
        "temperature_c": 12.34,
        "cloud_pct": 40,
    }
    live.publisher().frame("Sky", frame)
    nobody = unsaved(f"http://127.0.0.1:{free_port()}")
    fresh = check.look(nobody, NOW + timedelta(seconds=899))
    assert (fresh.ok, fresh.live, round(fresh.age_s), fresh.facts) == (True, True, 899, ("12.3 °C outside", "clouds 40 %"))
    assert not check.look(nobody, NOW + timedelta(seconds=900)).ok
    assert not check.look(nobody, NOW, live_ok=False).ok


def test_doctor_asks_each_enabled_service_and_one_fault_stops_no_other() -> None:
    with serving(OpenMeteo, NOW.timestamp()) as service:
        good, bad = unsaved(service.address), unsaved(f"http://127.0.0.1:{free_port()}", name="Nowhere")
        assert {look.name: look.ok for look in check.check_all(NOW, [good, bad])} == {"Sky": True, "Nowhere": False}
    agents.create(Weather, name="Sky", period_s=900)
    agents.create(Weather, name="Off", period_s=900, enabled=False)
    assert [name for name, _look in check.jobs(NOW)] == ["Sky"]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"period_s": 299}, "period_s"),
        ({"address": "socket://127.0.0.1:99"}, "address"),
        ({"address": "http://user:word@host"}, "address"),
        ({"address": "https://host/path?appid=1"}, "address"),
        ({"provider": "openweathermap"}, "key"),
        ({"provider": "oracle"}, "provider"),
    ],
)
def test_settings_that_cannot_work_are_refused_field_by_field(fields: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValidationError) as caught:
        agents.create(Weather, **{"name": "Sky", "period_s": 900, **fields})
    assert list(caught.value.message_dict) == [wrong]
