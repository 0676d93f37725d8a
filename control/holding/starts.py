"""The files that survive the holder, in DATA_DIR/<mode>: config/outputs.json (what it holds), holding/outputs.json (last switches, counts
and locks) and holding/starts.json (its last starts, and whose they were). What cannot be written is said, and holds up nothing.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from control.holding import machine
from control.holding.calls import Clock

log = logging.getLogger(__name__)

MANY, WITHIN_S, LOCK_S = 3, 600.0, 600.0  # rule 8
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def locked_s(before: list[dict[str, Any]], now: dict[str, Any]) -> float:
    """How long a start at `now` keeps everything off. Each {"boot", "up" (seconds since boot), "at" (epoch)}: within one boot the clock
    of the day is not asked; between two it is, and where it went back the start counts as recent."""
    recent = 1
    for start in before:
        same_boot = start["boot"] == now["boot"]
        ago = now["up"] - start["up"] if same_boot else now["at"] - start["at"]
        recent += ago < WITHIN_S
    return LOCK_S if recent >= MANY else 0.0


class Files:
    """Records are written by a thread of their own: a slow card must not stop the clock of the leases."""

    def __init__(self, mode_dir: Path) -> None:
        self._settings = mode_dir / "config" / "outputs.json"
        self._records = mode_dir / "holding" / "outputs.json"
        self._starts = mode_dir / "holding" / "starts.json"
        self._machine = machine.digest(machine.marks(mode_dir)) if (mode_dir / machine.KEY).exists() else ""
        self._due: dict[Path, bytes] = {}
        self._changed = threading.Condition()
        self._writing = False
        threading.Thread(target=self._write_due, name="files", daemon=True).start()

    def settings(self) -> bytes | None:
        try:
            return self._settings.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            log.error("the copy of the outputs' settings cannot be read: %s: %s", self._settings, error)
            return None

    def keep_settings(self, text: bytes) -> None:
        self._later(self._settings, text)

    def records(self) -> Mapping[str, Mapping[str, Any]]:
        found = _read(self._records)
        return {name: record for name, record in found.items() if isinstance(record, dict)}

    def keep_records(self, records: Mapping[str, Mapping[str, Any]]) -> None:
        self._later(self._records, json.dumps(records, indent=1).encode())

    def started(self, clock: Clock) -> float:
        try:
            boot = BOOT_ID.read_text().strip()
        except OSError:
            boot = ""
        now = {"boot": boot, "up": clock.mono(), "at": clock.wall()}
        found = _read(self._starts)
        before = [start for start in found.get("starts", []) if isinstance(start, dict) and start.keys() >= now.keys()][-(MANY - 1) :]
        signed = found.get("machine", "") or self._machine
        _write(self._starts, json.dumps({"machine": signed, "starts": [*before, now]}).encode())
        return locked_s(before, now)

    def copied(self) -> bool:
        """This folder was written by another machine, or lies elsewhere: the original may hold the same devices."""
        return bool(self._machine) and _read(self._starts).get("machine", "") not in ("", self._machine)

    def sign(self) -> None:
        """From now on these devices are this machine's."""
        self._later(self._starts, json.dumps({**_read(self._starts), "machine": self._machine}).encode())

    def _later(self, path: Path, content: bytes) -> None:
        with self._changed:
            self._due[path] = content
            self._changed.notify_all()

    def _write_due(self) -> None:
        while True:
            with self._changed:
                self._writing = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: bool(self._due))
                due, self._due, self._writing = self._due, {}, True
            for path, content in due.items():
                _write(path, content)

    def finish(self, timeout_s: float) -> bool:
        """Wait until everything is written; False where it is not by then."""
        until = time.monotonic() + timeout_s
        with self._changed:
            return self._changed.wait_for(lambda: not self._due and not self._writing, max(0.0, until - time.monotonic()))


def _read(path: Path) -> dict[str, Any]:
    """What is in a file of ours; nothing where there is none, or where it cannot be used (which is said)."""
    try:
        found = json.loads(path.read_bytes())
        return found if isinstance(found, dict) else {}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        log.error("a file cannot be used: %s: %s", path, error)
        return {}


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, for our eyes only, on the disk when this returns."""
    fresh = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        log.error("a file cannot be written: %s: %s", path, error)
