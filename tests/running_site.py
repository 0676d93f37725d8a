"""A real `manage.py up` for tests: its own process, data folder and port."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from energysite import children
from tests.waiting import until

BASE_DIR = Path(__file__).resolve().parent.parent
OURS = ("DATABASE_URL", "REDIS_URL", "DATA_DIR", "MODE", "BIND", "PORT", "UNDER_SUPERVISOR")


def environment(data_dir: Path, **more: str) -> dict[str, str]:
    """This session's environment without the session's own servers."""
    kept = {name: value for name, value in os.environ.items() if name not in OURS}
    return {**kept, "DATA_DIR": str(data_dir), "PYTHONWARNINGS": "default", **more}


def manage(data_dir: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """A command of manage.py, to its end."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=BASE_DIR,
        env=environment(data_dir, **more),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def alive(pid: int) -> bool:
    return children.start_time(pid) is not None


class RunningSite:
    """Started at once; `ready()` waits for the page. Everything it prints is in `lines`."""

    def __init__(self, data_dir: Path, *arguments: str, **more: str) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up", *arguments],
            cwd=BASE_DIR,
            env=environment(data_dir, PORT=str(self.port), **more),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def said(self, text: str, timeout_s: float = 60) -> None:
        def found() -> bool:
            assert self.process.poll() is None or text in self.output, f"it ended: {self.output}"
            return text in self.output

        until(found, timeout_s, lambda: f"{text!r} in the output of up:\n{self.output[-3000:]}")

    def ready(self) -> "RunningSite":
        """Itself, once the page answers; a site that does not get so far is stopped."""
        try:
            self.said(f"ready: {self.url}", 90)
        except BaseException:
            self.stop()
            raise
        return self

    def processes(self, mode: str) -> dict[str, dict[str, Any]]:
        return {row["name"]: row for row in json.loads((self.data_dir / mode / "processes.json").read_text())}

    def get(self, path: str) -> int:
        """The HTTP status of a page."""
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Signal it if it still runs, wait for its end, answer its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(60)
        self._reader.join(10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status
