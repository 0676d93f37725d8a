"""The worker process with beat inside, against servers that come and go."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from energysite import live
from energysite.embedded import Servers
from energysite.worker import EXIT_BEAT_ENDED
from tests.conftest import new_data_dir
from tests.running_site import BASE_DIR, environment, manage
from tests.waiting import until

pytestmark = pytest.mark.slow

# Beat reads its whole schedule again every 300 s and the heart beats every 10: a test cannot wait for that.
SHORTENED = """
import django, sys
django.setup()
from django.conf import settings
settings.CELERY_BEAT_SCHEDULE["heartbeat"]["schedule"] = 1.0
settings.DATABASES["default"]["OPTIONS"]["pool"]["timeout"] = 1
from django_celery_beat import schedulers
schedulers.SCHEDULE_SYNC_MAX_INTERVAL = 1
from energysite.worker import main
sys.exit(main())
"""


@pytest.fixture(scope="module")
def data_dir() -> Path:
    return new_data_dir()


@pytest.fixture(scope="module")
def servers(data_dir: Path) -> Iterator[Servers]:
    with Servers(data_dir, "house") as running:
        assert manage(data_dir, "migrate", "-v", "0", MODE="house", UNDER_SUPERVISOR="1").returncode == 0
        yield running


# Beat's thread ends when it reads its rows for the second time.
BROKEN = SHORTENED.replace(
    "from energysite.worker import main",
    """from energysite import beat
read = beat.Scheduler.all_as_schedule
beat.Scheduler.all_as_schedule = lambda self: read(self) if self._schedule is None else 1 / 0
from energysite.worker import main""",
)


def start_worker(data_dir: Path, script: str = SHORTENED) -> subprocess.Popen[str]:
    more = {"MODE": "house", "UNDER_SUPERVISOR": "1", "DJANGO_SETTINGS_MODULE": "energysite.settings"}
    return subprocess.Popen(
        [sys.executable, "-c", script], cwd=BASE_DIR, env=environment(data_dir, **more), stderr=subprocess.PIPE, text=True
    )


def ended(worker: subprocess.Popen[str], number: int = 0, timeout_s: float = 30) -> tuple[int, str]:
    if number:
        worker.send_signal(number)
    _, said = worker.communicate(timeout=timeout_s)
    return worker.returncode, said


def kill(workers: list[subprocess.Popen[str]]) -> None:
    for worker in workers:
        if worker.poll() is None:
            os.kill(worker.pid, signal.SIGKILL)
            worker.communicate()


def test_periodic_tasks_run_on_while_the_database_is_away(servers: Servers, data_dir: Path) -> None:
    assert servers.postgres is not None
    assert servers.valkey is not None
    workers = [start_worker(data_dir)]
    try:
        with redis.Redis(unix_socket_path=str(servers.valkey.socket)) as client:

            def beats_since(at: float) -> bool:
                return float(client.hget(live.HEARTBEATS, "worker") or 0) > at

            until(lambda: beats_since(0), 30, "the first heartbeat")
            servers.postgres.stop()
            # Long enough for beat to ask for changes, and to read all its rows again, more than once.
            long_after = time.time() + 8
            until(lambda: beats_since(long_after), 30, "heartbeats without a database")

            workers.append(start_worker(data_dir))
            assert workers[1].stderr is not None
            line = workers[1].stderr.readline()
            assert "worker waits for the database" in line
            servers.postgres.start()
            servers.postgres.wait_ready()
            assert ended(workers[0], signal.SIGTERM)[0] == 0
            back = time.time()
            until(lambda: beats_since(back), 30, "a heartbeat after the database came back")
        assert ended(workers[1], signal.SIGTERM)[0] == 0
    finally:
        kill(workers)


def test_the_worker_ends_when_beat_has_ended(servers: Servers, data_dir: Path) -> None:
    worker = start_worker(data_dir, BROKEN)
    try:
        status, said = ended(worker)
        assert status == EXIT_BEAT_ENDED, said
        assert "beat ended" in said
    finally:
        kill([worker])
