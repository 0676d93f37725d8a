"""Connecting a meter: where, look, recognise, save. Owners only."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from energysite import live
from energysite.models import AuditEntry
from energysite.permissions import OWNER
from meters.models import Meter
from tests.emulators.p1_pty import P1Cable
from tests.emulators.p1_tcp import P1Server
from tests.emulators.telegrams import BELGIUM, write
from tests.meters.rows import make_meter
from tests.running_site import free_port
from tests.waiting import until

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clean(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.DATA_DIR = tmp_path
    yield
    for key in live.client().scan_iter("look:*"):
        live.client().delete(key)


def browser(role: str | None = OWNER) -> Client:
    client = Client(headers={"host": "localhost"})
    if role == OWNER:
        client.force_login(User.objects.create(username="ann", is_superuser=True), backend="django.contrib.auth.backends.ModelBackend")
    elif role is not None:
        user = User.objects.create(username=role)
        user.groups.add(Group.objects.get_or_create(name=role)[0])
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def look(client: Client, **where: str) -> str:
    """The address of the page that shows how the look goes."""
    response = client.post("/setup/meter/", where)
    assert response.status_code == 302, response.content.decode()
    return response.headers["Location"]


def finished(client: Client, page: str) -> str:
    until(lambda: client.get(f"{page}state/").json()["state"] != "running", 10, "the look ends")
    return client.get(page).content.decode()


def test_a_session_left_open_adds_no_meter_before_the_password_is_given_again() -> None:
    client = browser()
    with P1Server() as server:
        page = look(client, address=server.address)
        server.wait_for_client()
        server.send(write(BELGIUM))
        finished(client, page)
        left = client.session
        left["confirmed_at"] = time.time() - 3600
        left.save()
        answers = {client.post(f"{page}connect/", {"name": "Main"}): page}
        answers |= {ask("/setup/meter/"): "/setup/meter/" for ask in (client.get, client.post)}
    for answer, back in answers.items():
        assert unquote(answer.headers["Location"]) == f"/login/confirm/?next={back}"
    assert not Meter.objects.exists()


def test_a_meter_is_recognised_connected_and_audited() -> None:
    client = browser()
    with P1Server() as server:
        page = look(client, address=server.address)
        assert "Listening" in client.get(page).content.decode()
        assert not Meter.objects.exists()
        server.wait_for_client()
        server.send(write(BELGIUM))
        shown = finished(client, page)
        for words in ("Is this your meter?", "FLU5\\253769484_A", "Belgium", "661.701", "112.384", "872.234", "1SAG3105200877"):
            assert words in shown
        response = client.post(f"{page}connect/", {"name": "Meter"})

    assert response.headers["Location"] == "/"
    meter = Meter.objects.get()
    assert (meter.name, meter.connection, meter.baud, meter.dialect, meter.enabled) == ("Meter", server.address, 0, "auto", True)
    entry = AuditEntry.objects.get(action="meter connected")
    assert (entry.actor, entry.role, entry.target, entry.detail["serial"]) == ("ann", OWNER, "Meter", "1SAG3105200877")


def test_a_cable_is_offered_by_name_and_kept_with_its_speed() -> None:
    client = browser()
    with P1Cable("kitchen") as cable:
        assert "kitchen" in client.get("/setup/meter/").content.decode()
        cable.speak([write(BELGIUM)], every_s=0.05)
        page = look(client, port=cable.address)
        assert "115200 baud" in finished(client, page)
        client.post(f"{page}connect/", {"name": "Kitchen"})
        shown = client.get("/setup/meter/").content.decode()
    assert (Meter.objects.get().baud, Meter.objects.get().name) == (115200, "Kitchen")
    assert "already the meter “Kitchen”" in shown


def test_the_second_meter_gets_a_free_name_and_a_taken_one_is_refused() -> None:
    client = browser()
    make_meter("Meter")
    with P1Server() as server:
        page = look(client, address=server.address)
        server.wait_for_client()
        server.send(write(BELGIUM))
        assert "“Meter 2”" in finished(client, page)
        refused = client.post(f"{page}connect/", {"name": "Meter"})
    assert refused.status_code == 200 and "has this name already" in refused.content.decode()
    assert Meter.objects.count() == 1


@pytest.mark.parametrize("address", ["/etc/passwd", "file:///etc/passwd", "/dev/null", "spy://x", "http://user:x@10.0.0.1", "loop://"])
def test_what_is_no_meter_address_is_refused_in_words_and_never_opened(address: str) -> None:
    response = browser().post("/setup/meter/", {"address": address})
    assert response.status_code == 200
    shown = response.content.decode()
    assert "no meter address" in shown or "Write the address as" in shown
    assert not list(live.client().scan_iter("look:*"))


def test_no_address_at_all_is_asked_for() -> None:
    assert "Choose a port" in browser().post("/setup/meter/", {}).content.decode()


def test_an_address_that_is_a_meter_already_is_named() -> None:
    make_meter("Main")
    shown = browser().post("/setup/meter/", {"address": "socket://127.0.0.1:9"}).content.decode()
    assert "already the meter “Main”" in shown


def test_nothing_heard_says_why_and_offers_to_look_again() -> None:
    client = browser()
    shown = finished(client, look(client, address=f"socket://127.0.0.1:{free_port()}"))
    assert "No meter heard here" in shown
    assert "Look again" in shown


def test_what_was_not_found_cannot_be_connected() -> None:
    client = browser()
    page = look(client, address=f"socket://127.0.0.1:{free_port()}")
    finished(client, page)
    assert client.post(f"{page}connect/", {"name": "Meter"}).status_code == 404
    assert client.post("/setup/meter/feedfeedfeedfeed/connect/", {"name": "Meter"}).status_code == 404
    assert not Meter.objects.exists()


def test_a_look_that_is_no_longer_kept_leads_back() -> None:
    client = browser()
    assert client.get("/setup/meter/feedfeedfeedfeed/").headers["Location"] == "/setup/meter/"
    assert client.get("/setup/meter/feedfeedfeedfeed/state/").json()["state"] == "lost"


@pytest.mark.parametrize("role", ["member", "viewer", None])
def test_only_owners_may_look_or_connect(role: str | None) -> None:
    User.objects.create(username="ann", is_superuser=True)
    client = browser(role)
    get = client.get("/setup/meter/")
    assert get.status_code == 403 if role else get.headers["Location"].startswith("/login/")
    for page in ("/setup/meter/", "/setup/meter/feedfeedfeedfeed/connect/"):
        assert client.post(page, {"address": "socket://127.0.0.1:9", "name": "x"}).status_code == 403
    assert not list(live.client().scan_iter("look:*"))


def test_what_a_meter_says_of_itself_is_escaped() -> None:
    client = browser()
    evil = write(BELGIUM, header="/<img src=x onerror=alert(1)>\x1b[2J")
    with P1Server() as server:
        page = look(client, address=server.address)
        server.wait_for_client()
        server.send(evil)
        shown = finished(client, page)
    assert "&lt;img src=x" in shown
    assert "<img src=x" not in shown and "\x1b" not in shown
