"""The settings page and the pages for what goes wrong."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from energysite import agents, live
from energysite.models import AuditEntry, House
from meters.models import Meter
from solar.models import Inverter, RoofPlane, Weather
from tests.meters.rows import make_meter

pytestmark = pytest.mark.django_db

GOOD = {"name": "Lakeside", "zone": "Europe/Brussels", "language": "nl", "currency": "eur", "grid": "3x400+N", "fuse_a": "25"}


def somebody(role: str) -> Client:
    user = get_user_model().objects.create_user(f"a {role}")
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    client = Client(headers={"host": "localhost"})
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def page(client: Client, path: str = "/settings/") -> str:
    return client.get(path).content.decode()


def save(client: Client, **values: str) -> Any:
    return client.post("/settings/", {**GOOD, **values})


def test_an_owner_changes_the_house_and_the_change_is_written_down() -> None:
    owner = somebody("owner")
    assert save(owner).status_code == 302
    house = House.load()
    assert (house.name, house.language, house.currency, house.fuse_a) == ("Lakeside", "nl", "EUR", 25)
    entry = AuditEntry.objects.get(action="house configured")
    assert (entry.actor, entry.detail["changed"]["fuse_a"]) == ("a owner", [None, 25])


def test_saving_what_was_there_already_writes_nothing_down() -> None:
    owner = somebody("owner")
    save(owner)
    save(owner)
    assert AuditEntry.objects.filter(action="house configured").count() == 1


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("zone", "Mars/Olympus", "Mars/Olympus is no time zone"),
        ("currency", "E1R", "Write the three letters"),
        ("fuse_a", "-3", "greater than or equal to 0"),
        ("name", "", "This field is required"),
    ],
)
def test_what_cannot_be_used_is_said_at_its_field_and_nothing_changes(field: str, value: str, says: str) -> None:
    answer = save(somebody("owner"), **{field: value})
    assert answer.status_code == 200
    assert says in answer.content.decode()
    assert House.load().name == "Home"
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_others_see_the_settings_and_whom_to_ask(role: str) -> None:
    client = somebody(role)
    make_meter("Main")
    text = page(client)
    assert "Ask the owner to change these." in text
    assert "Europe/Brussels" in text
    assert '<form class="form"' not in text
    assert "/admin/" not in text
    assert save(client).status_code == 403
    assert House.load().name == "Home"


def test_each_meter_stands_there_with_its_state_and_its_way_to_the_admin() -> None:
    live.client().flushdb()
    meter = make_meter("Main")
    Meter.objects.filter(pk=make_meter("Shed").pk).update(enabled=False)
    agents.report("Main", status="unreadable", error="Bytes, but no telegram: is it the P1 port?")
    text = page(somebody("owner"))
    assert "sends what cannot be read" in text
    assert "Bytes, but no telegram: is it the P1 port?" in text
    assert "switched off" in text
    assert reverse("admin:meters_meter_change", args=[meter.pk]) in text
    assert reverse("setup-meter") in text


@pytest.mark.parametrize("path", ["/no-such-page/", "/?date=2026-02-30"])
def test_a_page_that_is_not_there_says_so_and_where_to_go(path: str) -> None:
    answer = somebody("viewer").get(path)
    assert answer.status_code == 404
    assert "There is no such page" in answer.content.decode()


def test_a_forbidden_page_names_whom_to_ask() -> None:
    answer = somebody("viewer").get("/setup/meter/")
    assert answer.status_code == 403
    assert "Ask the owner" in answer.content.decode()


@pytest.mark.parametrize("name", ["400.html", "500.html", "403_csrf.html", "locked_out.html", "database_away.html"])
def test_error_pages_need_nothing_that_may_be_missing(name: str) -> None:
    from django.template.loader import get_template

    text = get_template(name).render()
    assert "<h1>" in text
    assert 'href="/"' in text


def test_pages_carry_no_inline_script_and_no_style_attribute() -> None:
    make_meter("Main")
    owner = somebody("owner")
    for path in ("/", "/?date=2026-11-01", "/settings/", "/health/", "/login/", "/no-such-page/"):
        text = page(owner, path)
        scripts = [part.split(">", 1)[0] for part in text.split("<script")[1:]]
        assert all("src=" in tag or 'type="application/json"' in tag for tag in scripts), path
        assert " style=" not in text, path
        assert " onclick=" not in text, path


def test_the_suns_devices_stand_on_the_page_with_their_states_and_ways_to_change_them() -> None:
    owner, viewer = somebody("owner"), somebody("viewer")
    empty = page(owner)
    for words in ("No inverter yet", "/setup/inverter/", "/admin/solar/roofplane/add/", "No weather service yet"):
        assert words in empty
    assert "/setup/inverter/" not in page(viewer)

    inverter = agents.create(Inverter, name="Roof", family="fronius", address="http://192.168.1.20", period_s=10)
    agents.create(Weather, name="Sky", period_s=900)
    plane = RoofPlane.objects.create(name="South", peak_w=4200)
    agents.report("Roof", status="error", error="192.168.1.20 does not answer.", failures=3)
    try:
        for shown in (page(owner), page(viewer)):
            for words in ("http://192.168.1.20", "192.168.1.20 does not answer.", "has not answered yet", "4200 Wp", "Open-Meteo"):
                assert words in shown
        assert f"/admin/solar/inverter/{inverter.pk}/change/" in page(owner) and f"/admin/solar/roofplane/{plane.pk}/change/" in page(owner)
        assert "/admin/" not in page(viewer)
    finally:
        live.client().delete("agent:Roof")


def test_half_a_place_is_refused_and_a_whole_one_kept() -> None:
    owner = somebody("owner")
    assert "Give latitude and longitude, or neither." in save(owner, latitude="50.85").content.decode()
    assert save(owner, latitude="50.85", longitude="4.35", unread_battery="on").status_code == 302
    house = House.load()
    assert (house.latitude, house.longitude, house.unread_battery) == (50.85, 4.35, True)
