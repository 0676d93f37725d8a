"""`manage.py tasks`, and what it asks: against a live worker with beat inside, and without one."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from energysite import broker, inspection, live
from meters.blocks import managers
from meters.models import DataManager
from meters.storage import write
from tests.conftest import SERVERS
from tests.energysite.test_worker import SHORTENED, ended
from tests.meters.blocks.known import make_source
from tests.running_site import BASE_DIR, environment
from tests.waiting import until


def database_url() -> str:
    assert SERVERS.postgres is not None
    return SERVERS.postgres.url.replace("/energysite?", f"/{connection.settings_dict['NAME']}?")


@pytest.fixture
def worker(data_dir: Path, transactional_db: None) -> Iterator["subprocess.Popen[str]"]:
    """The worker process of `manage.py up`, on this session's servers."""
    assert SERVERS.valkey is not None
    more = {"MODE": "house", "DATABASE_URL": database_url(), "REDIS_URL": SERVERS.valkey.url}
    settings = {"UNDER_SUPERVISOR": "1", "DJANGO_SETTINGS_MODULE": "energysite.settings"}
    client = live.client()
    client.delete(live.HEARTBEATS, live.TASKS_LAST, "celery")
    process = subprocess.Popen(
        [sys.executable, "-c", SHORTENED], cwd=BASE_DIR, env=environment(data_dir, **more, **settings), stderr=subprocess.PIPE, text=True
    )
    try:
        until(lambda: client.hget(live.HEARTBEATS, "worker") or process.poll() is not None, 40, "the first heartbeat")
        assert process.poll() is None, process.communicate()[1]
        yield process
    finally:
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
        client.delete(live.HEARTBEATS, live.TASKS_LAST, "celery", *(client.keys("agent:*") or ["none"]))


def tasks(*options: str) -> tuple[int, str, str]:
    """Exit status, output, errors."""
    out, err = StringIO(), StringIO()
    try:
        call_command("tasks", *options, stdout=out, stderr=err)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def told() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(tasks("--json")[1])
    return found


def result(name: str) -> dict[str, Any]:
    return next((row for row in told()["results"] if row["name"] == name), {})


@pytest.mark.slow
def test_a_live_worker_tells_what_it_does_and_how_it_went(worker: "subprocess.Popen[str]") -> None:
    source = make_source(name="Main")
    managers.ensure_defaults(source)
    start = datetime(2026, 9, 21, tzinfo=UTC)
    rest = [None] * 8
    write("electricity", [(source.pk, start + timedelta(seconds=n * 10), n, 0, 0, 0, 1, 1, 1, 1, *rest, 0) for n in range(400)])
    quarter = DataManager.objects.get(length_s=900)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE meters_block IN ACCESS EXCLUSIVE MODE")  # the run waits for it
        broker.send(DataManager.task, quarter.pk)
        until(lambda: told()["workers"][0]["active"], 20, "the run that waits")
        (one,) = told()["workers"]
        (job,) = one["active"]
        assert (job["task"], job["args"]) == ("meters.tasks.run_manager", [quarter.pk])
        assert 0 <= time.time() - job["since"] < 30
        assert {"energysite.tasks.heartbeat", "meters.tasks.run_manager"} <= set(one["registered"])
        assert (one["reserved"], one["scheduled"]) == ([], [])
        status, shown, _errors = tasks()
        assert status == 0
        assert "Main quarter (" in shown, "called by its name"
        assert "heartbeat: done" in shown

    until(lambda: result("meters.tasks.run_manager"), 20, "the end of the run")
    assert result("meters.tasks.run_manager")["ok"]
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE meters_block RENAME TO meters_block_away")
        try:
            broker.send(DataManager.task, quarter.pk)
            until(lambda: not result("meters.tasks.run_manager")["ok"], 20, "the run that fails")
        finally:
            cursor.execute("ALTER TABLE meters_block_away RENAME TO meters_block")
    failed = result("meters.tasks.run_manager")
    assert "meters_block" in failed["error"]
    assert failed["seconds"] > 0
    assert live.client().smembers("_kombu.binding.reply.celery.pidbox") == set(), "asking leaves nothing behind"

    assert ended(worker, signal.SIGTERM)[0] == 0
    status, shown, errors = tasks()
    assert status == 1
    assert "No worker answers" in errors
    assert "meters.tasks.run_manager: failed: " in shown


def test_nobody_waits_where_no_worker_listens() -> None:
    began = time.monotonic()
    assert inspection.workers() == []
    assert time.monotonic() - began < 0.3


def test_a_broker_that_is_away_is_said_at_once(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REDIS = "unix:///nowhere.sock"
    away = live.connect()
    monkeypatch.setattr(live, "client", lambda: away)
    began = time.monotonic()
    with pytest.raises(broker.BrokerAway):
        inspection.workers()
    with pytest.raises(broker.BrokerAway):
        broker.send("meters.tasks.run_manager", 1)
    with pytest.raises(CommandError, match=r"Valkey does not answer.*manage.py up"):
        call_command("tasks")
    assert time.monotonic() - began < 1
