"""Totals of the house as JSON objects: what `manage.py totals` prints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from energysite import timegrid
from energysite.errors import EnergyError
from energysite.timegrid import DAY, QUARTER, Period, Span
from meters.kinds import KINDS, total_name
from meters.models import Source
from meters.totals import totals
from meters.totals.total import Total

Tell = Callable[[int, int], None]  # lines done, lines in all as far as known

OLDEST = date(2008, 1, 1)  # no smart meter is older
DAYS_AT_ONCE = 7  # of quarters and hours
PERIODS_AT_ONCE = 400


class By(StrEnum):
    QUARTER = "quarter"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


# In the order of a line. Media and registers that a source has and this does not name (none today) come after.
ORDER = tuple(
    total_name(medium, register)
    for medium, kind in (
        ("electricity", "electricity"),
        ("solar", "production"),
        ("battery", "battery"),
        ("gas", "volume"),
        ("water", "volume"),
    )
    for register in KINDS[kind].registers
)


class NoSuchTotals(EnergyError):
    """The message is a sentence for a person."""


def first_date(by: By, today: date) -> date:
    """Where a list begins when nothing is said: today by quarter or hour, 30 days, 12 weeks or months, 10 years."""
    if by in (By.QUARTER, By.HOUR):
        return today
    if by is By.DAY:
        return today - 29 * DAY
    period = Period.of(Span(by), today)
    for _back in range(9 if by is By.YEAR else 11):
        period = period.previous
    return period.first


def sources_of(name: str | None) -> list[Source]:
    """All that count anything, or the one of this name. Raises NoSuchTotals with the names there are."""
    counting = [source for source in Source.objects.order_by(Lower("name")) if KINDS[source.kind].registers]
    if name is None:
        return counting
    chosen = [source for source in counting if source.name == name]
    if not chosen:
        known = ", ".join(source.name for source in counting) or _("none yet")
        raise NoSuchTotals(_("There is no source called “%(name)s” that counts. There are: %(known)s.") % {"name": name, "known": known})
    return chosen


def rows(
    by: By,
    from_date: date,
    to_date: date,
    source: str | None = None,
    *,
    zone: ZoneInfo,
    now: datetime,
    tell: Tell = lambda _done, _all: None,
) -> Iterator[dict[str, Any]]:
    """A JSON object for each quarter, hour, day ... of the local days `from_date` to `to_date`, both included, in order.

    {"start", "end" (ISO 8601, local with offset), "coverage", "recovered", "import_t1_wh", ...}; a value that is not known is absent.
    Weeks, months and years at the edges are cut to the range, so that the lines always add up to it. Sources of one medium are
    summed. Raises NoSuchTotals.
    """
    if to_date < from_date:
        raise NoSuchTotals(_("The range ends before it begins."))
    if from_date < OLDEST:
        raise NoSuchTotals(_("There is nothing before %(date)s.") % {"date": OLDEST.isoformat()})
    chosen = sources_of(source)
    days, lines = (to_date - from_date).days + 1, 0
    for after, bounds, found in _parts(by, chosen, from_date, to_date + DAY, zone, now):
        for (start, end), several in zip(bounds, found, strict=True):
            yield row(several, start, end, zone)
        lines += len(bounds)
        tell(lines, lines * days // (after - from_date).days)


Bounds = list[tuple[datetime, datetime]]
Part = tuple[date, Bounds, list[list[Total]]]  # the day after its last


def _parts(by: By, sources: Sequence[Source], since: date, until: date, zone: ZoneInfo, now: datetime) -> Iterator[Part]:
    """The range in parts, so that decades by the quarter fit into the memory."""
    if by in (By.QUARTER, By.HOUR):
        for first in (since + i * DAY for i in range(0, (until - since).days, DAYS_AT_ONCE)):
            after = min(first + DAYS_AT_ONCE * DAY, until)
            bounds = [slot for i in range((after - first).days) for slot in _slots(by, first + i * DAY, zone)]
            yield after, bounds, totals.ranges(sources, bounds, now=now, zone=zone)
        return
    span = Span(by)
    opening, closing = Period.of(span, since), Period.of(span, until - DAY)
    inner_since = since if opening.first == since else opening.until
    inner_until = until if closing.until == until else closing.first
    if inner_since > inner_until:  # within one period
        yield _cut(sources, since, until, zone, now)
        return
    if since < inner_since:
        yield _cut(sources, since, inner_since, zone, now)
    whole = list(timegrid.periods(span, inner_since, inner_until))
    for i in range(0, len(whole), PERIODS_AT_ONCE):
        part = whole[i : i + PERIODS_AT_ONCE]
        found = totals.periods(sources, span, part[0].first, part[-1].until, now=now, zone=zone)
        yield part[-1].until, [period.bounds(zone) for period in part], list(found.values())
    if inner_until < until:
        yield _cut(sources, inner_until, until, zone, now)


def _cut(sources: Sequence[Source], since: date, until: date, zone: ZoneInfo, now: datetime) -> Part:
    bounds = [(timegrid.midnight(since, zone), timegrid.midnight(until, zone))]
    return until, bounds, totals.ranges(sources, bounds, now=now, zone=zone)


def _slots(by: By, day: date, zone: ZoneInfo) -> Bounds:
    if by is By.HOUR:
        return [(hour.start, hour.end) for hour in timegrid.hours(day, zone)]
    return [(start, start + QUARTER) for start in timegrid.quarters(day, zone)]


def row(several: Iterable[Total], start: datetime, end: datetime, zone: ZoneInfo) -> dict[str, Any]:
    """One line. `coverage` is that of the least covered of the counters whose values are in it."""
    counting = [total for total in several if total.registers or total.unknown]
    values: dict[str, int] = {}
    for total in counting:
        for name, value in total.named.items():
            values[name] = values.get(name, 0) + value
    # What a register of one of them is not known of is not known of their sum.
    for total in counting:
        for register in total.unknown:
            values.pop(total_name(total.source.medium, register), None)
    return {
        "start": start.astimezone(zone).isoformat(),
        "end": end.astimezone(zone).isoformat(),
        "coverage": round(_coverage(counting), 4),
        "recovered": any(total.recovered for total in counting),
        **{name: values[name] for name in sorted(values, key=_place)},
    }


def _place(name: str) -> tuple[int, str]:
    return (ORDER.index(name) if name in ORDER else len(ORDER)), name


def _coverage(counting: Iterable[Total]) -> float:
    """Devices of one medium of one meter follow each other: their parts add up."""
    shares: dict[tuple[int | None, str, int], float] = {}
    for total in counting:
        place = (total.source.meter_id, total.source.medium, 0 if total.source.meter_id else total.source.pk)
        shares[place] = min(1.0, shares.get(place, 0.0) + total.coverage)
    return min(shares.values(), default=0.0)
