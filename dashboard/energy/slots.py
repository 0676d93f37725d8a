"""The bars of a period: which stretch of time each is, and what it is called."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from django.utils import formats
from django.utils.translation import pgettext

from dashboard.energy.asked import Asked, Grain
from dashboard.texts import say
from energysite import timegrid
from energysite.timegrid import Period, Season, Span


@dataclass(frozen=True, slots=True)
class Slot:
    """[start, end). `axis`: below the bar; `name`: in a table or sentence; `until`: how a stretch that ends with it does.
    `place`: what the same bar of another period has too.

    `row`: 0, or the line of its own below the axis that an hour has whose name occurs twice. `deeper`: the day or month that it is.
    """

    start: datetime
    end: datetime
    axis: str
    name: str
    until: str
    place: str
    row: int = 0
    deeper: Period | None = None


def slots(asked: Asked, zone: tzinfo) -> list[Slot]:
    period = asked.period
    if asked.grain is Grain.HOUR:
        return [_clock_slot(hour.start, hour.end, zone) for hour in timegrid.hours(period.first, zone)]
    if asked.grain is Grain.QUARTER:
        return [_clock_slot(start, start + timegrid.QUARTER, zone) for start in timegrid.quarters(period.first, zone)]
    if asked.grain is Grain.MONTH:
        return [_month(month, zone) for month in timegrid.periods(Span.MONTH, period.first, period.until)]
    return [slot for day in period.days if (slot := _day(day, period.span, zone)).start < slot.end]


def _clock_slot(start: datetime, end: datetime, zone: tzinfo) -> Slot:
    """Both 02:00 hours of October are named after their season; the later end of the first is 03:00 on the same clock."""
    local = start.astimezone(zone)
    wall = local.replace(tzinfo=None, fold=0)
    begin, until = f"{wall:%H:%M}", f"{wall + (end - start):%H:%M}"
    season = timegrid.season(local)
    return Slot(
        start,
        end,
        axis=of_season(begin, season),
        name=of_season(f"{begin}–{until}", season),
        until=of_season(until, season),
        place="" if season is Season.WINTER else begin,
        row=0 if season is None else 1 if season is Season.SUMMER else 2,
    )


def of_season(time: str, season: Season | None) -> str:
    if season is None:
        return time
    return say("summer_time" if season is Season.SUMMER else "winter_time", time=time)


def _day(day: date, span: Span, zone: tzinfo) -> Slot:
    start, end = timegrid.day_bounds(day, zone)
    week = span is Span.WEEK
    name = day_name(day)
    return Slot(
        start,
        end,
        axis=formats.date_format(day, pgettext("date format", "D j") if week else "j"),
        name=name,
        until=name,
        place=str(day.weekday() if week else day.day),
        deeper=Period.of(Span.DAY, day),
    )


def _month(month: Period, zone: tzinfo) -> Slot:
    start, end = month.bounds(zone)
    name = formats.date_format(month.first, pgettext("date format", "F Y"))
    return Slot(
        start,
        end,
        axis=formats.date_format(month.first, "M"),
        name=name,
        until=name,
        place=str(month.first.month),
        deeper=month,
    )


def day_name(day: date) -> str:
    return formats.date_format(day, pgettext("date format", "D j F"))


def long_date(day: date) -> str:
    return formats.date_format(day, pgettext("date format", "j F Y"))


def title(period: Period) -> str:
    """The period as a heading."""
    if period.span is Span.DAY:
        return formats.date_format(period.first, pgettext("date format", "l j F Y"))
    if period.span is Span.MONTH:
        return formats.date_format(period.first, pgettext("date format", "F Y"))
    if period.span is Span.YEAR:
        return formats.date_format(period.first, "Y")
    last = period.until - timedelta(days=1)
    if period.first.year != last.year:
        begin = pgettext("date format", "j F Y")
    elif period.first.month != last.month:
        begin = pgettext("date format", "j F")
    else:
        begin = pgettext("date format", "j")
    return f"{formats.date_format(period.first, begin)} – {long_date(last)}"
