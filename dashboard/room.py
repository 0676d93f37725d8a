"""How long the disk lasts. Pure arithmetic, but for one question to the file system."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

DAY_S = 86_400
# Below this, new readings are refused (meters.segments); the forecast counts down to it.
RESERVE_BYTES = 100 << 20


@dataclass(frozen=True, slots=True)
class Room:
    """`days`: until readings would be refused, None where nothing is being written."""

    folder: Path
    total_bytes: int
    free_bytes: int
    days: float | None


def room(folder: Path, bytes_per_day: float) -> Room:
    """Raises OSError where the folder cannot be asked."""
    return filling(folder, lambda usable: usable / bytes_per_day if bytes_per_day > 0 else None)


def filling(folder: Path, lasts: Callable[[float], float | None]) -> Room:
    """`lasts`: how many days so many bytes last. Raises OSError."""
    disk = shutil.disk_usage(folder)
    return Room(folder, disk.total, disk.free, lasts(max(0, disk.free - RESERVE_BYTES)))


def growth_of_spool(spool_bytes: int, oldest: float | None, now: float) -> float:
    """Bytes a day that wait on disk while the database is away; `oldest`, `now`: epoch."""
    if oldest is None or now - oldest < 1:
        return 0.0
    return spool_bytes / (now - oldest) * DAY_S
