"""The admin of outputs: a form for each make, Test, and “Set up this device”; by the owner alone, the password given lately."""

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from control.models import Output
from control.outputs import families
from energysite import agents, confirm
from energysite.demo.on_the_wire import Wire, on_the_wire
from energysite.models import AuditEntry
from tests.energysite.demo import house

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"
ADD, TEST = "/admin/control/output/add/", "/admin/control/output/test/"


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with on_the_wire(house(), lambda: 1_773_000_000.0, ("shelly2",)) as wire:
        yield wire


@pytest.fixture
def plug(wire: Wire) -> Output:
    device: Any = wire["shelly2"]
    device.password = "hush-hush-7"
    device.contact.at_start, device.contact.auto_off_s = "last", 0.0
    return agents.create(Output, name="Plug", family="shelly2", address=wire["shelly2"].address, password="hush-hush-7")


def client_of(name: str, role: str = "") -> Client:
    assert confirm.KEY, "imported, so that logging in counts as having given the password"
    client = Client(headers={"host": "localhost"})
    user = User.objects.create(username=name, is_superuser=not role)
    if role:
        user.groups.add(Group.objects.get(name=role))
    client.force_login(user, backend=BACKEND)
    return client


@pytest.fixture
def owner() -> Client:
    return client_of("ann")


def values(**changed: Any) -> dict[str, Any]:
    """The form as a browser sends it, the fields of other makes included."""
    of_http = ("on_request", "off_request", "state_request", "state_path", "power_path")
    texts = ("username", "password", "pin", *of_http, "topic", "state_topic", "max_w")
    sent = {"name": "Plug", "enabled": "on", "requestable": "on", "family": "shelly2", "address": "http://192.168.1.30", "channel": 0}
    return {
        **sent,
        **dict.fromkeys(texts, ""),
        "on_text": "ON",
        "off_text": "OFF",
        "rated_switches": 100_000,
        "seen": 1,
        **changed,
    }


def test_a_makes_page_asks_for_what_that_make_uses(owner: Client) -> None:
    shown = owner.get(ADD).content.decode()
    used = {name for family in families.FAMILIES for name in family.shown}
    for name in used:
        assert f'name="{name}"' in shown, f"{name} cannot be set"
    assert shown.count('x-show="family ==') == len(used)


def test_adding_a_plug_is_one_form_and_audited(owner: Client) -> None:
    assert owner.post(ADD, values(address="192.168.1.30")).status_code == 302
    made = Output.objects.get()
    assert (made.address, made.version) == ("http://192.168.1.30", 1)
    entry = AuditEntry.objects.get(action="output connected")
    assert (entry.actor, entry.detail) == ("ann", {"family": "shelly2", "address": "http://192.168.1.30", "pin": None})


def test_rule_11_a_pin_that_is_on_at_start_is_saved_with_a_warning(owner: Client) -> None:
    page = owner.post(ADD, values(family="gpio", pin=17, address=""), follow=True).content.decode()
    assert Output.objects.get().pin == 17
    assert "gpio=17=op,dh" in page, "a board that is on when low: the box for high is not ticked"


def test_rule_3_a_make_without_a_timer_is_saved_with_a_warning(owner: Client) -> None:
    page = owner.post(ADD, values(family="homewizard"), follow=True).content.decode()
    assert "cannot switch itself off if this machine dies" in page


def test_what_cannot_be_is_told_at_its_field(owner: Client) -> None:
    page = owner.post(ADD, values(family="mqtt", address="http://192.168.1.5")).content.decode()
    assert page.count("This make needs it.") == 3, "topic, user and password"
    assert "socket://host:port" in page
    assert not Output.objects.exists()


def test_test_asks_by_the_form_as_it_stands_and_switches_nothing(owner: Client, plug: Output, wire: Wire) -> None:
    device: Any = wire["shelly2"]
    before = device.contact.switches
    page = owner.post(f"{TEST}?of={plug.pk}", values(address=plug.address)).content.decode()
    assert "It answers, in" in page, re.findall(r'role="alert">([^<]*)', page)
    assert "Class A" in page
    assert "It is not set up safely" in page
    assert "hush" not in page
    wrong = owner.post(f"{TEST}?of={plug.pk}", values(address=plug.address, password="guess-guess")).content.decode()
    assert "Check its password" in wrong
    assert "guess" not in wrong
    assert device.contact.switches == before


def test_rule_9_set_up_offers_sets_verifies_and_is_audited(owner: Client, plug: Output, wire: Wire) -> None:
    device: Any = wire["shelly2"]
    change, url = f"/admin/control/output/{plug.pk}/change/", f"/admin/control/output/{plug.pk}/set-up/"
    assert url in owner.get(change).content.decode()
    offered = owner.post(url).content.decode()
    assert re.search(r"As it was|as it was", offered)
    assert "Set it so" in offered
    assert device.contact.at_start == "last", "offered, not done"
    done = owner.post(url, {"make_safe": "1"}, follow=True).content.decode()
    assert "The device is set up safely." in done
    assert (device.contact.at_start, device.contact.auto_off_s) == ("off", 60)
    assert AuditEntry.objects.get(action="output set up").detail == {"settings": {"initial_state": "off", "auto_off_s": 60}}
    assert "nothing needs to be changed" in owner.post(url).content.decode()


def test_a_device_that_does_not_answer_its_set_up_is_told(owner: Client, plug: Output, wire: Wire) -> None:
    device: Any = wire["shelly2"]
    device.password = "changed"
    page = owner.post(f"/admin/control/output/{plug.pk}/set-up/", {"make_safe": "1"}).content.decode()
    assert "Check its password" in page


def test_only_the_owner_tests_and_sets_up_and_only_after_giving_the_password(owner: Client, plug: Output) -> None:
    url = f"/admin/control/output/{plug.pk}/set-up/"
    assert owner.get(url).status_code == 405, "a page that is only looked at asks no device"
    for role in ("member", "viewer"):
        assert client_of(role, role).post(url, {"make_safe": "1"}).status_code in (302, 403)
    session = owner.session
    session["confirmed_at"] = time.time() - 3600
    session.save()
    asked = owner.post(url, {"make_safe": "1"})
    assert asked.status_code == 302
    assert asked["Location"].startswith("/login/confirm/")
    plug.refresh_from_db()
    assert plug.set_up == {}


def test_a_make_without_settings_of_its_own_has_nothing_to_set_up(owner: Client) -> None:
    relay = agents.create(Output, name="Relay", family="gpio", pin=17)
    assert "set-up/" not in owner.get(f"/admin/control/output/{relay.pk}/change/").content.decode()
    assert owner.post(f"/admin/control/output/{relay.pk}/set-up/").status_code == 404
