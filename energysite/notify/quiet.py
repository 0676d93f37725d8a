"""Quiet hours. Pure."""

from datetime import datetime, time, timedelta


def ends(now: datetime, start: time | None, end: time | None) -> datetime | None:
    """When the quiet hours that are at `now` (aware, in the house's zone) are over; None: it is not quiet.

    From 22:00 until 7:00 passes midnight; equal ends, or one that is missing, are no quiet hours.
    """
    if start is None or end is None or start == end:
        return None
    clock = now.time()
    within = start <= clock < end if start < end else clock >= start or clock < end
    if not within:
        return None
    day = now.date() if clock < end else now.date() + timedelta(days=1)
    return datetime.combine(day, end, tzinfo=now.tzinfo)
