"""The addresses that the page leads to."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from urllib.parse import parse_qsl

from django.urls import reverse
from django.utils.translation import gettext as _

from dashboard.energy.asked import GRAINS, Asked, Grain
from dashboard.energy.slots import Slot
from energysite.timegrid import Period, Span


def address(asked: Asked, view: str = "energy") -> str:
    query = asked.query()
    return f"{reverse(view)}?{query}" if query else reverse(view)


def deeper(asked: Asked, slot: Slot, view: str = "energy") -> str | None:
    """The day or month that a bar stands for; None where it is no period of its own, or has not begun."""
    if slot.deeper is None or slot.deeper.first > asked.today:
        return None
    span = slot.deeper.span
    return address(replace(asked, span=span, grain=GRAINS[span][0], compare=False).at(slot.deeper), view)


def meters(asked: Asked, names: list[str]) -> list[tuple[str, str, bool]]:
    """(name, address, whether it is shown), where there is a choice."""
    if len(names) < 2:
        return []
    shown = asked.meter or names[0]
    return [(name, address(replace(asked, meter="" if name == names[0] else name)), name == shown) for name in names]


def strip(asked: Asked, first: date | None, view: str = "energy") -> dict[str, Any]:
    """The row of buttons of a page: spans, the period before and after, the current one, grains, comparison."""
    previous, following = asked.previous(first), asked.following()
    spans = {Span.DAY: _("Day"), Span.WEEK: _("Week"), Span.MONTH: _("Month"), Span.YEAR: _("Year")}
    current = {Span.DAY: _("Today"), Span.WEEK: _("This week"), Span.MONTH: _("This month"), Span.YEAR: _("This year")}
    grains = {Grain.HOUR: _("By hour"), Grain.QUARTER: _("By quarter")}
    earlier = {
        Span.DAY: _("the day before"),
        Span.WEEK: _("the week before"),
        Span.MONTH: _("the month before"),
        Span.YEAR: _("the year before"),
    }
    return {
        "spans": [(label, address(asked.of_span(span), view), span is asked.span) for span, label in spans.items()],
        "previous_url": previous and address(previous, view),
        "next_url": following and address(following, view),
        "now_url": None if asked.is_current else address(asked.at(Period.of(asked.span, asked.today)), view),
        "now_label": current[asked.span],
        "grains": [
            (grains[grain], address(replace(asked, grain=grain), view), grain is asked.grain)
            for grain in GRAINS[asked.span]
            if len(GRAINS[asked.span]) > 1
        ],
        "compare_url": address(replace(asked, compare=not asked.compare), view),
        "compare_label": _("Compare with %(period)s") % {"period": earlier[asked.span]},
        "kept": [(name, value) for name, value in parse_qsl(asked.query()) if name != "date"],
        "csv_url": address(replace(asked, compare=False), "energy-csv"),
    }
