"""Times as a meter writes them: YYMMDDhhmmss and S (summer, UTC+2) or W (winter, UTC+1). Pure.

The flag alone settles the offset, the whole year round: a meter that never leaves winter time is not an hour off in July.
"""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_STAMP = re.compile(r"[0-9]{12}[SW]?")
_OFFSETS = {"S": timedelta(hours=2), "W": timedelta(hours=1)}
# DSMR 2.2 and 3 write a gas meter's hour without a flag; the Netherlands and Belgium share their zone rules.
_FLAGLESS = ZoneInfo("Europe/Amsterdam")


def is_stamp(text: str) -> bool:
    return _STAMP.fullmatch(text) is not None


def utc(stamp: str) -> datetime | None:
    """The UTC time of a stamp; None for one that is no time (632525252525W) or stands for never (700101010000W)."""
    if not _STAMP.fullmatch(stamp) or stamp >= "70":
        return None
    try:
        local = datetime(
            2000 + int(stamp[:2]), int(stamp[2:4]), int(stamp[4:6]), int(stamp[6:8]), int(stamp[8:10]), int(stamp[10:12]), tzinfo=UTC
        )
        if len(stamp) == 13:
            return local - _OFFSETS[stamp[12]]
    except (ValueError, OverflowError):
        return None
    return local.replace(tzinfo=_FLAGLESS).astimezone(UTC)


def month_before(stamp: str) -> str | None:
    """The month a past peak belongs to, "YYYY-MM": its label is the first day of the month after. None: no time."""
    if utc(stamp) is None:
        return None
    year, month = 2000 + int(stamp[:2]), int(stamp[2:4])
    if stamp[4:6] != "01":
        return f"{year}-{month:02}"
    return f"{year}-{month - 1:02}" if month > 1 else f"{year - 1}-12"
