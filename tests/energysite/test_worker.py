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


@pytest.fixture
def servers(data_dir: Path) -> Iterator[Servers]:
    with Servers(data_dir, "house") as running:
        assert manage(data_dir, "migrate", "-v", "0", MODE="house", UNDER_SUPERVISOR="1").returncode == 0
        yield running


def start_worker(data_dir: Path) -> subprocess.Popen[str]:
    more = {"MODE": "house", "UNDER_SUPERVISOR": "1", "DJANGO_SETTINGS_MODULE": "energysite.settings"}
    return subprocess.Popen(
        [sys.executable, "-c", SHORTENED], cwd=BASE_DIR, env=environment(data_dir, **more), stderr=subprocess.PIPE, text=True
    )


def ended(worker: subprocess.Popen[str], number: int = 0, timeout_s: float = 30) -> tuple[int, str]:
    if number:
        worker.send_signal(number)
    _, said = worker.communicate(timeout=timeout_s)
    return worker.returncode, said


def test_periodic_tasks_run_again_after_the_database_was_away(servers: Servers, data_dir: Path) -> None:
    assert servers.postgres is not None
    assert servers.valkey is not None
    workers = [start_worker(data_dir)]
    try:
        with redis.Redis(unix_socket_path=str(servers.valkey.socket)) as client:
            until(lambda: client.hget(live.HEARTBEATS, "worker"), 30, "the first heartbeat")
            servers.postgres.stop()
            status, said = ended(workers[0])
            assert status == EXIT_BEAT_ENDED, said
            assert "beat ended" in said

            # What the supervisor does next; the database is still away.
            workers.append(start_worker(data_dir))
            assert workers[1].stderr is not None
            line = workers[1].stderr.readline()
            assert "worker waits for the database" in line
            back = time.time()
            servers.postgres.start()
            servers.postgres.wait_ready()
            until(lambda: float(client.hget(live.HEARTBEATS, "worker") or 0) > back, 30, "a heartbeat after the database came back")
        assert ended(workers[1], signal.SIGTERM)[0] == 0
    finally:
        for worker in workers:
            if worker.poll() is None:
                os.kill(worker.pid, signal.SIGKILL)
                worker.communicate()
