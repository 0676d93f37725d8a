"""The admin of meters: changes are audited and versioned, Test shows what the device says, for owners only."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.test import Client, RequestFactory
from django.utils import timezone

from energysite import agents, live
from energysite.models import AuditEntry
from energysite.permissions import OWNER, Actor
from meters import admin_test, check
from meters.models import Meter, Source, UndecodableTelegram
from meters.raw import LastRaw
from tests.emulators.p1_tcp import P1Server
from tests.emulators.telegrams import BELGIUM, write
from tests.meters.rows import make_meter, make_source
from tests.waiting import until

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture(autouse=True)
def clean(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.DATA_DIR = tmp_path
    yield
    client = live.client()
    client.delete(live.PROCESSES, live.HEARTBEATS, "agent:Main", "raw:Main", *client.scan_iter("look:*"))
    client.hdel(live.LAST, "Main")


@pytest.fixture
def owner() -> Client:
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.create(username="ann", is_superuser=True), backend=BACKEND)
    return client


@pytest.fixture
def meter() -> Meter:
    return make_meter("Main")


def values(meter: Meter, **changed: Any) -> dict[str, Any]:
    """The change form of this meter as a browser sends it."""
    sent = {
        "connection": meter.connection,
        "enabled": "on",
        "baud": 0,
        "dialect": "auto",
        "take": "all",
        "slot_s": 10,
        "clock": "auto",
        "share_port": "",
        "period_s": 1,
        "requestable": "on",
        "seen": meter.version,
    }
    return {**sent, **changed}


def page(meter: Meter) -> str:
    return f"/admin/meters/meter/{meter.pk}/change/"


@pytest.mark.parametrize("path", ["add/", "{}/change/"])
def test_a_session_left_open_changes_no_address_before_the_password_is_given_again(owner: Client, meter: Meter, path: str) -> None:
    left = owner.session
    left["confirmed_at"] = time.time() - 3600
    left.save()
    path = "/admin/meters/meter/" + path.format(meter.pk)
    for response in (owner.get(path), owner.post(path, values(meter, connection="socket://127.0.0.1:4999"))):
        assert response.headers["Location"].startswith("/login/confirm/?next=")
    assert Meter.objects.get().connection == meter.connection


def test_every_setting_is_explained(owner: Client, meter: Meter) -> None:
    shown = owner.get(page(meter)).content.decode()
    for words in ("HomeWizard P1", "Which telegrams become readings", "127.0.0.1 on this TCP port", "Test"):
        assert words in shown
    assert 'name="name"' not in shown, "the name cannot be changed"


def test_a_change_counts_the_version_and_is_audited_with_old_and_new(owner: Client, meter: Meter) -> None:
    response = owner.post(page(meter), values(meter, take="mean", slot_s=60, name="Other"))
    assert response.status_code == 302
    meter.refresh_from_db()
    assert (meter.name, meter.take, meter.slot_s, meter.version) == ("Main", "mean", 60, 2)
    entry = AuditEntry.objects.get(action="agent configured")
    assert (entry.actor, entry.target, entry.detail["changed"]) == ("ann", "Main", {"take": ["all", "mean"], "slot_s": [10, 60]})


def test_a_change_made_meanwhile_is_not_overwritten(owner: Client, meter: Meter) -> None:
    agents.set_config(Actor("bob", OWNER), "Main", {"take": "last"}, 1)
    shown = owner.post(page(meter), values(meter, take="mean")).content.decode()
    assert "Somebody changed these settings" in shown
    meter.refresh_from_db()
    assert (meter.take, meter.version) == ("last", 2)


def test_an_impossible_address_is_refused_in_words(owner: Client, meter: Meter) -> None:
    shown = owner.post(page(meter), values(meter, connection="/etc/passwd")).content.decode()
    assert "/etc/passwd is no meter address" in shown
    meter.refresh_from_db()
    assert meter.connection != "/etc/passwd"


def test_a_new_meter_is_registered_and_audited(owner: Client, meter: Meter) -> None:
    sent = values(meter, name="Barn", connection="socket://127.0.0.1:2000", seen=1)
    assert owner.post("/admin/meters/meter/add/", sent).status_code == 302
    assert agents.get("Barn").version == 1
    assert AuditEntry.objects.get(action="meter connected").target == "Barn"


def test_the_list_shows_status_and_age_and_switches_meters_off_and_on(owner: Client, meter: Meter) -> None:
    live.publisher().frame("Main", {"source": "Main", "time": 1, "received": time.time() - 7})
    shown = owner.get("/admin/meters/meter/").content.decode()
    assert "not started" in shown
    assert "7 s ago" in shown or "8 s ago" in shown

    for action, enabled in (("disable", False), ("enable", True)):
        owner.post("/admin/meters/meter/", {"action": action, "_selected_action": [meter.pk]})
        meter.refresh_from_db()
        assert meter.enabled is enabled
    assert meter.version == 3
    assert AuditEntry.objects.filter(action="agent configured").count() == 2


def test_a_meter_with_sources_is_not_removed_and_one_without_is(owner: Client, meter: Meter) -> None:
    UndecodableTelegram.objects.create(meter=meter, received=timezone.now(), reason="checksum", raw=b"x")
    source = make_source(meter)
    gone = f"/admin/meters/meter/{meter.pk}/delete/"
    owner.post(gone, {"post": "yes"})
    assert Meter.objects.filter(pk=meter.pk).exists()

    source.delete()
    owner.post(gone, {"post": "yes"})
    assert not Meter.objects.filter(pk=meter.pk).exists()
    assert AuditEntry.objects.get(action="meter removed").target == "Main"


# Test


def test_test_is_answered_from_live_while_read_meters_holds_the_port(owner: Client, meter: Meter) -> None:
    live.heartbeat(check.READER)
    with live.publisher().writing() as pipe:
        pipe.hset("agent:Main", mapping={"status": '"live"'})
    live.publisher().frame("Main", {"source": "Main", "time": 1, "received": time.time(), "import_w": 420})
    LastRaw("Main").keep(write(BELGIUM))
    with P1Server() as server:
        Meter.objects.filter(pk=meter.pk).update(connection=server.address)
        response = owner.post("/admin/meters/meter/test/", values(meter, connection=server.address))
        assert server.connections == 0
    shown = response.content.decode()
    assert response.status_code == 200
    assert "0.420 kW" in shown and "/FLU5\\253769484_A" in shown


def test_test_listens_at_an_address_that_is_not_saved_yet(owner: Client) -> None:
    with P1Server() as server:
        response = owner.post("/admin/meters/meter/test/", {"connection": server.address, "baud": 0, "dialect": "auto"})
        where = response.headers["Location"]
        waiting = owner.get(where)
        assert waiting.headers["Refresh"] == "1" and "Listening" in waiting.content.decode()
        server.wait_for_client()
        server.send(write(BELGIUM))
        until(lambda: "Refresh" not in owner.get(where).headers, 10, "the answer")
        shown = owner.get(where).content.decode()
    assert "661.701 kWh" in shown and "1-0:1.8.1(000661.701*kWh)" in shown
    assert not Meter.objects.exists()


def test_test_refuses_a_file_in_words(owner: Client) -> None:
    shown = owner.post("/admin/meters/meter/test/", {"connection": "/etc/passwd", "baud": 0, "dialect": "auto"}).content.decode()
    assert "/etc/passwd is no meter address" in shown
    assert not list(live.client().scan_iter("look:*"))


def test_test_is_a_post_with_a_csrf_token(owner: Client) -> None:
    assert owner.get("/admin/meters/meter/test/").status_code == 405
    strict = Client(enforce_csrf_checks=True, headers={"host": "localhost"})
    strict.force_login(User.objects.get(username="ann"), backend=BACKEND)
    assert strict.post("/admin/meters/meter/test/", {"connection": "socket://127.0.0.1:9"}).status_code == 403


@pytest.mark.parametrize("role", ["member", "viewer", None])
def test_nobody_but_an_owner_may_test_or_see_meters_here(role: str | None, meter: Meter) -> None:
    User.objects.create(username="ann", is_superuser=True)
    client = Client(headers={"host": "localhost"})
    if role is not None:
        user = User.objects.create(username=role, is_staff=True)
        user.groups.add(Group.objects.get_or_create(name=role)[0])
        client.force_login(user, backend=BACKEND)
    with P1Server() as server:
        sent = {"connection": server.address, "baud": 0, "dialect": "auto"}
        for response in (
            client.post("/admin/meters/meter/test/", sent),
            client.get("/admin/meters/meter/test/feedfeedfeedfeed/"),
            client.get(page(meter)),
            client.post(page(meter), values(meter, take="mean")),
        ):
            assert response.status_code in (302, 403)
            assert response.status_code == 403 or response.headers["Location"].startswith(("/login/", "/admin/login/"))
        assert server.connections == 0
    assert not list(live.client().scan_iter("look:*"))
    meter.refresh_from_db()
    assert meter.take == "all"


def test_test_itself_refuses_who_may_not_configure_whatever_stands_before_it(rf: RequestFactory) -> None:
    request = rf.post("/admin/meters/meter/test/", {"connection": "socket://127.0.0.1:9"})
    request.user = User.objects.create(username="member")
    for view in (admin_test.start, lambda request: admin_test.result(request, "feedfeedfeedfeed")):
        request.method = "POST" if view is admin_test.start else "GET"
        with pytest.raises(PermissionDenied):
            view(request)


# Sources and undecodable telegrams


def test_a_source_is_renamed_and_retired_but_never_deleted(owner: Client, meter: Meter) -> None:
    source = make_source(meter)
    where = f"/admin/meters/source/{source.pk}/change/"
    assert owner.post(where, {"name": "House", "serial": "9", "kind": "volume"}).status_code == 302
    owner.post("/admin/meters/source/", {"action": "retire", "_selected_action": [source.pk]})
    source.refresh_from_db()
    assert (source.name, source.serial, source.kind) == ("House", "1", "electricity")
    assert source.retired is not None
    assert {entry.action for entry in AuditEntry.objects.exclude(actor="").filter(target="House")} == {"source renamed", "source retired"}

    owner.post("/admin/meters/source/", {"action": "delete_selected", "_selected_action": [source.pk], "post": "yes"})
    assert owner.post(f"/admin/meters/source/{source.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Source.objects.filter(pk=source.pk).exists()
    assert "New meter read by hand" in owner.get("/admin/meters/source/add/").content.decode(), "no other is made here"

    owner.post("/admin/meters/source/", {"action": "use_again", "_selected_action": [source.pk]})
    source.refresh_from_db()
    assert source.retired is None


def test_an_undecodable_telegram_is_shown_as_harmless_text_and_cannot_be_changed(owner: Client, meter: Meter) -> None:
    raw = b"/KFM5\r\n0-0:96.13.0(<script>alert(1)</script>)\x1b[2J\x00\xff\r\n!0000\r\n"
    row = UndecodableTelegram.objects.create(meter=meter, received=timezone.now(), reason="checksum", detail="bad\x07sum", raw=raw)
    where = f"/admin/meters/undecodabletelegram/{row.pk}/change/"
    shown = owner.get(where).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;)[2J·" in shown
    assert "<script>alert(1)" not in shown and "\x1b" not in shown and "badsum" in shown
    assert owner.get("/admin/meters/undecodabletelegram/").status_code == 200
    assert owner.post(where, {"reason": "none"}).status_code == 403
    assert owner.post(f"/admin/meters/undecodabletelegram/{row.pk}/delete/", {"post": "yes"}).status_code == 403
    row.refresh_from_db()
    assert row.reason == "checksum"


def test_a_meter_that_is_live_with_a_concern_is_not_shown_as_well() -> None:
    meter: Any = Meter(name="Main", enabled=True)
    meter.shown_state = {"status": "live", "error": "More than 25 % of the telegrams arrive damaged.\nMore."}
    shown: Any = site._registry[Meter]
    assert shown.status(meter)[0] == "concern"
    assert shown.said(meter) == "More than 25 % of the telegrams arrive damaged."
    meter.shown_state = {"status": "live", "error": None}
    assert (shown.status(meter)[0], shown.said(meter)) == ("live", "")
