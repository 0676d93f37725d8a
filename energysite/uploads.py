"""A file that comes in parts, each no larger than a form may be, so that the web process never takes a large body.

A part is judged like any other request (who sends it, its CSRF token) before it is kept, an upload that was cut off goes on where
it stopped, and nothing of the file is ever held in memory. No Django here.
"""

import json
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from energysite.text import plain

MOST_BYTES = 200 << 20
PART_BYTES = 1 << 20  # that a page sends at once
KEPT_FREE_BYTES = 500 << 20  # the readings' own room on the disk is not for uploads
ABANDONED_S = 86_400
NAME_LENGTH = 120


class Refused(Exception):
    """An upload that cannot be taken. `code`: large, empty, disk or file (not begun, or a part of another upload)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class OutOfStep(Exception):
    """The part does not begin where the last one ended; `received` bytes are there."""

    def __init__(self, received: int) -> None:
        super().__init__(received)
        self.received = received


@dataclass(frozen=True, slots=True)
class Upload:
    """`folder` holds one upload: the file itself and what is known of it."""

    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "upload"

    @property
    def _about(self) -> Path:
        return self.folder / "about.json"

    def about(self) -> dict[str, Any]:
        """id, name, size, begun (epoch) and whatever `note` added; {} where there is no upload."""
        return read_json(self._about)

    def received(self) -> int:
        try:
            return self.file.stat().st_size
        except FileNotFoundError:
            return 0

    def is_complete(self) -> bool:
        about = self.about()
        return bool(about) and self.received() == about["size"]

    def begin(self, name: str, size: int) -> str:
        """Takes the place of the upload before. Returns the new one's id; raises Refused."""
        if size > MOST_BYTES:
            raise Refused("large")
        if size <= 0:
            raise Refused("empty")
        self.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.discard()
        if shutil.disk_usage(self.folder.parent).free - size < KEPT_FREE_BYTES:
            raise Refused("disk")
        self.folder.mkdir(mode=0o700)
        identity = os.urandom(8).hex()
        write_json(self._about, {"id": identity, "name": plain(name, NAME_LENGTH), "size": size, "begun": time.time()})
        os.close(os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        return identity

    def add(self, identity: str, offset: int, part: bytes) -> int:
        """Returns how many bytes are there now. Raises Refused, OutOfStep."""
        about = self.about()
        if not about or about["id"] != identity:
            raise Refused("file")
        received = self.received()
        if offset != received:
            raise OutOfStep(received)
        if received + len(part) > about["size"]:
            raise Refused("large")
        with self.file.open("ab") as file:
            file.write(part)
        return received + len(part)

    def note(self, **facts: Any) -> None:
        write_json(self._about, self.about() | facts)

    def drop_file(self) -> None:
        self.file.unlink(missing_ok=True)

    def discard(self) -> None:
        if self.folder.exists():
            shutil.rmtree(self.folder)

    def is_abandoned(self, now: float) -> bool:
        """Nothing has come for a day."""
        try:
            return now - max(entry.stat().st_mtime for entry in self.folder.iterdir()) > ABANDONED_S
        except (FileNotFoundError, ValueError):
            return False


def read_json(path: Path) -> dict[str, Any]:
    """{} where there is nothing, or nothing whole."""
    try:
        found = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Whole or not at all."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_text(json.dumps(value))
    fresh.replace(path)
