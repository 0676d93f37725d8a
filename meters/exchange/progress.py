"""How far an import is: for the person who waits, and for the import itself when it was cut off."""

import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from meters.exchange.steps import Place

EVERY_S = 0.25
KEPT_S = 30 * 86_400
PIECE = 1 << 20

# what is done ("reading", "blocks"), rows or blocks so far, of how many (estimated), bad rows
Progress = Callable[[str, int, int, int], None]


def quiet(_phase: str, _done: int, _total: int, _bad: int) -> None:
    pass


def replace(path: Path, content: dict[str, Any]) -> None:
    """Whoever reads sees the old file or the new one, never half of one."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_text(json.dumps(content))
    fresh.replace(path)


class ProgressFile:
    """{"phase", "rows", "total", "bad", "percent", "message", "result"}; phases: reading, blocks, done, failed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._next = 0.0
        self._rows = (0, 0, 0)

    def __call__(self, phase: str, done: int, total: int, bad: int) -> None:
        now = time.monotonic()
        if now < self._next and done < total:
            return
        self._next, self._rows = now + EVERY_S, (done, total, bad)
        self._write(phase, "", None)

    def end(self, phase: str, message: str, result: dict[str, Any] | None) -> None:
        self._write(phase, message, result)

    def _write(self, phase: str, message: str, result: dict[str, Any] | None) -> None:
        done, total, bad = self._rows
        percent = 100 if phase == "done" else min(99, 100 * done // total) if total else 0
        replace(
            self.path,
            {"phase": phase, "rows": done, "total": total, "bad": bad, "percent": percent, "message": message, "result": result},
        )


class Checkpoint:
    """Where an import of these very bytes into this source goes on after it was cut off; gone at its end."""

    def __init__(self, folder: Path, parts: list[Path], *about: object) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{fingerprint(parts, *about)}.json"
        for old in folder.glob("*.json"):
            if old.stat().st_mtime < time.time() - KEPT_S:
                old.unlink(missing_ok=True)

    def load(self) -> tuple[Place, dict[str, Any]] | None:
        """The place, and what `save` was told."""
        try:
            kept = json.loads(self.path.read_text())
            return Place(**kept["place"]), dict(kept["so_far"])
        except (OSError, ValueError, KeyError, TypeError):
            return None  # none, or from another version: the import begins anew, and what is there already stays as it is

    def save(self, place: Place, so_far: dict[str, Any]) -> None:
        replace(self.path, {"place": asdict(place), "so_far": so_far})

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)


def fingerprint(parts: list[Path], *about: object) -> str:
    digest = hashlib.sha256(repr(about).encode())
    for part in parts:
        digest.update(f"\0{part.stat().st_size}\0".encode())
        with part.open("rb") as file:
            while piece := file.read(PIECE):
                digest.update(piece)
    return digest.hexdigest()[:32]
