"""Connecting an inverter: one form, one Test, save. Owners only, and nothing that was typed in secret is ever shown."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from energysite import confirm, live
from energysite.models import AuditEntry
from energysite.permissions import OWNER
from solar.models import Inverter
from tests.emulators import fronius
from tests.emulators.http_device import HttpLookalike, as_json
from tests.emulators.modbus import ModbusLookalike
from tests.running_site import free_port
from tests.solar.readers.test_sunspec import chain, integers

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"
PAGE = "/setup/inverter/"


@pytest.fixture(autouse=True)
def _live() -> Iterator[None]:
    yield
    for key in live.client().scan_iter("inverter-look:*"):
        live.client().delete(key)


def browser(role: str | None = OWNER) -> Client:
    assert confirm.KEY, "imported, so that logging in counts as having given the password"
    client = Client(headers={"host": "localhost"})
    if role == OWNER:
        client.force_login(User.objects.create(username="ann", is_superuser=True), backend=BACKEND)
    elif role is not None:
        user = User.objects.create(username=role)
        user.groups.add(Group.objects.get_or_create(name=role)[0])
        client.force_login(user, backend=BACKEND)
    return client


def answered(client: Client, **sent: Any) -> str:
    """The address of the page with the answer."""
    response = client.post(PAGE, sent)
    assert response.status_code == 302, response.content.decode()
    return str(response.headers["Location"])


def shown(client: Client, where: str) -> str:
    return client.get(where).content.decode()


def test_a_fronius_is_found_tested_and_saved_by_one_form_and_one_test() -> None:
    client = browser()
    with HttpLookalike(fronius.by_day()) as device:
        where = answered(client, address=device.address.removeprefix("http://"), make="")
        page = shown(client, where)
        for words in ("Is this your inverter?", "Fronius (Solar API)", "Solar now 3.215 kW", "In all 26,213.502 kWh", "“Inverter”"):
            assert words in page
        assert not Inverter.objects.exists(), "nothing is saved before Connect"
        assert client.post(f"{where}connect/", {"name": "Inverter"}).headers["Location"] == "/"
        made = Inverter.objects.get()
        assert (made.name, made.family, made.address, made.period_s, made.enabled) == ("Inverter", "fronius", device.address, 10, True)
    entry = AuditEntry.objects.get(action="inverter connected")
    assert (entry.actor, entry.target, entry.detail) == ("ann", "Inverter", {"family": "fronius", "address": made.address})
    assert client.get(where).headers["Location"] == PAGE, "what was saved cannot be saved twice"


def test_a_make_that_was_chosen_is_asked_by_its_own_fields() -> None:
    client = browser()
    with ModbusLookalike({3: chain(103, integers(power=1200))}) as device:
        sent = {"address": device.address.removeprefix("socket://"), "make": "sunspec", "sunspec-units": "3", "fronius-units": "nonsense"}
        where = answered(client, **sent)
        assert "Solar now 1.200 kW" in shown(client, where)
        client.post(f"{where}connect/", {"name": "Roof"})
        assert (Inverter.objects.get().units, Inverter.objects.get().address) == ("3", device.address)


def test_a_sunspec_device_is_found_without_naming_its_make() -> None:
    client = browser()
    with ModbusLookalike({1: chain(103, integers(power=1200))}) as device:
        page = shown(client, answered(client, address=device.address))
    assert "SunSpec" in page and "Solar now 1.200 kW" in page


def test_an_sma_is_recognised_and_asks_for_its_password_which_is_never_shown() -> None:
    client = browser()
    replies: dict[str, Any] = {"/dyn/getValues.json": as_json({"err": 401}), "/dyn/login.json": as_json({"err": 401})}
    with HttpLookalike(replies) as device:
        page = shown(client, answered(client, address=device.address))
        assert "This is an inverter of SMA (WebConnect)" in page
        assert not any(path == "/dyn/login.json" for _method, path, _body in device.asked), "a wrong login counts against its users"

        where = answered(client, address=device.address, make="sma", **{"sma-password": "hush-hush-7"})
        assert b"hush-hush-7" in device.asked[-1][2]
        page = shown(client, where)
        assert "refuses the password" in page and "hush-hush-7" not in page
        kept = b"".join(live.client().get(key) or b"" for key in live.client().scan_iter("inverter-look:*"))  # type: ignore[misc]
        assert b"hush-hush-7" not in kept

        device.replies["/dyn/login.json"] = as_json({"result": {"sid": "abc123"}})
        device.replies["/dyn/getValues.json"] = as_json({"result": {"0199": {"6100_40263F00": {"1": [{"val": 900}]}}}})
        again = client.post(f"{where}again/").headers["Location"]
        assert b"hush-hush-7" in next(body for _method, path, body in reversed(device.asked) if path == "/dyn/login.json")
        page = shown(client, again)
        assert "Solar now 0.900 kW" in page
        client.post(f"{again}connect/", {"name": "SMA"})
    assert Inverter.objects.get().password == "hush-hush-7"


def test_nothing_there_says_what_was_tried_and_keeps_what_was_typed() -> None:
    client = browser()
    with HttpLookalike({"/": (200, b"<img src=x onerror=alert(1)>")}) as device:
        where = answered(client, address=device.address)
        page = shown(client, where)
        assert "No inverter that we know answers" in page and "What was tried" in page and device.address in page
        assert "<img src=x" not in page
        assert client.post(f"{where}connect/", {"name": "Roof"}).status_code == 404
    assert not Inverter.objects.exists()


@pytest.mark.parametrize(
    "address", ["", "/etc/passwd", "file:///etc/passwd", "http://user:x@10.0.0.1", "gopher://10.0.0.1", "10.0.0.1/x?y"]
)
@pytest.mark.parametrize("make", ["", "fronius"])
def test_what_is_no_address_is_refused_in_words_and_never_asked(address: str, make: str) -> None:
    response = browser().post(PAGE, {"address": address, "make": make})
    assert response.status_code == 200
    assert "Write the address as" in response.content.decode() or "This field is required" in response.content.decode()
    assert not list(live.client().scan_iter("inverter-look:*"))


def test_what_a_make_lacks_is_asked_for_at_its_field() -> None:
    client = browser()
    for sent, words in (
        ({"make": "sma"}, "This make needs it."),
        ({"make": "sunspec", "sunspec-units": "one"}, "one is no unit number"),
        ({"make": "http_json", "http_json-page": "/status"}, "Say where power or energy stands"),
        ({"make": "nonsense"}, "is not one of the available choices"),
    ):
        assert words in client.post(PAGE, {"address": "127.0.0.1:9", **sent}).content.decode()


def test_an_inverter_that_is_there_already_is_named_and_not_made_twice() -> None:
    client = browser()
    with HttpLookalike(fronius.by_day()) as device:
        where = answered(client, address=device.address)
        other = answered(client, address=device.address)
        client.post(f"{where}connect/", {"name": "Roof"})
        assert "is already the inverter “Roof”" in client.post(PAGE, {"address": device.address, "make": "fronius"}).content.decode()
        assert "is already the inverter “Roof”" in client.post(f"{other}connect/", {"name": "Roof 2"}).content.decode()
    assert Inverter.objects.count() == 1


def test_a_name_that_is_taken_is_refused() -> None:
    client = browser()
    with HttpLookalike(fronius.by_day()) as first, HttpLookalike(fronius.by_day()) as second:
        client.post(f"{answered(client, address=first.address)}connect/", {"name": "Inverter"})
        where = answered(client, address=second.address)
        assert "“Inverter 2”" in shown(client, where)
        assert "has this name already" in client.post(f"{where}connect/", {"name": "Inverter"}).content.decode()


def test_a_test_that_is_no_longer_kept_leads_back() -> None:
    client = browser()
    assert client.get(f"{PAGE}feedfeed/").headers["Location"] == PAGE
    assert client.post(f"{PAGE}feedfeed/connect/", {"name": "x"}).status_code == 404


def test_a_session_left_open_asks_no_device_before_the_password_is_given_again() -> None:
    client = browser()
    with HttpLookalike(fronius.by_day()) as device:
        where = answered(client, address=device.address)
        device.asked.clear()
        session = client.session
        session["confirmed_at"] = time.time() - 3600
        session.save()
        for response in (
            client.get(PAGE),
            client.post(PAGE, {"address": device.address}),
            client.post(f"{where}again/"),
            client.post(f"{where}connect/", {"name": "Roof"}),
        ):
            assert response.headers["Location"].startswith("/login/confirm/?next=%2Fsetup%2Finverter%2F")
        assert device.asked == []
    assert not Inverter.objects.exists()


@pytest.mark.parametrize("role", ["member", "viewer", None])
def test_only_owners_may_test_or_connect(role: str | None) -> None:
    User.objects.create(username="ann", is_superuser=True)
    client = browser(role)
    looked = client.get(PAGE)
    assert looked.status_code == 403 if role else looked.headers["Location"].startswith("/login/")
    with HttpLookalike(fronius.by_day()) as device:
        for where in (PAGE, f"{PAGE}feedfeed/again/", f"{PAGE}feedfeed/connect/"):
            assert client.post(where, {"address": device.address, "name": "x"}).status_code == 403
        assert device.asked == []


def test_a_form_without_its_token_is_refused() -> None:
    browser()
    strict = Client(enforce_csrf_checks=True, headers={"host": "localhost"})
    strict.force_login(User.objects.get(username="ann"), backend=BACKEND)
    assert strict.post(PAGE, {"address": f"127.0.0.1:{free_port()}"}).status_code == 403
