"""Local days on the UTC time line. Pure.

The UTC quarter-hour is the truth; a day is what lies in [local midnight, next local midnight), so it has 92, 96 or
100 quarters in most of Europe. Every instant given or returned is aware, and those returned are UTC.
"""

from datetime import UTC, date, datetime, time, timedelta, tzinfo

QUARTER_S = 900
QUARTER = timedelta(seconds=QUARTER_S)


def is_valid(local: datetime, zone: tzinfo) -> bool:
    """False for a wall-clock time (naive) that the zone's clocks jump over."""
    there = local.replace(tzinfo=zone)
    return there.astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0) == local.replace(fold=0)


def midnight(day: date, zone: tzinfo) -> datetime:
    """The first instant of a local day.

    00:00, the first of the two where the clock passes it twice; where clocks jump over it (some zones change at
    midnight, Samoa left out a whole day in 2011) the instant of the jump.
    """
    local = datetime.combine(day, time.min)
    if is_valid(local, zone):
        return local.replace(tzinfo=zone).astimezone(UTC)
    # In a gap fold=1 reads the clock of after the jump, fold=0 that of before: the jump lies between the two.
    before = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    after = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


def day_bounds(day: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """(start, end) of a local day; equal for a day that the zone's calendar left out."""
    return midnight(day, zone), midnight(day + timedelta(days=1), zone)


def local_day(instant: datetime, zone: tzinfo) -> date:
    return instant.astimezone(zone).date()


def quarter_start(instant: datetime) -> datetime:
    """The start of the UTC quarter-hour that holds this instant."""
    epoch = int(instant.timestamp())
    return datetime.fromtimestamp(epoch - epoch % QUARTER_S, UTC)


def quarters(day: date, zone: tzinfo) -> list[datetime]:
    """The starts of the quarters of a local day, in order."""
    start, end = day_bounds(day, zone)
    return [start + i * QUARTER for i in range((end - start) // QUARTER)]
