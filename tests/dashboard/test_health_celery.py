"""What the health page says of the worker, without ever waiting for it."""

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from dashboard import health_celery, health_facts
from dashboard.health_celery import Inspector
from energysite import agents, live, schedule
from energysite.inspection import Job, Worker
from meters.blocks import managers
from meters.models import DataManager
from tests.meters.blocks.known import make_source

pytestmark = pytest.mark.django_db
NOW = 1_790_000_000.0


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(health_celery, "inspector", Inspector())
    live.client().delete(live.TASKS_LAST)
    yield
    live.client().delete(live.TASKS_LAST)


@pytest.fixture
def client() -> Client:
    found = Client(headers={"host": "localhost"})
    user = User.objects.create(username="ann")
    user.groups.add(Group.objects.get(name="viewer"))
    found.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return found


def page(client: Client) -> str:
    html = client.get(reverse("health")).content.decode()
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html.partition("<main")[2])).split())


def ended(name: str, at: float, error: str = "") -> None:
    told = {"task": "meters.tasks.run_manager", "at": at, "seconds": 0.25, "ok": not error, "error": error}
    live.client().hset(live.TASKS_LAST, name, json.dumps(told))


def test_no_worker_is_said_with_what_still_works(client: Client) -> None:
    assert "Worker None answers. Meters are read and stored without it" in page(client)


def test_the_last_results_are_listed_and_what_failed_asks_for_attention(client: Client) -> None:
    ended("agent: Main quarter", time.time() - 5)
    ended("agent: Main day", time.time() - 60, "OperationalError: no room")
    ended("agent: removed long ago", time.time() - 3 * 86_400, "old")
    shown = page(client)
    assert re.search(r"Main day Its last run failed, at \d\d:\d\d\. OperationalError: no room", shown)
    assert re.search(r"Main day failed \d\d:\d\d 0.25 s OperationalError: no room", shown)
    assert re.search(r"Main quarter done \d\d:\d\d 0.25 s", shown)
    assert "removed long ago" not in shown


def test_an_agent_that_is_removed_takes_its_result_along(django_capture_on_commit_callbacks: Any) -> None:
    manager = agents.create(DataManager, name="five", source=make_source(), length_s=300)
    ended(schedule.name_of(manager), time.time())
    with django_capture_on_commit_callbacks(execute=True):
        manager.delete()
    assert live.client().hlen(live.TASKS_LAST) == 0


def test_what_a_worker_does_is_said_by_the_name_of_the_agent() -> None:
    source = make_source(name="Main")
    managers.ensure_defaults(source)
    quarter = source.managers.get(length_s=900)
    idle = Worker("one", registered=("a", "b"))
    busy = Worker("two", active=(Job(DataManager.task, (quarter.pk,), NOW - 12),), reserved=(Job("other", ()),))
    stuck = Worker("three", active=(Job("other", (), NOW - 3600),))
    lines = health_celery._lines([idle, busy, stuck], NOW)
    assert [line.state for line in lines] == ["well", "well", "warn"]
    assert lines[0].text == "Answers; nothing to do just now."
    assert lines[0].more == "0 waiting, 0 for later, 2 kinds of tasks known."
    assert lines[1].text == "Works on: Main quarter (for 12 s)."
    assert lines[2].text == "Works on: other (for 60 min)."


def test_a_broker_that_takes_the_question_and_never_answers_costs_half_a_second_once(settings: Any) -> None:
    """A socket that listens and says nothing, as a Valkey that hangs does."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.REDIS = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        live.client.cache_clear()
        try:
            inspector, took = Inspector(), []
            for _ in range(2):
                began = time.monotonic()
                assert inspector.ask() is None
                took.append(time.monotonic() - began)
            assert max(took) < health_celery.DEADLINE_S + 0.3
        finally:
            for thread in threading.enumerate():
                if thread.name == "ask the workers":
                    thread.join(10)
            live.client.cache_clear()


def test_an_answer_is_kept_for_some_seconds_and_pages_share_a_question() -> None:
    inspector = Inspector()
    answers: list[Any] = []
    threads = [threading.Thread(target=lambda: answers.append(inspector.ask())) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert answers == [[]] * 5
    first = inspector.ask()
    assert inspector.ask() is first, "not asked again"


def test_nothing_is_asked_while_valkey_is_known_to_be_away() -> None:
    facts = health_facts.gather(timezone.now)
    facts.lively = None
    began = time.monotonic()
    told = health_celery.gather(facts)
    assert time.monotonic() - began < 0.3
    assert told.results == told.failed == []
    assert told.workers[0].text == "It could not be asked."
