"""The admin of data managers: counts and states in words, versions kept apart, the built-in ones safe, actions that say what they do."""

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from energysite import agents, live
from energysite.models import AuditEntry
from energysite.permissions import OWNER, Actor
from meters import manager_counts, reopening
from meters.blocks import managers
from meters.blocks.process import drain
from meters.models import Block, DataManager, Source
from tests.meters.blocks.known import Q, Sample, at, make_source, store

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"
LIST = "/admin/meters/datamanager/"
QUEUE = "celery"


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    client = live.client()
    client.delete(QUEUE)
    yield
    client.delete(QUEUE, *(client.keys("agent:*") or ["none"]))


@pytest.fixture
def owner() -> Client:
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.create(username="ann", is_superuser=True), backend=BACKEND)
    return client


@pytest.fixture
def source() -> Source:
    """Six hours of readings; four hours of its quarters are closed, the others done."""
    found = make_source(name="Main", cadence_s=60)
    store(found, [Sample(Q + n * 60, (n, 0, 0, 0), (60, 20, 20, 20)) for n in range(361)])
    managers.ensure_defaults(found)
    drain(found.managers.all(), at(Q + 6 * 3600))
    Block.objects.filter(length_s=900, start__lt=at(Q + 4 * 3600)).update(state="closed")
    return found


def manager(source: Source, length_s: int = 900) -> DataManager:
    return source.managers.get(length_s=length_s)


def sent() -> list[tuple[str, list[Any]]]:
    """What waits for the worker: (task, arguments)."""
    messages = [json.loads(raw) for raw in live.client().lrange(QUEUE, 0, -1)]
    return [
        (message["headers"]["task"], json.loads(message["headers"]["argsrepr"].replace("(", "[").replace(",)", "]")))
        for message in messages
    ]


def choose(client: Client, action: str, *chosen: DataManager, **more: str) -> str:
    data = {"action": action, "_selected_action": [one.pk for one in chosen], **more}
    return client.post(LIST, data, follow=True).content.decode()


def values(one: DataManager, **changed: Any) -> dict[str, Any]:
    """The change form as a browser sends it."""
    sent = {"period_s": one.period_s, "blocks_per_run": one.blocks_per_run, "requestable": "on", "seen": one.version}
    dates = {"since_0": "", "since_1": "", "until_0": "", "until_1": "", "keep_days": one.keep_days or "", "enabled": "on"}
    return {**sent, **dates, **changed}


def change(one: DataManager) -> str:
    return f"{LIST}{one.pk}/change/"


def test_the_list_counts_the_blocks_of_each_state_in_one_query(source: Source) -> None:
    Block.objects.filter(length_s=900, start=at(Q + 5 * 3600)).update(state="faulty")
    rows = list(DataManager.objects.all())
    with CaptureQueriesContext(connection) as queries:
        counts = manager_counts.of(rows)
    assert len(queries) == 1
    of_quarters = counts[manager(source).pk]
    assert (of_quarters.todo, of_quarters.faulty, of_quarters.done, of_quarters.closed) == (0, 1, 7, 16)
    assert counts[manager(source, 60).pk].done == 360
    assert counts[manager(source, 86_400).pk].todo + counts[manager(source, 86_400).pk].done == 1
    assert source.managers.get(algorithm="archive").pk not in counts


