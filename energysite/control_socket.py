"""The supervisor's socket in DATA_DIR: one line asks, one JSON line answers. Django-free on both ends."""

import json
import os
import select
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from energysite import children, layout

LONGEST_LINE = 200


def ask(data_dir: Path, line: str, timeout_s: float = 5) -> dict[str, Any]:
    """The running supervisor's answer to `status` or `switch house`; {"ok": False, "error": text} where none answers."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout_s)
        try:
            connection.connect(str(layout.control_socket(data_dir)))
            connection.sendall(line.encode() + b"\n")
            with connection.makefile("rb") as answer:
                return json.loads(answer.readline())
        except (OSError, ValueError):
            return {"ok": False, "error": f"No `manage.py up` answers for {data_dir}. Is it running?"}


class ControlSocket:
    """The supervisor's end, without a thread: `serve` is called when its loop finds `fileno` readable."""

    def __init__(self, data_dir: Path, answer: Callable[[str], dict[str, Any]]) -> None:
        self.path = layout.control_socket(data_dir)
        self.answer = answer
        if self.path.parent != data_dir:
            layout.make_folder(self.path.parent) if os.geteuid() == 0 else children.give(self.path.parent, None)
        self.path.unlink(missing_ok=True)  # of a supervisor that was killed: we hold its lock
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.setblocking(False)
        mask = os.umask(0o177)
        try:
            self._socket.bind(str(self.path))
        finally:
            os.umask(mask)
        self._socket.listen(8)

    def fileno(self) -> int:
        return self._socket.fileno()

    def serve(self) -> None:
        """Answer who is waiting. Somebody who says nothing within a second is let go."""
        try:
            connection, _ = self._socket.accept()
        except BlockingIOError:
            return
        with connection:
            connection.settimeout(1)
            try:
                if not select.select([connection], [], [], 1)[0]:
                    return
                line = connection.recv(LONGEST_LINE).decode(errors="replace").strip()
                connection.sendall(json.dumps(self.answer(line)).encode() + b"\n")
            except OSError:
                return  # gone before the answer

    def close(self) -> None:
        self._socket.close()
        self.path.unlink(missing_ok=True)
