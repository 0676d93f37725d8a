"""A real house for a benchmark: `manage.py up` on a folder of its own, with an owner who is logged in."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg

from energysite import layout
from tests.benchmarks import processes

ROOT = Path(__file__).resolve().parents[2]
OURS = ("DATABASE_URL", "REDIS_URL", "PUBLIC_URL", "TRUSTED_PROXIES", "ALLOWED_HOSTS", "DEBUG", "UNDER_SUPERVISOR")
READY_S = 120
STOP_S = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class House:
    """`with House() as house:`; `.url`, `.session` (the cookie), `.database` (a connection of the benchmark's own)."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="energysite-bench-"))
        self.folder.chmod(0o711)  # the database's account passes through
        self.data_dir = self.folder / "data"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        kept = {name: value for name, value in os.environ.items() if name not in OURS}
        self.environment = {
            **kept,
            "DATA_DIR": str(self.data_dir),
            "MODE": "house",
            "BIND": "127.0.0.1",
            "PORT": str(self.port),
            "LOG_LEVEL": "warning",
        }
        self.said: list[str] = []
        self._ready = threading.Event()

    def __enter__(self) -> "House":
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up"], cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        threading.Thread(target=self._listen, daemon=True).start()
        try:
            self._ready.wait(READY_S)  # also set when the site has ended
            if self.process.poll() is not None or not self._ready.is_set():
                raise RuntimeError(f"the site was not ready within {READY_S} s. It said:\n" + "\n".join(self.said))
            self.session = self.inside("owner")["session"]
            run_dir = layout.run_dir(self.data_dir, "house")
            self.database = psycopg.connect(f"host={run_dir} user=energysite dbname=energysite", autocommit=True)
        except BaseException:
            self._stop()
            raise
        return self

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line.rstrip())
            if line.startswith("ready:"):
                self._ready.set()
        self.process.wait()
        self._ready.set()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.database.close()
        self._stop()

    def _stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(layout.service_dir(self.data_dir, "house"), ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def inside(self, *words: str) -> dict[str, Any]:
        """What `tests.benchmarks.inside` answers, run as a command of this house."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.inside", *words],
            cwd=ROOT,
            env={**self.environment, "DJANGO_SETTINGS_MODULE": "energysite.settings"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{words[0]} failed:\n{done.stderr[-4000:]}")
        return dict(json.loads(done.stdout.splitlines()[-1]))

    def query(self, sql: str, *values: Any) -> Any:
        """The first value of the first row."""
        row = self.database.execute(sql.encode(), values).fetchone()
        assert row is not None
        return row[0]

    def groups(self) -> dict[str, list[int]]:
        """Process name (supervisor, database, live values, web, worker, read_meters) -> its pids, children included."""
        named = {row["name"]: row["pid"] for row in json.loads((self.data_dir / "house" / "processes.json").read_text())}
        found = {name: processes.tree(pid) for name, pid in named.items() if pid}
        others = set(processes.tree(self.process.pid)) - {pid for pids in found.values() for pid in pids}
        return {"supervisor": sorted(others), **found}

    def cpu_s(self, names: Iterable[str] = ()) -> float:
        groups = self.groups()
        return sum((processes.cpu_s(groups[name]) for name in names or groups), 0.0)
