"""The admin of inverters: audited, versioned, secrets never shown; Test asks the device by the form as it stands."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from energysite import agents, confirm, live
from energysite.models import AuditEntry, House
from energysite.permissions import OWNER, Actor
from meters.models import AnalogInput, Source
from solar.models import Inverter, RoofPlane, Weather, WeatherObservation
from solar.readers import families
from tests.emulators import fronius
from tests.emulators.http_device import HttpLookalike

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"
TEST = "/admin/solar/inverter/test/"


@pytest.fixture(autouse=True)
def _live() -> Iterator[None]:
    yield
    live.client().delete("agent:Roof")
    live.client().hdel(live.LAST, "Roof")


@pytest.fixture
def owner() -> Client:
    assert confirm.KEY, "imported, so that logging in counts as having given the password"
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.create(username="ann", is_superuser=True), backend=BACKEND)
    return client


@pytest.fixture
def inverter() -> Inverter:
    return agents.create(Inverter, name="Roof", family="sma", address="https://127.0.0.1:9", password="hush-hush-7", period_s=10)


def values(**changed: Any) -> dict[str, Any]:
    """The form as a browser sends it, the fields of other makes included."""
    sent = {"name": "Roof", "enabled": "on", "requestable": "on", "family": "fronius", "address": "http://127.0.0.1:9", "period_s": 10}
    factors = dict.fromkeys(("power_factor", "day_factor", "total_factor", "battery_factor"), "1.0")
    return {**sent, **factors, "password": "", "units": "", "page": "", "seen": 1, **changed}


def page(inverter: Inverter) -> str:
    return f"/admin/solar/inverter/{inverter.pk}/change/"


def left_open(client: Client) -> None:
    session = client.session
    session["confirmed_at"] = time.time() - 3600
    session.save()


def test_adding_a_fronius_is_one_form(owner: Client) -> None:
    shown = owner.get("/admin/solar/inverter/add/").content.decode()
    assert re.search(r'name="period_s"[^>]*value="10"|value="10"[^>]*name="period_s"', shown)
    assert owner.post("/admin/solar/inverter/add/", values(address="http://192.168.1.20")).status_code == 302
    made = Inverter.objects.get()
    assert (made.name, made.family, made.address, made.version) == ("Roof", "fronius", "http://192.168.1.20", 1)
    entry = AuditEntry.objects.get(action="inverter connected")
    assert (entry.actor, entry.target, entry.detail) == ("ann", "Roof", {"family": "fronius", "address": "http://192.168.1.20"})


def test_a_makes_page_asks_for_what_that_make_uses(owner: Client) -> None:
    shown = owner.get("/admin/solar/inverter/add/").content.decode()
    for name in {name for family in families.FAMILIES for name in (*family.needs, *family.uses)}:
        assert f'name="{name}"' in shown, f"{name} cannot be set"
    assert shown.count('x-show="family ==') == len({name for family in families.FAMILIES for name in (*family.needs, *family.uses)})
    assert 'x-show="family == &#x27;sma&#x27;"' in shown


def test_a_stored_password_is_never_shown_and_stays_where_none_is_typed(owner: Client, inverter: Inverter) -> None:
    assert "hush-hush-7" not in owner.get(page(inverter)).content.decode()
    sent = values(family="sma", address="https://127.0.0.1:9", period_s=30)
    assert owner.post(page(inverter), sent).status_code == 302
    inverter.refresh_from_db()
    assert (inverter.password, inverter.period_s, inverter.version) == ("hush-hush-7", 30, 2)
    owner.post(page(inverter), values(family="sma", address="https://127.0.0.1:9", period_s=30, password="other-8", seen=2))
    inverter.refresh_from_db()
    assert inverter.password == "other-8"
    told = str(list(AuditEntry.objects.values_list("detail", flat=True)))
    assert "other-8" not in told and "hush-hush-7" not in told and "••••••" in told


def test_what_a_make_cannot_use_is_refused_in_words(owner: Client) -> None:
    for changed, words in (
        ({"address": "file:///etc/passwd"}, "Write the address as http://host:port."),
        ({"family": "sma"}, "This make needs it."),
        ({"period_s": 2}, "This make may be asked every 10 s at most."),
        ({"units": "one"}, "one is no unit number"),
    ):
        assert words in owner.post("/admin/solar/inverter/add/", values(**changed)).content.decode()
    assert not Inverter.objects.exists()


def test_a_change_made_meanwhile_is_not_overwritten(owner: Client, inverter: Inverter) -> None:
    agents.set_config(Actor("bob", OWNER), "Roof", {"period_s": 20}, 1)
    shown = owner.post(page(inverter), values(family="sma", period_s=30)).content.decode()
    assert "Somebody changed these settings" in shown
    inverter.refresh_from_db()
    assert inverter.period_s == 20


def test_the_list_tells_states_and_switches_inverters_off_and_on(owner: Client, inverter: Inverter) -> None:
    assert "not started" in owner.get("/admin/solar/inverter/").content.decode()
    agents.report("Roof", status="error", error="127.0.0.1 is there, but nothing listens.", last_success=time.time() - 100, response_ms=12)
    shown = owner.get("/admin/solar/inverter/?enabled__exact=1&family__exact=sma").content.decode()
    for words in ("nothing listens", "12 ms", "100 s ago"):
        assert words in shown
    for action, enabled in (("disable", False), ("enable", True)):
        owner.post("/admin/solar/inverter/", {"action": action, "_selected_action": [inverter.pk]})
        inverter.refresh_from_db()
        assert inverter.enabled is enabled
    owner.post(f"/admin/solar/inverter/{inverter.pk}/delete/", {"post": "yes"})
    assert not Inverter.objects.exists()
    assert AuditEntry.objects.get(action="inverter removed").target == "Roof"


# Test


def test_test_asks_the_device_by_the_form_and_saves_nothing(owner: Client) -> None:
    with HttpLookalike(fronius.by_day()) as device:
        shown = owner.post(TEST, values(address=device.address)).content.decode()
    for words in ("It answers", "Solar now 3.215 kW", "In all 26,213.502 kWh", "PAC"):
        assert words in shown
    assert not Inverter.objects.exists()


def test_test_uses_the_stored_password_where_none_is_typed(owner: Client, inverter: Inverter) -> None:
    with HttpLookalike({"/dyn/login.json": (401, b"")}) as device:
        owner.post(f"{TEST}?of={inverter.pk}", values(family="sma", address=device.address))
        assert b"hush-hush-7" in device.asked[0][2]
        owner.post(TEST, values(family="sma", address=device.address, password="typed-9"))
        assert b"typed-9" in device.asked[-1][2]
        refused = owner.post(TEST, values(family="sma", address=device.address)).content.decode()
    assert "This make needs it." in refused


def test_test_is_answered_from_live_only_by_the_settings_that_were_read(owner: Client) -> None:
    with HttpLookalike(fronius.by_day()) as device:
        stored = agents.create(Inverter, name="Roof", family="fronius", address=device.address, period_s=10)
        frame = {"source": "Roof", "kind": "inverter", "time": 1, "received": time.time(), "power_w": 77, "condition": "producing"}
        live.publisher().frame("Roof", frame)
        shown = owner.post(f"{TEST}?of={stored.pk}", values(address=device.address)).content.decode()
        assert "0.077 kW" in shown and "It was read" in shown and device.asked == []
        shown = owner.post(f"{TEST}?of={stored.pk}", values(address=device.address, units="1")).content.decode()
        assert "3.215 kW" in shown and device.asked


def test_what_a_device_sends_is_shown_as_harmless_text(owner: Client) -> None:
    with HttpLookalike({fronius.FLOW: (200, b"<img src=x onerror=alert(1)>\x1b[2J")}) as device:
        shown = owner.post(TEST, values(address=device.address)).content.decode()
    assert "&lt;img src=x" in shown
    assert "<img src=x" not in shown and "\x1b" not in shown


@pytest.mark.parametrize("address", ["http://169.254.169.254", "http://user:x@10.0.0.1", "http://127.0.0.1:8000", "gopher://10.0.0.1"])
def test_test_refuses_addresses_that_no_device_has(owner: Client, address: str) -> None:
    shown = owner.post(TEST, values(address=address)).content.decode()
    assert "is an address that no" in shown or "Write the address as" in shown
    assert "It answers" not in shown


def test_test_follows_no_redirect(owner: Client) -> None:
    with HttpLookalike(fronius.by_day()) as elsewhere, HttpLookalike({fronius.FLOW: (302, b"")}) as device:
        device.headers["Location"] = elsewhere.address + fronius.FLOW
        shown = owner.post(TEST, values(address=device.address)).content.decode()
        assert elsewhere.asked == []
    assert "we do not go" in shown


def test_test_is_a_post_with_a_csrf_token_and_a_password_given_lately(owner: Client, inverter: Inverter) -> None:
    assert owner.get(TEST).status_code == 405
    strict = Client(enforce_csrf_checks=True, headers={"host": "localhost"})
    strict.force_login(User.objects.get(username="ann"), backend=BACKEND)
    assert strict.post(TEST, values()).status_code == 403
    left_open(owner)
    with HttpLookalike(fronius.by_day()) as device:
        for where in (TEST, f"{TEST}?of={inverter.pk}"):
            asked = owner.post(where, values(family="sma", address=device.address))
            assert asked.headers["Location"].startswith("/login/confirm/?next=%2Fadmin%2Fsolar%2Finverter%2F")
        assert device.asked == []
    for where in ("/admin/solar/inverter/add/", page(inverter)):
        assert owner.post(where, values()).headers["Location"].startswith("/login/confirm/")


@pytest.mark.parametrize("role", ["member", "viewer", None])
def test_nobody_but_an_owner_tests_or_sees_inverters_here(role: str | None, inverter: Inverter) -> None:
    User.objects.create(username="ann", is_superuser=True)
    client = Client(headers={"host": "localhost"})
    if role is not None:
        user = User.objects.create(username=role, is_staff=True)
        user.groups.add(Group.objects.get_or_create(name=role)[0])
        client.force_login(user, backend=BACKEND)
    with HttpLookalike(fronius.by_day()) as device:
        for response in (
            client.post(TEST, values(address=device.address)),
            client.post(f"{TEST}?of={inverter.pk}", values(address=device.address)),
            client.get(page(inverter)),
            client.post(page(inverter), values(address=device.address)),
        ):
            assert response.status_code in (302, 403)
            assert response.status_code == 403 or response.headers["Location"].startswith(("/login/", "/admin/login/"))
        assert device.asked == []
    inverter.refresh_from_db()
    assert inverter.address == "https://127.0.0.1:9"


def test_a_roof_plane_is_audited_and_cannot_look_below_the_ground(owner: Client) -> None:
    sent = {"name": "South", "tilt_deg": "35", "azimuth_deg": "180", "peak_w": "4200", "inverter": "", "limit_w": ""}
    assert owner.post("/admin/solar/roofplane/add/", {**sent, "tilt_deg": "95"}).status_code == 200
    assert owner.post("/admin/solar/roofplane/add/", sent).status_code == 302
    assert RoofPlane.objects.get().peak_w == 4200
    assert AuditEntry.objects.get(action="roofplane added").target == "South"


# Weather services


def weather_values(**changed: Any) -> dict[str, Any]:
    sent = {"name": "Sky", "enabled": "on", "requestable": "on", "provider": "openweathermap", "key": "k-secret-1", "period_s": 900}
    return {**sent, "address": "", "seen": 1, **changed}


def test_a_weather_services_key_is_kept_and_never_shown(owner: Client) -> None:
    assert owner.post("/admin/solar/weather/add/", weather_values()).status_code == 302
    made = Weather.objects.get()
    where = f"/admin/solar/weather/{made.pk}/change/"
    assert made.key == "k-secret-1" and "k-secret-1" not in owner.get(where).content.decode()
    assert owner.post(where, weather_values(key="", period_s=1800)).status_code == 302
    made.refresh_from_db()
    assert (made.key, made.period_s) == ("k-secret-1", 1800)
    assert "k-secret-1" not in str(list(AuditEntry.objects.values_list("detail", flat=True)))


def test_test_asks_a_weather_service_and_shows_no_key(owner: Client) -> None:
    House.objects.update_or_create(pk=1, defaults={"latitude": 50.85, "longitude": 4.35})
    with HttpLookalike({"/data/2.5/weather": (401, b'{"cod":401,"message":"Invalid API key k-secret-1"}')}) as service:
        shown = owner.post("/admin/solar/weather/test/", weather_values(address=service.address)).content.decode()
        assert service.asked, "it was asked"
    assert 'role="alert"' in shown and "k-secret-1" not in shown
    assert not Weather.objects.exists()


def test_a_weather_service_goes_with_what_it_told_and_the_page_counts_it(owner: Client) -> None:
    made = agents.create(Weather, name="Sky", period_s=900)
    WeatherObservation.objects.bulk_create(
        WeatherObservation(weather=made, time=datetime(2026, 1, 1, hour, tzinfo=UTC)) for hour in range(24)
    )
    where = f"/admin/solar/weather/{made.pk}/delete/"
    asked = owner.get(where).content.decode()
    assert "observations: 24" in asked and "forecasts: 0" in asked
    assert owner.post(where, {"post": "yes"}).status_code == 302
    assert not Weather.objects.exists() and not WeatherObservation.objects.exists()
    assert AuditEntry.objects.get(action="weather removed").target == "Sky"


def test_an_inverter_that_is_removed_leaves_its_counters_retired(owner: Client, inverter: Inverter) -> None:
    source = Source.objects.create(kind="production", medium="solar", name="Roof")
    inverter.counters.create(source=source)
    assert owner.post(f"/admin/solar/inverter/{inverter.pk}/delete/", {"post": "yes"}).status_code == 302
    source.refresh_from_db()
    assert source.retired is not None


# Analog inputs


def test_an_analog_input_is_added_and_tested_in_words(owner: Client) -> None:
    sent = {"name": "Boiler", "enabled": "on", "requestable": "on", "device": "9.9", "channel": 0, "offset": 0, "factor": "0.1"}
    sent |= {"unit": "°C", "period_s": 60, "seen": 1}
    shown = owner.post("/admin/meters/analoginput/test/", sent).content.decode()
    assert 'role="alert"' in shown and "9.9" in shown
    assert owner.post("/admin/meters/analoginput/add/", {**sent, "device": "etc/passwd"}).status_code == 200
    assert owner.post("/admin/meters/analoginput/add/", sent).status_code == 302
    assert AnalogInput.objects.get().source.medium == "analog"
    assert AuditEntry.objects.get(action="analog connected").detail == {"device": "9.9", "channel": 0}
    assert "Boiler" in owner.get("/admin/meters/analoginput/").content.decode()
