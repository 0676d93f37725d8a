"""The month peaks that a meter tells of itself: from records of the spool to their table."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection

from energysite import house, timegrid
from energysite.timegrid import QUARTER

KIND = "peak"  # of a record: {"running": [W, epoch or None], "2026-10": [W, epoch or None], ...}
RUNNING = "running"
LONGEST_MONTH = timedelta(days=32)


class Told(NamedTuple):
    """`months`: "YYYY-MM", or RUNNING -> W and the meter's own stamp."""

    source_id: int
    told: datetime
    months: dict[str, tuple[int, datetime | None]]


def told(source_id: int, at: datetime, registers: dict[str, Any]) -> Told:
    """From a record. Raises ValueError, TypeError, OverflowError, OSError where it is none."""
    months: dict[str, tuple[int, datetime | None]] = {}
    for label, (w, epoch) in registers.items():
        if label != RUNNING:
            date.fromisoformat(f"{label}-01")
        months[label] = (int(w), None if epoch is None else datetime.fromtimestamp(epoch, UTC))
    return Told(source_id, at, months)


def month_of(stamp: datetime | None, at: datetime, zone: tzinfo) -> date:
    """The month that the running peak belongs to, told `at`. The stamp is the quarter's begin or its end, by model.

    Just after midnight of the first, before a quarter of the new month can be over, a stamp of midnight is the end of the last one.
    """
    if stamp is None or not at - LONGEST_MONTH <= stamp <= at + QUARTER:  # nonsense, as meters without a peak yet tell it
        return timegrid.local_day(at, zone).replace(day=1)
    moment = stamp - timedelta(seconds=1) if at < stamp + QUARTER else stamp
    return timegrid.local_day(moment, zone).replace(day=1)


UPSERT = """
    INSERT INTO meters_meterpeak (source_id, month, w, time, told)
    SELECT * FROM unnest(%s::smallint[], %s::date[], %s::int[], %s::timestamptz[], %s::timestamptz[])
    ON CONFLICT (source_id, month) DO UPDATE SET w = EXCLUDED.w, time = EXCLUDED.time, told = EXCLUDED.told
    WHERE EXCLUDED.told >= meters_meterpeak.told"""


def store(given: Iterable[Told]) -> int:
    """What was told last stands. In the caller's transaction; returns how many months were written."""
    newest: dict[tuple[int, date], tuple[datetime, int, datetime | None]] = {}
    zone: ZoneInfo | None = None
    for one in sorted(given, key=lambda one: one.told):
        zone = zone or ZoneInfo(house.current().zone)
        for label, (w, stamp) in one.months.items():
            month = month_of(stamp, one.told, zone) if label == RUNNING else date.fromisoformat(f"{label}-01")
            newest[one.source_id, month] = (one.told, w, stamp)
    if not newest:
        return 0
    rows = [(source, month, w, stamp, at) for (source, month), (at, w, stamp) in sorted(newest.items())]
    with connection.cursor() as cursor:
        cursor.execute(UPSERT, [list(column) for column in zip(*rows, strict=True)])
        return int(cursor.rowcount)
