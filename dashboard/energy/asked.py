"""Which period a visitor asked for, and the addresses of those around it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from dashboard import days
from energysite.timegrid import Period, Span

T = TypeVar("T", bound=StrEnum)


class Grain(StrEnum):
    QUARTER = "quarter"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


# What each kind of period is shown by; the first where nothing is asked.
GRAINS: dict[Span, tuple[Grain, ...]] = {
    Span.DAY: (Grain.HOUR, Grain.QUARTER),
    Span.WEEK: (Grain.DAY,),
    Span.MONTH: (Grain.DAY,),
    Span.YEAR: (Grain.MONTH,),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """`date` lies in the period that is shown; today where that is the current one. `meter` "": the first."""

    span: Span
    date: dt.date
    today: dt.date
    grain: Grain
    compare: bool = False
    meter: str = ""

    @property
    def period(self) -> Period:
        return Period.of(self.span, self.date)

    @property
    def is_current(self) -> bool:
        return self.period == Period.of(self.span, self.today)

    def query(self) -> str:
        """The address of this choice, "" for the plainest one. The current period has no date: a page left open goes on with it."""
        chosen = {
            "date": "" if self.is_current else self.date.isoformat(),
            "span": "" if self.span is Span.DAY else self.span.value,
            "by": "" if self.grain is GRAINS[self.span][0] else self.grain.value,
            "compare": "before" if self.compare else "",
            "meter": self.meter,
        }
        return urlencode({name: value for name, value in chosen.items() if value})

    def of_span(self, span: Span) -> Asked:
        """Another kind of period that holds the same day."""
        return replace(self, span=span, grain=GRAINS[span][0])

    def at(self, period: Period) -> Asked:
        """The same kind of period at another time."""
        here = Period.of(self.span, self.today)
        return replace(self, date=self.today if period == here else period.first)

    def previous(self, first: dt.date | None) -> Asked | None:
        """None where nothing was measured before; `first`: the first day with anything, None where that is unknown."""
        period = self.period.previous
        if period.until <= days.OLDEST or (first is not None and period.until <= first):
            return None
        return self.at(period)

    def following(self) -> Asked | None:
        """None where the period has not begun."""
        period = self.period.following
        return None if period.first > self.today else self.at(period)


def asked(query: Mapping[str, str], today: dt.date) -> Asked:
    """Raises days.NoSuchDay, with a sentence, for what cannot be shown."""
    span = _choice(query.get("span", ""), Span.DAY, tuple(Span))
    grain = _choice(query.get("by", ""), GRAINS[span][0], GRAINS[span])
    day = days.requested(query.get("date", ""), today)
    if Period.of(span, day).first > today:
        day = today
    return Asked(span, day, today, grain, query.get("compare", "") == "before", query.get("meter", ""))


def _choice(text: str, usual: T, possible: tuple[T, ...]) -> T:
    found = next((one for one in possible if one.value == text), None)
    if found is not None or not text:
        return found or usual
    words = ", ".join(one.value for one in possible)
    raise days.NoSuchDay(_("“%(text)s” cannot be shown here. Choose from %(words)s.") % {"text": text[:20], "words": words})
