"""Meters without a port, replaced meters, and what a person may set of a source."""

import re
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from energysite.models import AuditEntry
from meters.models import CounterCycle, DataManager, ElectricityReading, RejectEpisode, Source, VolumeReading
from tests.meters import trusting
from tests.meters.rows import make_meter

pytestmark = pytest.mark.django_db
HARM = "<img src=x onerror=alert(1)>"
SOURCES = "/admin/meters/source/"


@pytest.fixture
def owner() -> Client:
    return trusting.owner()


@pytest.fixture
def water() -> Source:
    return Source.objects.create(kind="volume", medium="water", name="Cellar", by_hand=True)


def text(response: Any) -> str:
    assert response.status_code == 200
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", response.content.decode().partition('id="content"')[2])).split())


def readings(source: Source) -> str:
    return f"{SOURCES}{source.pk}/readings/"


def told(response: Any) -> str:
    return unescape(response.content.decode())


# Read by hand


def test_a_meter_without_a_port_is_added_in_one_short_form(owner: Client) -> None:
    response = owner.post(f"{SOURCES}add/", {"name": "Cellar", "medium": "water", "serial": "77"}, follow=True)
    made = Source.objects.get()
    assert (made.kind, made.medium, made.serial, made.by_hand, made.meter) == ("volume", "water", "77", True, None)
    assert response.redirect_chain[-1][0] == readings(made)
    assert "Write down its first reading." in told(response)
    assert DataManager.objects.filter(source=made, builtin=True, length_s=900).exists()
    assert AuditEntry.objects.get(action="source added").target == "Cellar"
    assert "Another source has this name." in text(owner.post(f"{SOURCES}add/", {"name": "Cellar", "medium": "gas"}))


def test_a_reading_is_taken_as_it_stands_on_the_dial(owner: Client, water: Source) -> None:
    response = owner.post(readings(water), {"date": "2026-10-25", "time": "02:15", "fold": "1", "volume_l": "1204,31"}, follow=True)
    assert "Taken in: 25 October 2026, 02:15 winter time, 1,204.310 m³." in told(response)
    row = VolumeReading.objects.get()
    assert (row.time, row.volume_l) == (datetime(2026, 10, 25, 1, 15, tzinfo=UTC), 1_204_310)
    assert "02:15 winter time 1,204.310 m³" in text(owner.get(readings(water)))
    assert AuditEntry.objects.get(action="reading by hand").actor == "ann"


def test_a_reading_that_goes_back_is_refused_and_one_typed_wrong_is_removed(owner: Client, water: Source) -> None:
    owner.post(readings(water), {"date": "2026-11-01", "time": "12:00", "volume_l": "100"})
    refused = owner.post(readings(water), {"date": "2026-11-02", "time": "12:00", "volume_l": "99"})
    assert "a counter does not go back" in text(refused)
    assert 'value="99"' in refused.content.decode(), "what was typed is still there"
    owner.post(readings(water), {"date": "2026-11-02", "time": "12:00", "volume_l": "104"})
    assert owner.get(readings(water) + "remove/").status_code == 405
    response = owner.post(readings(water) + "remove/", {"at": "2026-11-02T11:00:00Z"}, follow=True)
    assert "Removed: the reading of 2 November 2026, 12:00." in told(response)
    assert [row.volume_l for row in VolumeReading.objects.all()] == [100_000]
    assert "no reading at this time" in told(owner.post(readings(water) + "remove/", {"at": "2026-11-02T11:00:00Z"}, follow=True))
    assert owner.post(readings(water) + "remove/", {"at": "yesterday"}).status_code == 404


def test_an_electricity_meter_needs_one_of_its_registers(owner: Client) -> None:
    made = Source.objects.create(kind="electricity", medium="electricity", name="Shed", by_hand=True)
    assert "Write down at least one counter." in text(owner.post(readings(made), {"date": "2026-11-01", "time": "12:00"}))
    owner.post(readings(made), {"date": "2026-11-01", "time": "12:00", "import_t1_wh": "54201.112"})
    assert ElectricityReading.objects.get().import_t1_wh == 54_201_112


def test_a_meter_with_a_port_has_no_typed_readings(owner: Client) -> None:
    assert owner.get(readings(trusting.source())).status_code == 404


# Replaced and retired


def replacement(**changed: str) -> dict[str, str]:
    return {
        "date": "2026-11-10",
        "time": "12:25",
        "last_import_t1_wh": "54201.500",
        "first_import_t1_wh": "1204.3",
        "serial": "new",
        **changed,
    }


