"""What is wrong with this machine: backups that fail, a disk that fills or fails."""

from __future__ import annotations

import os
import shutil
from datetime import datetime
from pathlib import Path

from django.conf import settings

from energysite import backup_watch
from energysite.notify.raising import Trouble
from energysite.text import plain

DAY_S = 86_400
# Readings are refused below 100 MB (meters.segments); half a gigabyte leaves a house some weeks.
LEAST_FREE = 500 << 20
PROBE = b"energysite\n"


def backup(now: datetime) -> dict[str, Trouble]:
    """The last try of a backup failed. Empty where none was tried yet."""
    state = backup_watch.state()
    if not state or state.get("ok"):
        return {}
    error, good = plain(str(state.get("error") or "")), state.get("good")
    if good is None:
        return {"nightly": Trouble("backup_never", {"error": error})}
    return {"nightly": Trouble("backup_failing", {"error": error, "days": max(0, int((now.timestamp() - good) // DAY_S))})}


def disks(folders: list[Path], *, probe: bool) -> dict[str, Trouble]:
    """Of the disks that hold these folders. `probe`: also write, flush and read back a few bytes, which wears a card a little."""
    found: dict[str, Trouble] = {}
    seen: set[int] = set()
    for folder in folders:
        try:
            device = folder.stat().st_dev
            if device not in seen:
                seen.add(device)
                trouble = _disk(folder, probe=probe)
                if trouble is not None:
                    found[str(folder)] = trouble
        except OSError as error:
            found[str(folder)] = _failing(folder, error)
    return found


def own_folders() -> list[Path]:
    """The data and the backups, which may lie on disks of their own."""
    return [folder for folder in (settings.MODE_DIR, settings.BACKUP_DIR) if folder.exists()]


def _disk(folder: Path, *, probe: bool) -> Trouble | None:
    """Raises OSError."""
    names = {"folder": str(folder)}
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        return Trouble("disk_read_only", names, urgent=True)
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE:
        return Trouble("disk_full", {**names, "free_mb": free >> 20})
    if probe:
        _write_and_read(folder / f".probe-{os.getpid()}")
    return None


def _write_and_read(path: Path) -> None:
    """Raises OSError, also where other bytes come back."""
    try:
        with path.open("wb") as file:
            file.write(PROBE)
            file.flush()
            os.fsync(file.fileno())
        if path.read_bytes() != PROBE:
            raise OSError("other bytes came back")
    finally:
        path.unlink(missing_ok=True)


def _failing(folder: Path, error: OSError) -> Trouble:
    return Trouble("disk_failing", {"folder": str(folder), "error": plain(error.strerror or str(error))}, urgent=True)
