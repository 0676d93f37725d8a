"""The house's own clock: an epoch second as day, minute and weekday of its zone. Pure.

Zones change their offset only at a quarter of an hour of UTC, so that one look-up serves a whole quarter.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY_S = 86_400
QUARTER_S = 900
# 1970-01-01 was a Thursday.
FIRST_WEEKDAY = 4


@lru_cache(maxsize=512)
def _offset_s(zone: str, quarter: int) -> int:
    offset = datetime.fromtimestamp(quarter * QUARTER_S, UTC).astimezone(ZoneInfo(zone)).utcoffset()
    return int((offset or timedelta()).total_seconds())


def day_number(at: float, zone: str) -> int:
    """Local days since 1970."""
    return int((at + _offset_s(zone, int(at // QUARTER_S))) // DAY_S)


def minute(at: float, zone: str) -> int:
    """Of the local day, by the clock on the wall: 0 to 1439."""
    return int((at + _offset_s(zone, int(at // QUARTER_S))) % DAY_S) // 60


def weekday(day: int) -> int:
    """Of a day number: 1 is Monday, 7 Sunday."""
    return (day + FIRST_WEEKDAY - 1) % 7 + 1


@lru_cache(maxsize=512)
def epoch(day: int, minutes: int, zone: str) -> float:
    """When the wall clock shows so many minutes of the day; 1440 is the end of the day. In the hour that a day lacks: the moment after."""
    there = datetime.combine(date.fromordinal(date(1970, 1, 1).toordinal() + day + minutes // 1440), time(), ZoneInfo(zone))
    return (there + timedelta(minutes=minutes % 1440)).timestamp()
