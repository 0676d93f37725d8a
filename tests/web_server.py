"""A real daphne on the session's own test database, for tests that need sockets."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from django.conf import settings
from django.db import connection

from energysite import addresses
from tests.waiting import until


class WebServer:
    def __init__(self, *options: str, **environment: str) -> None:
        self.listening = addresses.listen("127.0.0.1", 0)
        self.port = self.listening.getsockname()[1]
        self.host = f"127.0.0.1:{self.port}"
        self.origin = f"http://{self.host}"
        database = connection.settings_dict  # the tests' own, not the one of DATABASE_URL
        url = f"postgresql://{database['USER']}@/{database['NAME']}?host={database['HOST']}"
        environment = {"DATABASE_URL": url, "LOG_LEVEL": "info", **environment}
        self.log = Path(tempfile.mkdtemp(prefix="web-", dir=settings.DATA_DIR)) / "log"
        descriptor = self.listening.fileno()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "energysite.web", "-v", "0", *options, "--fd", str(descriptor), "energysite.asgi:application"],
                cwd=Path(settings.BASE_DIR),
                env={**os.environ, **environment},
                pass_fds=[descriptor],
                stderr=log,
            )
        try:
            until(self._answers, 30, "the web server answers")
        except AssertionError as error:
            self.stop()
            raise AssertionError(f"{error}; it said: {self.said()}") from None

    def _answers(self) -> bool:
        assert self.process.poll() is None, "the web server has ended"
        return addresses.answers("127.0.0.1", self.port, "/healthz") == 200

    def said(self) -> str:
        """Everything it has written so far."""
        return self.log.read_text()

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self.listening.close()