def test_a_replacement_is_shown_and_totals_go_on(owner: Client) -> None:
    source = trusting.source()
    trusting.replaced_meter(source)
    path = f"{SOURCES}{source.pk}/replace/"
    shown = owner.post(path, replacement())
    assert "Last reading 54,201.112 kWh Old meter's end 54,201.500 kWh Still added +0.388 kWh New meter's begin 1,204.300 kWh" in text(
        shown
    )
    assert "10 Nov 2026, Import, register 1 0.112 kWh 0.589 kWh" in text(shown), "with the readings that lay aside"
    assert not CounterCycle.objects.exists() and RejectEpisode.objects.get().decision == "open"
    assert "is not what was shown" in text(owner.post(path, {**replacement(), "save": "1"}))

    response = owner.post(path, {**replacement(), "save": "1", "seen": shown.context["form"].data["seen"]}, follow=True)
    assert "Totals of House go on with the new meter." in told(response)
    cycle = CounterCycle.objects.get()
    assert (cycle.since, cycle.offset) == (datetime(2026, 11, 10, 11, 25, tzinfo=UTC), 54_201_500 - 1_204_300)
    assert RejectEpisode.objects.get().decision == "overruled"
    source.refresh_from_db()
    assert source.serial == "new"
    assert AuditEntry.objects.get(action="meter replaced").actor == "ann"


def test_a_last_value_below_what_was_read_is_refused(owner: Client) -> None:
    source = trusting.source()
    trusting.feed(source, [54_201_000, 54_201_112])
    refused = text(owner.post(f"{SOURCES}{source.pk}/replace/", replacement(last_import_t1_wh="54201.000")))
    assert "The old meter showed 54,201.112 kWh already" in refused
    early = text(owner.post(f"{SOURCES}{source.pk}/replace/", replacement(time="12:00")))
    assert "after this time" in early


def test_a_meter_that_tells_its_serial_needs_no_guide(owner: Client) -> None:
    source = trusting.source(meter=make_meter("Main"), serial="A1")
    shown = text(owner.get(f"{SOURCES}{source.pk}/replace/"))
    assert "becomes a source of its own as soon as it speaks" in shown
    owner.post(f"{SOURCES}{source.pk}/retire/")
    source.refresh_from_db()
    assert source.retired is not None
    assert AuditEntry.objects.get(action="source retired").target == "House"
    assert owner.get(f"{SOURCES}{source.pk}/retire/").status_code == 405
    assert "Use again" in text(owner.get(f"{SOURCES}{source.pk}/change/"))
    owner.post(f"{SOURCES}{source.pk}/use-again/")
    source.refresh_from_db()
    assert source.retired is None and AuditEntry.objects.filter(action="source in use again").exists()


# Settings of a source


def test_how_readings_are_judged_is_set_with_help_and_audited(owner: Client) -> None:
    source = trusting.source()
    path = f"{SOURCES}{source.pk}/change/"
    shown = text(owner.get(path))
    for words in (
        "Empty: learned from its last 20 readings",
        "Empty: from the fuse",
        "Where the counter begins at 0 again",
        "The meter was replaced",
    ):
        assert words in shown
    owner.post(path, {"name": "House", "cadence_s": "900", "per_hour": "9200", "rolls_over_at": "999999999", "by_hand": "on"})
    source.refresh_from_db()
    assert (source.cadence_s, source.per_hour, source.rolls_over_at, source.by_hand) == (900, 9200, 999_999_999, False)
    assert AuditEntry.objects.get(action="source changed").detail["changed"]["per_hour"] == [None, 9200]


def test_an_analog_signal_has_a_unit_and_no_counter(owner: Client) -> None:
    source = trusting.source("Boiler", "analog")
    shown = owner.get(f"{SOURCES}{source.pk}/change/").content.decode()
    assert 'name="unit"' in shown and 'name="rolls_over_at"' not in shown
    assert owner.get(f"{SOURCES}{source.pk}/replace/").status_code == 404


@pytest.mark.parametrize("role", ["member", "viewer", None])
def test_nobody_but_an_owner_types_replaces_or_retires(role: str | None, water: Source) -> None:
    User.objects.create(username="ann", is_superuser=True)
    client = Client(headers={"host": "localhost"})
    if role is not None:
        user = User.objects.create(username=role, is_staff=True)
        user.groups.add(Group.objects.get_or_create(name=role)[0])
        client.force_login(user, backend=trusting.BACKEND)
    for path, values in (
        (f"{SOURCES}add/", {"name": "x", "medium": "gas"}),
        (readings(water), {"date": "2026-11-01", "time": "12:00", "volume_l": "5"}),
        (readings(water) + "remove/", {"at": "2026-11-02T11:00:00Z"}),
        (f"{SOURCES}{water.pk}/replace/", replacement()),
        (f"{SOURCES}{water.pk}/retire/", {}),
        (f"{SOURCES}{water.pk}/use-again/", {}),
    ):
        response = client.post(path, values)
        assert response.status_code == 403 or response.headers["Location"].startswith(("/login/", "/admin/login/"))
    assert Source.objects.count() == 1 and not VolumeReading.objects.exists()


def test_a_sources_name_is_text_and_nothing_else(owner: Client, water: Source) -> None:
    Source.objects.update(name=HARM)
    for path in ("", f"{water.pk}/change/", f"{water.pk}/readings/", f"{water.pk}/replace/"):
        html = owner.get(SOURCES + path).content.decode()
        assert HARM not in html and "&lt;img src=x" in html, path
