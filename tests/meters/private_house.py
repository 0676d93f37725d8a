"""A house with servers of its own, which tests may stop and kill, and real read_meters processes."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import redis

from energysite import embedded
from meters.segments import record_of
from tests.running_site import BASE_DIR, environment
from tests.waiting import until

NOBODY = "socket://127.0.0.1:9"
CREATE = """
import sys
import django
django.setup()
from django.core.management import call_command
from energysite import agents
from meters.models import Meter
call_command("migrate", verbosity=0)
for name in sys.argv[2:]:
    agents.create(Meter, name=name, connection=sys.argv[1], enabled=False, clock="meter", baud=115200)
"""


class PrivateHouse:
    """`meters`: their names, all disabled and trusted; `meter` enables one. `mode_dir`: where segments and configuration lie.
    The database keeps fsync and full_page_writes on, as a real one."""

    def __init__(self, data_dir: Path, *meters: str) -> None:
        self.data_dir, self.mode_dir = data_dir, data_dir / "house"
        self.servers = embedded.Servers(data_dir, "house")
        self.servers.start()
        assert self.servers.postgres is not None
        assert self.servers.valkey is not None
        self.postgres, self.valkey = self.servers.postgres, self.servers.valkey
        self._processes: list[Reading] = []
        subprocess.run(
            [sys.executable, "-c", CREATE, NOBODY, *meters],
            cwd=BASE_DIR,
            env=environment(data_dir, DJANGO_SETTINGS_MODULE="energysite.settings", LOG_LEVEL="warning", **self.urls),
            check=True,
            timeout=120,
        )

    @property
    def urls(self) -> dict[str, str]:
        return {"DATABASE_URL": self.postgres.url, "REDIS_URL": self.valkey.url}

    def end_processes(self) -> None:
        for process in self._processes:
            process.end()
        self._processes.clear()

    def close(self) -> None:
        self.end_processes()
        self.servers.stop()

    def meter(self, name: str, connection: str) -> None:
        """Only this meter is enabled, at this address; announced as a saved change is."""
        self.sql("UPDATE meters_meter SET enabled = (name = %s)", name)
        self.sql("UPDATE meters_meter SET connection = %s WHERE enabled", connection)
        self.announce(name)

    def announce(self, name: str) -> None:
        with self.redis() as client:
            client.publish("agents:changed", name)

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.postgres.url, autocommit=True) as connection:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def count(self, meter: str, kind: str = "electricity") -> int:
        """Readings of this meter; 0 while the database is away."""
        with suppress(psycopg.OperationalError):
            return int(
                self.sql(
                    f"SELECT count(*) FROM meters_{kind}reading r JOIN meters_source s ON s.id = r.source_id"
                    " JOIN meters_meter m ON m.id = s.meter_id WHERE m.name = %s",
                    meter,
                )[0][0]
            )
        return 0

    def redis(self) -> redis.Redis:
        return redis.Redis.from_url(self.valkey.url)

    def agent(self, name: str) -> dict[str, Any]:
        """The state of a meter as pages see it; {} while Valkey is away."""
        with suppress(redis.RedisError), self.redis() as client:
            return {key.decode(): json.loads(value) for key, value in client.hgetall(f"agent:{name}").items()}
        return {}

    def process(self) -> dict[str, Any]:
        with suppress(redis.RedisError), self.redis() as client:
            return json.loads(client.hget("live:processes", "read_meters") or b"{}")
        return {}

    def spooled(self, meter: str, kind: str = "electricity") -> int:
        """Records of this meter in the segments, stored or not."""
        records = [record_of(line) for path in self.segments() for line in path.read_bytes().split(b"\n")]
        return sum(record is not None and record[:2] == [kind, meter] for record in records)

    def segments(self) -> list[Path]:
        return sorted((self.mode_dir / "segments").glob("*.seg"))

    def read_meters(self) -> "Reading":
        process = Reading(self)
        self._processes.append(process)
        return process


class Reading:
    """A read_meters process."""

    number = 0

    def __init__(self, house: PrivateHouse) -> None:
        Reading.number += 1
        self.log = house.data_dir / f"read_meters-{Reading.number}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "read_meters"],
                cwd=BASE_DIR,
                env=environment(house.data_dir, **house.urls),
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self, timeout_s: float = 5) -> int:
        """SIGTERM; the exit status. AssertionError when it takes longer than `timeout_s`."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still there after {timeout_s} s: {self.said()}") from None

    def end(self) -> None:
        if self.process.poll() is None:
            self.kill()

    def said(self) -> str:
        return self.log.read_text()[-4000:]

    def wait_for(self, text: str, timeout_s: float = 15) -> None:
        until(lambda: text in self.log.read_text(), timeout_s, f"{text!r} in {self.said()}")


def backend_of(house: PrivateHouse) -> int | None:
    """The process of the server that serves the writer: the one that asked for the LSN."""
    found = house.sql(
        "SELECT pid FROM pg_stat_activity WHERE datname = 'energysite' AND pid <> pg_backend_pid() ORDER BY backend_start LIMIT 1"
    )
    return int(found[0][0]) if found else None


def crash_backend(house: PrivateHouse) -> None:
    """kill -9 of one backend: the server ends all sessions, forgets what was not on disk, and recovers, all by itself."""
    pid = until(lambda: backend_of(house), 15, "a backend of read_meters")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: not _has_backend(house, pid), 20, "the server after its recovery")


def _has_backend(house: PrivateHouse, pid: int) -> bool:
    """Also while the server is not there: until it has recovered nobody knows."""
    try:
        return bool(house.sql("SELECT 1 FROM pg_stat_activity WHERE pid = %s", pid))
    except psycopg.OperationalError:
        return True
