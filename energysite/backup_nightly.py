"""The backup of each night: make it, tell how it went, let older ones go. In a process of its own: energysite.backup_watch starts it."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.db import DatabaseError

from energysite import audit, backup, backup_schedule, backup_watch, house, locks
from energysite.backup_archive import BackupError
from energysite.permissions import Actor

NIGHTLY = Actor("nightly backup", None)
ABANDONED_S = 86_400.0  # a part that a killed run left

log = structlog.get_logger(__name__)


def run(counters: backup.Counters, now: datetime, tell: backup.Tell) -> Path:
    """Make one, note how it went where /health/ looks and in the audit, then remove what is too old. Raises BackupError."""
    lock = locks.Lock(settings.MODE_DIR / "backup.lock")
    try:
        lock.take()
    except locks.Held as held:
        raise BackupError(f"A nightly backup is being made already (pid {held.holder['pid']}).") from None
    before = backup_watch.state()
    try:
        path = backup.folder() / backup_schedule.file_name(settings.MODE, now)
        manifest = backup.make(path, counters, now, tell)
    except BackupError as error:
        backup_watch.keep({"at": now.timestamp(), "ok": False, "error": str(error), "good": before.get("good")})
        _record_failure(error)
        raise
    finally:
        lock.release()
    size = path.stat().st_size
    told = {"at": now.timestamp(), "ok": True, "good": now.timestamp(), "file": str(path), "bytes": size, "rows": manifest.total_rows}
    backup_watch.keep(told)
    audit.record(NIGHTLY, "backup made", path.name, bytes=size, rows=manifest.total_rows)
    prune(now)
    return path


def _record_failure(why: BackupError) -> None:
    try:
        audit.record(NIGHTLY, "backup failed", error=str(why)[:500])
    except DatabaseError as error:
        log.warning("the failed backup is not in the audit", error=str(error).strip())  # the database may be why it failed


def prune(now: datetime) -> None:
    """Remove the backups that 7 days and 12 months do not keep, and parts that were never finished."""
    for name in backup_schedule.obsolete(backup_watch.names(), settings.MODE, ZoneInfo(house.current().zone)):
        (settings.BACKUP_DIR / name).unlink(missing_ok=True)
    for part in settings.BACKUP_DIR.glob(".energysite-*.part"):
        if now.timestamp() - part.stat().st_mtime > ABANDONED_S:
            part.unlink(missing_ok=True)
