"""The worker reads inverters while its servers come and go, and loses nothing when it is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from energysite import live
from energysite.embedded import Servers
from tests.emulators.http_device import HttpLookalike, Reply, as_json
from tests.running_site import BASE_DIR, environment, manage
from tests.waiting import until

pytestmark = pytest.mark.slow

ADD = """
from energysite import agents
from solar.models import Inverter
agents.create(Inverter, name="Roof", family="http_json", address="%s", page="/", power_path="w", total_path="total", period_s=1)
"""


class Counting:
    """Counts one Wh at each answer, so that what is missing in the tables is known by its number."""

    def __init__(self) -> None:
        self.told = 1000

    def __call__(self, _body: bytes) -> Reply:
        self.told += 1
        return as_json({"w": 3600, "total": self.told})


@pytest.fixture
def servers(data_dir: Path) -> Iterator[Servers]:
    with Servers(data_dir, "house") as running:
        assert manage(data_dir, "migrate", "-v", "0", MODE="house", UNDER_SUPERVISOR="1").returncode == 0
        yield running


class Worker:
    def __init__(self, data_dir: Path) -> None:
        more = {"MODE": "house", "UNDER_SUPERVISOR": "1", "DJANGO_SETTINGS_MODULE": "energysite.settings"}
        self.said = (data_dir / f"worker-{time.monotonic_ns()}.log").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "energysite.worker"], cwd=BASE_DIR, env=environment(data_dir, **more), stderr=self.said
        )

    def kill(self) -> None:
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def close(self) -> None:
        self.kill()
        self.said.close()

    def log(self) -> str:
        self.said.seek(0)
        return self.said.read()[-3000:]


def test_inverters_are_read_on_while_the_database_is_away_and_a_killed_worker_has_kept_what_it_read(
    servers: Servers, data_dir: Path
) -> None:
    assert servers.postgres is not None
    assert servers.valkey is not None
    counting = Counting()
    workers: list[Worker] = []
    with HttpLookalike({"/": counting}) as device:
        try:
            done = manage(data_dir, "shell", "-v", "0", "-c", ADD % device.address, MODE="house", UNDER_SUPERVISOR="1")
            assert done.returncode == 0, done.stderr
            workers.append(Worker(data_dir))
            until(lambda: _stored(servers), 60, workers[0].log)

            servers.postgres.stop()
            gone = counting.told
            until(lambda: counting.told >= gone + 4, 20, workers[0].log)
            with redis.Redis(unix_socket_path=str(servers.valkey.socket)) as client:
                until(lambda: live.last_frames(client)["Roof"]["total_wh"] > gone + 2, 10, "live values go on")
            # An answer is asked for when the one before has been kept.
            kept = counting.told - 1
            workers[0].kill()
            assert list((data_dir / "house" / "device-readings").rglob("*.seg")), "what was read waits on the disk"

            servers.postgres.start()
            servers.postgres.wait_ready()
            workers.append(Worker(data_dir))
            until(lambda: max(_stored(servers)) > kept + 1, 60, workers[1].log)
            assert set(range(gone + 1, kept + 1)) <= set(_stored(servers))
            assert _stored(servers) == sorted(_stored(servers)), "in order"
            assert _one(servers, "SELECT count(*) FROM meters_rejectepisode") == 0

            servers.valkey.stop()
            servers.valkey.start()
            servers.valkey.wait_ready()
            back = counting.told
            until(lambda: max(_stored(servers)) > back + 2, 60, workers[1].log)
        finally:
            for worker in workers:
                worker.close()


def _stored(servers: Servers) -> list[int]:
    with _connected(servers) as connection:
        rows = connection.execute("SELECT total_wh FROM meters_productionreading ORDER BY time").fetchall()
    return [total for (total,) in rows]


def _one(servers: Servers, sql: str) -> int:
    with _connected(servers) as connection:
        row = connection.execute(sql.encode()).fetchone()
    assert row is not None
    return int(row[0])


def _connected(servers: Servers) -> "psycopg.Connection[tuple[int, ...]]":
    assert servers.postgres is not None
    return psycopg.connect(servers.postgres.url)
