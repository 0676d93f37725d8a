"""The night's backup as the worker and the pages see it: how the last one went, and whether one is due. Light: it makes none."""

import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.utils import timezone

from energysite import backup_schedule, house

log = structlog.get_logger(__name__)


def state_file() -> Path:
    return settings.MODE_DIR / "backup.json"


def state() -> dict[str, Any]:
    """The last try: at (epoch), ok, and file, bytes, rows, seconds or error; `good`: epoch of the last that worked. {} before the first."""
    try:
        found = json.loads(state_file().read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def keep(told: dict[str, Any]) -> None:
    fresh = state_file().with_name(f"backup.json.{os.getpid()}")
    fresh.write_text(json.dumps(told))
    fresh.replace(state_file())


def names() -> list[str]:
    return [entry.name for entry in settings.BACKUP_DIR.iterdir()] if settings.BACKUP_DIR.is_dir() else []


def is_due(now: datetime) -> bool:
    tried = state().get("at")
    return backup_schedule.due(
        now,
        ZoneInfo(house.current().zone),
        newest=backup_schedule.newest(names(), settings.MODE),
        tried=datetime.fromtimestamp(tried, now.tzinfo) if tried else None,
        installed=datetime.fromtimestamp((settings.MODE_DIR / "secret.key").stat().st_mtime, now.tzinfo),
    )


def look() -> None:
    """What the worker does every quarter of an hour: it makes the backup that is due, in a child, so that the memory it takes goes with it.

    It says on /health/ and in the audit how it went; here only that it ended badly.
    """
    if not is_due(timezone.now()):
        return
    # Not children.spawn, which is for main threads; it ends by itself when the database stops.
    done = subprocess.run(
        [sys.executable, "manage.py", "backup", "--nightly"], cwd=settings.BASE_DIR, capture_output=True, text=True, check=False
    )
    if done.returncode:
        log.error("nightly backup", status=done.returncode, said=done.stderr.strip()[-500:])
