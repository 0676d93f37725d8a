"""What is wrong is told once, and once more when it is over: over real connections, to servers on loopback."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from energysite import live, tasks
from energysite.models import Channel, Delivery, House, Notice
from energysite.notify import Trouble, message, quiet, raise_notice, raising, recover, saw, sending
from energysite.notify.raising import STEADY
from meters import posting
from tests.emulators.http_device import HttpLookalike, as_json
from tests.emulators.smtp import SmtpLookalike
from tests.running_site import free_port

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
QUEUE = "celery"
SECRET = "a secret of enough characters"
SILENT: tuple[str, str, dict[str, int | str]] = ("meter silent:Main", "meter_silent", {"name": "Main", "minutes": 5})


@pytest.fixture
def hook() -> Iterator[HttpLookalike]:
    with HttpLookalike({"/hook": as_json({}), "/": as_json({"id": "x"})}) as server:
        yield server


def webhook(server: HttpLookalike, **more: Any) -> Channel:
    return Channel.objects.create(name="Hook", kind="webhook", address=f"{server.address}/hook", secret=SECRET, **more)


def told(server: HttpLookalike) -> list[dict[str, Any]]:
    return [json.loads(body) for _command, _path, body in server.asked]


def events(server: HttpLookalike) -> list[tuple[str, str]]:
    return [(one["event"], one["code"]) for one in told(server)]


def test_a_cause_is_told_once_while_it_lasts_and_once_when_it_is_over(hook: HttpLookalike) -> None:
    webhook(hook)
    for minute in range(5):
        raise_notice(*SILENT, urgent=False, now=NOW + timedelta(minutes=minute))
        sending.send_due(NOW + timedelta(minutes=minute))
    assert events(hook) == [("raised", "meter_silent")]
    assert Notice.objects.get().seen == NOW + timedelta(minutes=4)

    over = NOW + timedelta(minutes=12)
    recover(SILENT[0], over)
    recover(SILENT[0], over)
    sending.send_due(over + STEADY)
    sending.send_due(over + STEADY)
    assert events(hook) == [("raised", "meter_silent"), ("recovered", "meter_silent")]
    assert told(hook)[1]["text"].startswith("Over after 12 min: The meter Main has sent nothing for 5 minutes.")
    assert told(hook)[1]["recovered"] == "2026-03-02T12:12:00+00:00"


def test_what_comes_back_within_two_minutes_never_ended(hook: HttpLookalike) -> None:
    webhook(hook)
    raise_notice(*SILENT, urgent=False, now=NOW)
    sending.send_due(NOW)
    for minute in (1, 2, 3):
        recover(SILENT[0], NOW + timedelta(minutes=minute))
        raise_notice(*SILENT, urgent=False, now=NOW + timedelta(minutes=minute, seconds=30))
        sending.send_due(NOW + timedelta(minutes=minute, seconds=31))
    assert events(hook) == [("raised", "meter_silent")]
    assert Notice.objects.count() == 1


def test_all_that_a_look_finds_is_raised_and_what_it_finds_no_more_is_over() -> None:
    found = {name: Trouble("meter_silent", {"name": name, "minutes": 5}) for name in ("Main", "Garage")}
    saw("meter silent", found, NOW)
    raise_notice("backup:nightly", "backup_never", {"error": "no room"}, False, NOW)
    saw("meter silent", {"Garage": found["Garage"]}, NOW + timedelta(minutes=1))
    assert set(Notice.objects.filter(recovered=None).values_list("cause", flat=True)) == {"meter silent:Garage", "backup:nightly"}


def test_a_look_that_finds_what_it_found_before_asks_the_database_once_in_half_a_minute(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        for _look in range(20):
            saw("output", {}, NOW)


def test_a_webhook_is_signed_over_its_time_and_its_body(hook: HttpLookalike) -> None:
    webhook(hook)
    raise_notice(*SILENT, urgent=True, now=NOW)
    sending.send_due(NOW)
    headers, (_command, _path, body) = hook.asked_with[0], hook.asked[0]
    stamp = headers["X-Energysite-Timestamp"]
    assert stamp == str(int(NOW.timestamp()))
    expected = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["X-Energysite-Signature"] == f"sha256={expected}"
    assert SECRET.encode() not in body


def test_ntfy_gets_topic_priority_and_token_as_json(hook: HttpLookalike) -> None:
    Channel.objects.create(name="Phone", kind="ntfy", address=f"{hook.address}/home", secret="tk_1", language="nl")
    House.objects.update_or_create(pk=1, defaults={"name": "Thuis é"})
    raise_notice(*SILENT, urgent=True, now=NOW)
    assert sending.send_due(NOW) == 1
    assert hook.asked[0][:2] == ("POST", "/")
    assert hook.asked_with[0]["Authorization"] == "Bearer tk_1"
    one = told(hook)[0]
    assert (one["topic"], one["priority"], one["title"]) == ("home", 5, "Thuis é: gevaar")


def test_a_mail_goes_through_the_deployments_server(settings: Any) -> None:
    Channel.objects.create(name="Mail", kind="email", address="someone@example.org")
    with SmtpLookalike() as server:
        mail_through(settings, server.port)
        raise_notice(*SILENT, urgent=False, now=NOW)
        sending.send_due(NOW)
        assert server.recipients == ["someone@example.org"]
        mail = server.mails[0]
        assert mail["Subject"] == "Home: attention"
        assert "The meter Main has sent nothing" in mail.get_content()


def mail_through(settings: Any, port: int) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", port, False
    settings.DEFAULT_FROM_EMAIL = "house@example.org"


@pytest.mark.parametrize(
    ("refuses", "words"),
    [({"RCPT": "550 unknown"}, "refuses the address someone@example.org"), ({"MAIL": "451 later"}, "took no message")],
)
def test_a_mail_server_that_refuses_is_told_in_words(settings: Any, refuses: dict[str, str], words: str) -> None:
    Channel.objects.create(name="Mail", kind="email", address="someone@example.org")
    with SmtpLookalike() as server:
        server.refuses = refuses
        mail_through(settings, server.port)
        raise_notice(*SILENT, urgent=False, now=NOW)
        assert sending.send_due(NOW) == 0
    assert words in Delivery.objects.get().error


def test_what_fails_is_tried_again_after_longer_and_longer_pauses(hook: HttpLookalike) -> None:
    webhook(hook)
    hook.replies["/hook"] = (503, b"")
    raise_notice(*SILENT, urgent=True, now=NOW)
    for second in range(0, 600, 5):
        sending.send_due(NOW + timedelta(seconds=second))
    assert len(hook.asked) == 4, "at 0, 55, 165 and 385 s"
    assert "status 503" in Delivery.objects.get().error
    hook.replies["/hook"] = as_json({})
    assert sending.send_due(NOW + timedelta(seconds=1000)) == 1
    assert sending.send_due(NOW + timedelta(seconds=2000)) == 0
    assert Delivery.objects.get().error == ""


def test_a_way_that_fails_does_not_keep_the_others_waiting(hook: HttpLookalike) -> None:
    Channel.objects.create(name="Gone", kind="webhook", address=f"http://127.0.0.1:{free_port()}/", secret=SECRET)
    webhook(hook)
    for name in ("a", "b", "c"):
        raise_notice(f"x:{name}", "meter_silent", {"name": name, "minutes": 5}, True, NOW)
    assert sending.send_due(NOW) == 3
    assert sorted(Delivery.objects.filter(channel__name="Gone").values_list("tries", flat=True)) == [0, 0, 1]


def test_in_quiet_hours_only_danger_is_told_and_the_rest_afterwards_if_it_lasts(hook: HttpLookalike) -> None:
    webhook(hook, quiet_from=time(22), quiet_to=time(7))
    night = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)  # half past midnight in Brussels
    raise_notice("x:passes", "meter_silent", {}, False, night)
    raise_notice("x:lasts", "disk_full", {}, False, night)
    raise_notice("x:danger", "disk_failing", {}, True, night)
    sending.send_due(night)
    assert events(hook) == [("raised", "disk_failing")]
    recover("x:passes", night + timedelta(hours=1))
    sending.send_due(night + timedelta(hours=2))
    sending.send_due(datetime(2026, 3, 3, 5, 59, tzinfo=UTC))
    assert len(hook.asked) == 1
    sending.send_due(datetime(2026, 3, 3, 6, 0, tzinfo=UTC))
    assert events(hook)[1:] == [("raised", "disk_full")]


@pytest.mark.parametrize(
    ("at", "start", "end", "until"),
    [
        ("12:00", "22:00", "07:00", None),
        ("22:00", "22:00", "07:00", "03 07:00"),
        ("06:59", "22:00", "07:00", "02 07:00"),
        ("07:00", "22:00", "07:00", None),
        ("13:00", "12:00", "14:00", "02 14:00"),
        ("13:00", "12:00", "12:00", None),
    ],
)
def test_quiet_hours_end(at: str, start: str, end: str, until: str | None) -> None:
    now = datetime.combine(datetime(2026, 3, 2).date(), time.fromisoformat(at), tzinfo=UTC)
    found = quiet.ends(now, time.fromisoformat(start), time.fromisoformat(end))
    assert (found.strftime("%d %H:%M") if found else None) == until
    assert quiet.ends(now, None, time.fromisoformat(end)) is None


def test_a_message_that_another_worker_has_claimed_is_not_sent_twice(hook: HttpLookalike) -> None:
    webhook(hook)
    raise_notice(*SILENT, urgent=True, now=NOW)
    first, second = sending._due(NOW), sending._due(NOW)
    assert [sending._claim(one, NOW) for one in (*first, *second)] == [True, False]


@pytest.mark.parametrize(
    ("kind", "address", "secret", "field"),
    [
        ("webhook", "https://example.org/hook", "short", "secret"),
        ("webhook", "ftp://example.org/hook", SECRET, "address"),
        ("webhook", "https://user:password@example.org/hook", SECRET, "address"),
        ("webhook", "https://example.org/a\r\nX-More: 1", SECRET, "address"),
        ("webhook", "https://example.org/a b", SECRET, "address"),
        ("webhook", "https://example.org:port/a", SECRET, "address"),
        ("ntfy", "https://ntfy.sh/", "", "address"),
        ("ntfy", "ntfy.sh/home", "", "address"),
        ("ntfy", "https://ntfy.sh/home", "tökén", "secret"),
        ("email", "nobody", "", "address"),
    ],
)
def test_a_way_that_cannot_work_is_refused_with_a_sentence(kind: str, address: str, secret: str, field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Channel(name="Way", kind=kind, address=address, secret=secret).full_clean()
    assert list(refused.value.message_dict) == [field]


@pytest.mark.parametrize("address", ["http://169.254.169.254/latest", "http://0.0.0.0/", "http://224.0.0.1/", "OWN"])
def test_nothing_is_sent_to_link_local_addresses_or_to_this_sites_own_ports(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if address == "OWN":
        monkeypatch.setenv("PORT", "8123")
        address = "http://127.0.0.1:8123/"
    Channel.objects.create(name="Way", kind="webhook", address=address, secret=SECRET)
    raise_notice(*SILENT, urgent=True, now=NOW)
    assert sending.send_due(NOW) == 0
    assert "is an address that no" in Delivery.objects.get().error


def test_a_redirect_is_not_followed(hook: HttpLookalike) -> None:
    webhook(hook)
    hook.replies["/hook"] = (302, b"")
    hook.headers["Location"] = f"{hook.address}/elsewhere"
    raise_notice(*SILENT, urgent=True, now=NOW)
    assert sending.send_due(NOW) == 0
    assert len(hook.asked) == 1
    assert "sends elsewhere" in Delivery.objects.get().error


def test_the_meters_say_how_a_message_is_posted() -> None:
    assert message.poster() is posting.post


def test_the_workers_are_asked_to_send_once_a_notice_is_stored_and_not_where_nobody_is_to_be_told(
    hook: HttpLookalike, django_capture_on_commit_callbacks: Any
) -> None:
    live.client().delete(QUEUE)
    with django_capture_on_commit_callbacks(execute=True):
        raise_notice("x:nobody", "meter_silent", {}, True, NOW)
    assert live.client().llen(QUEUE) == 0
    webhook(hook)
    with django_capture_on_commit_callbacks(execute=True):
        raise_notice(*SILENT, urgent=True, now=NOW)
        assert live.client().llen(QUEUE) == 0, "not before the commit"
    (asked,) = live.client().lrange(QUEUE, 0, -1)
    assert b"energysite.tasks.send_notices" in asked
    live.client().delete(QUEUE)
    tasks.send_notices()
    assert events(hook) == [("raised", "meter_silent")]


def test_what_was_over_long_ago_is_forgotten_and_what_lasts_is_not() -> None:
    long_ago = NOW - timedelta(days=500)
    raise_notice("x:over", "meter_silent", {}, False, long_ago)
    raise_notice("x:lasts", "disk_full", {}, False, long_ago)
    recover("x:over", NOW - timedelta(days=401))
    raising.forget_old(NOW)
    assert [one.cause for one in Notice.objects.all()] == ["x:lasts"]
