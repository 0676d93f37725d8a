"""Ways to notify in the admin: owners only, the password asked again, the secret never shown, and a Test that stores nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from energysite import backup_tables, confirm
from energysite.models import AuditEntry, Channel, Delivery, Notice
from tests.emulators.http_device import HttpLookalike, as_json

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"
SECRET = "a secret of enough characters"
LIST, TEST = "/admin/energysite/channel/", "/admin/energysite/channel/test/"


@pytest.fixture
def owner() -> Client:
    assert confirm.KEY, "imported, so that logging in counts as having given the password"
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.create(username="ann", is_superuser=True), backend=BACKEND)
    return client


@pytest.fixture
def hook() -> Iterator[HttpLookalike]:
    with HttpLookalike({"/hook": as_json({"thanks": 1})}) as server:
        yield server


@pytest.fixture
def way(hook: HttpLookalike) -> Channel:
    return Channel.objects.create(name="Hook", kind="webhook", address=f"{hook.address}/hook", secret=SECRET)


def form(way: Channel, **changed: Any) -> dict[str, Any]:
    sent = {"name": way.name, "kind": way.kind, "address": way.address, "secret": "", "enabled": "on", "language": ""}
    return {**sent, "quiet_from": "", "quiet_to": "", **changed}


def test_a_test_sends_by_the_form_and_by_the_stored_secret_and_stores_nothing(owner: Client, way: Channel, hook: HttpLookalike) -> None:
    page = owner.post(f"{TEST}?of={way.pk}", form(way, name="Other")).content.decode()
    assert "The message was taken" in page
    assert "HTTP 200" in page
    assert hook.asked_with[0]["X-Energysite-Signature"].startswith("sha256=")
    assert b'"event":"test"' in hook.asked[0][2]
    assert Channel.objects.get().name == "Hook"
    assert not Notice.objects.exists()


def test_a_test_that_fails_says_why(owner: Client, way: Channel, hook: HttpLookalike) -> None:
    hook.replies["/hook"] = (404, b"")
    assert "does not know this address (status 404)" in owner.post(f"{TEST}?of={way.pk}", form(way)).content.decode()
    assert "Write the address as" in owner.post(TEST, form(way, address="nowhere", secret=SECRET)).content.decode()


def test_the_secret_is_never_shown_and_stays_where_none_is_typed(owner: Client, way: Channel) -> None:
    page = f"{LIST}{way.pk}/change/"
    assert SECRET not in owner.get(page).content.decode()
    assert owner.post(page, form(way, name="New name", quiet_from="22:00", quiet_to="07:00")).status_code == 302
    assert (Channel.objects.get().name, Channel.objects.get().secret) == ("New name", SECRET)
    assert owner.post(page, form(way, secret="another secret, longer still")).status_code == 302
    assert "another secret" not in str(list(AuditEntry.objects.values()))


def test_the_secret_is_in_no_backup() -> None:
    assert backup_tables.secret_columns(Channel) == {"secret": "''"}


def test_a_session_left_open_reaches_nobody(owner: Client, way: Channel, hook: HttpLookalike) -> None:
    session = owner.session
    session["confirmed_at"] = 0
    session.save()
    for page in (f"{LIST}{way.pk}/change/", f"{LIST}add/"):
        assert owner.get(page).headers["Location"].startswith("/login/confirm/")
    assert owner.post(f"{TEST}?of={way.pk}", form(way)).headers["Location"].startswith("/login/confirm/")
    assert hook.asked == []


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_nobody_but_an_owner_comes_here(role: str, way: Channel, hook: HttpLookalike) -> None:
    User.objects.create(username="ann", is_superuser=True)
    client = Client(headers={"host": "localhost"})
    user = User.objects.create(username="bob")
    user.groups.add(Group.objects.get(name=role))
    client.force_login(user, backend=BACKEND)
    asked = [client.get(LIST, follow=True), client.get("/admin/energysite/notice/", follow=True), client.post(TEST, form(way), follow=True)]
    assert [answer.status_code for answer in asked] == [403, 403, 403]
    assert hook.asked == []


def test_notices_are_listed_in_words_with_their_messages(owner: Client, way: Channel) -> None:
    now = timezone.now()
    notice = Notice.objects.create(cause="meter silent:<b>", code="meter_silent", params={"name": "<b>", "minutes": 5}, began=now, seen=now)
    Delivery.objects.create(notice=notice, channel=way, tries=2, error="it hangs")
    assert "The meter &lt;b&gt; has sent nothing for 5 minutes" in owner.get("/admin/energysite/notice/").content.decode()
    assert "it hangs" in owner.get(f"/admin/energysite/notice/{notice.pk}/change/").content.decode()
