"""Local hours, days, weeks, months and years on the UTC time line. Pure.

The UTC quarter-hour is the truth; a day is what lies in [local midnight, next local midnight), so it has 92, 96 or
100 quarters in most of Europe, and longer periods are whole days. Every instant given or returned is aware, and those
returned are UTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

QUARTER_S = 900
QUARTER = timedelta(seconds=QUARTER_S)
DAY = timedelta(days=1)


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
    return quarters_between(*day_bounds(day, zone))


def quarters_between(start: datetime, end: datetime) -> list[datetime]:
    """The starts of the whole quarters from `start` on that end by `end`, in order; UTC where `start` is."""
    return [start + i * QUARTER for i in range((end - start) // QUARTER)]


class Season(StrEnum):
    """Which of two hours of the same name: clocks are set back from summer to winter time, so summer comes first."""

    SUMMER = "summer"
    WINTER = "winter"


@dataclass(frozen=True, slots=True)
class Hour:
    """What a clock on the wall calls one hour; `season` only where it calls two of them alike.

    Shorter than 60 minutes where clocks change inside it: half an hour on Lord Howe Island.
    """

    start: datetime
    end: datetime
    label: str  # "02:00"; "02:30" where clocks jumped to half past
    season: Season | None


def hours(day: date, zone: tzinfo) -> list[Hour]:
    """The hours of a local day: 23, 24 or 25 of them in most of Europe. Each begins and ends on a UTC quarter."""
    starts: list[tuple[datetime, datetime]] = []
    for quarter in quarters(day, zone):
        local = quarter.astimezone(zone)
        if not starts or local.minute == 0 or local.utcoffset() != starts[-1][1].utcoffset():
            starts.append((quarter, local))
    ends = [start for start, _local in starts[1:]] + [midnight(day + DAY, zone)]
    return [Hour(start, end, f"{local:%H:%M}", season(local)) for (start, local), end in zip(starts, ends, strict=True)]


def season(local: datetime) -> Season | None:
    """Of an aware local time that the wall clock shows twice; None where it does so once."""
    if local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset():
        return None
    return Season.WINTER if local.fold else Season.SUMMER


class Span(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A local day, ISO week (from Monday), month or year; made by `Period.of`. `first` is its first day."""

    span: Span
    first: date

    @classmethod
    def of(cls, span: Span, day: date) -> Period:
        """The period that holds this day."""
        if span is Span.WEEK:
            return cls(span, day - timedelta(days=day.weekday()))
        if span is Span.MONTH:
            return cls(span, day.replace(day=1))
        return cls(span, day.replace(month=1, day=1) if span is Span.YEAR else day)

    @property
    def until(self) -> date:
        """The day after its last."""
        if self.span is Span.DAY:
            return self.first + DAY
        if self.span is Span.WEEK:
            return self.first + 7 * DAY
        # The first of a month plus 31 days lies in the next month, the first of a year plus 366 in the next year.
        return Period.of(self.span, self.first + (31 if self.span is Span.MONTH else 366) * DAY).first

    @property
    def following(self) -> Period:
        return Period(self.span, self.until)

    @property
    def previous(self) -> Period:
        return Period.of(self.span, self.first - DAY)

    @property
    def days(self) -> list[date]:
        return [self.first + i * DAY for i in range((self.until - self.first).days)]

    @property
    def label(self) -> str:
        """As ISO 8601 writes it: 2026-10-25, 2026-W43, 2026-10, 2026."""
        if self.span is Span.WEEK:
            year, week, _weekday = self.first.isocalendar()
            return f"{year:04}-W{week:02}"
        return self.first.isoformat()[: {Span.DAY: 10, Span.MONTH: 7, Span.YEAR: 4}[self.span]]

    def bounds(self, zone: tzinfo) -> tuple[datetime, datetime]:
        return midnight(self.first, zone), midnight(self.until, zone)

    def quarters(self, zone: tzinfo) -> list[datetime]:
        return quarters_between(*self.bounds(zone))


def periods(span: Span, since: date, until: date) -> Iterator[Period]:
    """Every period with a day in [since, until), in order; the first and the last may reach beyond."""
    period = Period.of(span, since)
    while period.first < until:
        yield period
        period = period.following


@dataclass(frozen=True, slots=True)
class Parts:
    """A range as whole local days with the quarters before and after: [start, end) each, empty where both are equal.

    Without a whole day everything is in `head`.
    """

    head: tuple[datetime, datetime]
    days: tuple[date, date]
    tail: tuple[datetime, datetime]

    @property
    def quarters(self) -> list[datetime]:
        """The starts of the quarters at both edges: fewer than two days of them, whatever the length of the range."""
        return quarters_between(*self.head) + quarters_between(*self.tail)


def split(start: datetime, end: datetime, zone: tzinfo) -> Parts:
    """A range that begins and ends on UTC quarters, in the parts that its totals are added up from.

    Raises ValueError where it does not, or ends before it begins. The days of `days` are summed as they are stored,
    those that the calendar left out among them (they have none).
    """
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    if end < start:
        raise ValueError(f"The range ends at {end:%Y-%m-%d %H:%M} UTC, before it begins at {start:%Y-%m-%d %H:%M} UTC.")
    for edge in (start, end):
        if quarter_start(edge) != edge:
            raise ValueError(f"{edge:%Y-%m-%d %H:%M:%S} UTC is not on a quarter of an hour.")
    first, until = local_day(start, zone), local_day(end, zone)
    if midnight(first, zone) < start:
        first += DAY
    morning = midnight(first, zone)
    if first >= until or morning >= end:
        return Parts((start, end), (first, first), (end, end))
    return Parts((start, morning), (first, until), (midnight(until, zone), end))