def test_short_blocks_are_counted_only_so_far(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    Block.objects.filter(length_s=60).update(state="closed")
    monkeypatch.setattr(manager_counts, "MOST", 100)
    counts = manager_counts.of([manager(source, 60)])[manager(source, 60).pk]
    assert (counts.closed, counts.capped) == (100, True)


def test_the_list_shows_counts_last_run_and_status_in_words(owner: Client, source: Source) -> None:
    agents.report("Main quarter", status="idle", error=None, last_run=time.time() - 5, skipped=3)
    agents.report("Main minute", status="error", error="The database refused: too tired. It is tried again.", last_run=time.time())
    agents.report("Main day", status="idle", error=None, last_run=time.time() - 3600)
    DataManager.objects.filter(name="Main archive").update(enabled=False)
    shown = owner.get(LIST).content.decode()
    assert f'<a href="/admin/meters/block/?source__id__exact={source.pk}&amp;length_s__exact=900&amp;state__exact=closed">16</a>' in shown
    for words in ("fine", "3 runs skipped", "too tired", "late", "disabled", "error"):
        assert words in shown, words


def test_the_list_works_while_valkey_is_away(owner: Client, source: Source, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REDIS = "unix:///nowhere.sock"
    away = live.connect()
    monkeypatch.setattr(live, "client", lambda: away)
    assert "not started" in owner.get(LIST).content.decode()
    assert "Valkey is away" in choose(owner, "process_now", manager(source))


def test_a_change_counts_the_version_and_is_audited(owner: Client, source: Source) -> None:
    minute = manager(source, 60)
    sent_values = values(minute, period_s=120, since_0="2026-01-01", since_1="00:00:00", keep_days=30)
    response = owner.post(change(minute), sent_values)
    assert response.status_code == 302, response.content.decode()
    minute.refresh_from_db()
    assert (minute.period_s, minute.keep_days, minute.version) == (120, 30, 2)
    changed = AuditEntry.objects.get(action="agent configured").detail["changed"]
    assert changed.keys() == {"period_s", "keep_days", "since"}


def test_a_change_made_meanwhile_is_not_overwritten(owner: Client, source: Source) -> None:
    minute = manager(source, 60)
    agents.set_config(Actor("bob", OWNER), minute.name, {"period_s": 90}, 1)
    shown = owner.post(change(minute), values(minute, period_s=120)).content.decode()
    assert "Somebody changed these settings" in shown
    minute.refresh_from_db()
    assert minute.period_s == 90


def test_quarters_cannot_be_switched_off_or_limited_in_the_form(owner: Client, source: Source) -> None:
    quarter = manager(source)
    shown = owner.get(change(quarter)).content.decode()
    for name in ("enabled", "since_0", "until_0", "keep_days", "source", "length_s"):
        assert f'name="{name}"' not in shown, name
    assert owner.post(change(quarter), values(quarter, enabled="", keep_days=5, period_s=90)).status_code == 302
    quarter.refresh_from_db()
    assert (quarter.enabled, quarter.keep_days, quarter.period_s) == (True, None, 90)


def test_a_manager_of_another_length_is_added_and_removed_again(owner: Client, source: Source) -> None:
    new = {"name": "Main hour", "source": source.pk, "algorithm": "difference", "length_s": 3600, **values(DataManager(period_s=60))}
    response = owner.post(f"{LIST}add/", new)
    assert response.status_code == 302, response.content.decode()
    hour = DataManager.objects.get(name="Main hour")
    assert not hour.builtin
    assert AuditEntry.objects.get(action="data manager added").detail["length_s"] == 3600
    assert owner.post(f"{LIST}{hour.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not DataManager.objects.filter(name="Main hour").exists()
    assert AuditEntry.objects.get(action="data manager removed").target == "Main hour"


def test_what_belongs_to_its_source_is_not_removed_alone_or_in_bulk(owner: Client, source: Source) -> None:
    quarter = manager(source)
    assert owner.post(f"{LIST}{quarter.pk}/delete/", {"post": "yes"}).status_code == 403
    own = agents.create(DataManager, name="own", source=source, length_s=3600, period_s=60)
    shown = choose(owner, "delete_selected", quarter, own)
    assert "Main quarter belongs to its source and stays." in shown
    assert 'name="post"' not in shown
    choose(owner, "delete_selected", quarter, own, post="yes")
    assert DataManager.objects.count() == 5
    choose(owner, "delete_selected", own, post="yes")
    assert not DataManager.objects.filter(name="own").exists()


def test_process_now_asks_a_worker_and_faulty_blocks_do_not_wait(owner: Client, source: Source) -> None:
    Block.objects.filter(length_s=900, state="done").update(state="faulty", retry_after=timezone.now() + timedelta(hours=6))
    quarter = manager(source)
    assert "1 data manager runs now" in choose(owner, "process_now", quarter)
    assert sent() == [("meters.tasks.run_manager", [quarter.pk])]
    assert not Block.objects.exclude(retry_after=None).exists()
    assert AuditEntry.objects.get(action="data manager run").target == "Main quarter"


def test_back_to_do_says_how_many_before_anything_is_done(owner: Client, source: Source) -> None:
    quarter = manager(source)
    shown = choose(owner, "back_to_do", quarter, manager(source, 60))
    assert "Put 384 blocks back to to-do?" in shown
    assert "Main quarter: 24" in shown
    assert sent() == []
    shown = choose(owner, "back_to_do", quarter, confirmed="yes")
    assert "24 blocks go back to to-do" in shown
    assert sent() == [(reopening.TASK, [quarter.pk])]
    assert AuditEntry.objects.get(action="blocks back to to-do").detail == {"blocks": 24}


def test_all_quarters_of_a_source_are_reopened_with_what_is_summed_from_them_and_nothing_else(source: Source) -> None:
    assert reopening.manager_blocks(manager(source).pk) >= 24
    assert set(Block.objects.filter(length_s__gte=900).values_list("state", flat=True)) == {"todo"}
    assert set(Block.objects.filter(length_s=60).values_list("state", flat=True)) == {"done"}
    assert reopening.manager_blocks(manager(source, 60).pk) == 360
    assert reopening.manager_blocks(10**6) == 0


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_only_an_owner_comes_here(source: Source, role: str) -> None:
    client = Client(headers={"host": "localhost"})
    user = User.objects.create(username=role)
    user.groups.add(Group.objects.get(name=role))
    client.force_login(user, backend=BACKEND)
    for path in (LIST, "/admin/meters/block/"):
        assert client.get(path, follow=True).status_code == 403
    assert client.post(LIST, {"action": "process_now", "_selected_action": [manager(source).pk]}).status_code != 200
    assert sent() == []
