"""The page "/solar/", and its charts as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from dashboard import data_views, days
from dashboard.energy import links
from dashboard.energy.asked import Asked, asked
from dashboard.energy.numbers import first_block
from dashboard.energy.slots import Slot, long_date, title
from dashboard.energy.sources import known
from dashboard.solar import foretold, inverters, score, signals, sky, split, split_bars, states
from energysite import house, place, timegrid
from energysite.database import DatabaseAway
from energysite.database import asked as database_asked
from energysite.models import House
from energysite.permissions import allows, requires
from energysite.timegrid import Span
from meters.models import AnalogInput, Source
from meters.totals import totals
from solar.models import Inverter, RoofPlane, Weather


@dataclass(frozen=True, slots=True)
class Asking:
    """What was asked for, and when."""

    wanted: Asked
    now: datetime
    house: House

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.house.zone)


@require_safe
@requires("pages.view")
def page(request: HttpRequest) -> HttpResponse:
    """`?date=YYYY-MM-DD&span=day|week|month|year`; a period to come leads to the current one."""
    try:
        asking = _asking(request.GET)
    except days.NoSuchDay as error:
        raise Http404(str(error)) from None
    try:
        with database_asked():
            context = _frame(asking) | _cards(asking)
    except DatabaseAway:
        context = _frame(asking) | {"database": "away", "problems": [_("Live works; history is kept on disk and returns.")]}
    context["may_configure"] = allows(request.actor, "agents.configure")  # type: ignore[attr-defined]
    return render(request, "solar.html", context)


@require_safe
@requires("pages.view")
def data(request: HttpRequest) -> HttpResponse:
    """The page's charts, for the same address parameters."""
    try:
        asking = _asking(request.GET)
        with database_asked():
            answer = _charts(asking)
    except days.NoSuchDay as error:
        return data_views.refused(str(error), 400)
    except DatabaseAway:
        return data_views.database_away()
    return data_views.answer_json(answer, 200)


def _asking(query: Mapping[str, str]) -> Asking:
    """Raises days.NoSuchDay."""
    now, here = timezone.now(), house.current()
    given = {name: query.get(name, "") for name in ("date", "span")}
    return Asking(asked(given, timegrid.local_day(now, ZoneInfo(here.zone))), now, here)


def _frame(asking: Asking) -> dict[str, Any]:
    wanted = asking.wanted
    return {
        "asked": wanted,
        "title": title(wanted.period),
        "is_day": wanted.span is Span.DAY,
        "strip": links.strip(wanted, None, "solar"),
        "database": "ok",
        "config": {"dataUrl": links.address(wanted, "solar-data"), "chartUrl": static("build/chart.js")},
    }


def _cards(asking: Asking) -> dict[str, Any]:
    wanted = asking.wanted
    every = list(Inverter.objects.select_related("state").prefetch_related("counters__source").order_by("-enabled", "name"))
    services = list(Weather.objects.select_related("state").order_by("-enabled", "name"))
    inputs = list(AnalogInput.objects.select_related("state", "source").order_by("name"))
    told = states.told([*every, *services, *inputs])
    counting = [source for some in inverters.sources(every).values() for source in some]
    sources = known()
    first = _first_day(asking, sources)
    return {
        "strip": links.strip(wanted, first, "solar"),
        "first": long_date(first) if first is not None else "",
        "inverters": _inverters(asking, every, _made(asking, counting), told),
        "has_inverter": bool(every),
        "skies": sky.skies([one for one in services if one.enabled], told, asking.now, asking.zone) if wanted.is_current else [],
        "signals": _signals(asking, inputs, told),
        "score": score.of_period(wanted.period),
        **_split(asking, sources),
        **_foretold(asking, services),
    }


def _inverters(asking: Asking, known: list[Inverter], made: dict[int, totals.Total], told: states.Told) -> list[inverters.Row]:
    """All there are; of a period that is over those that made something in it."""
    rows = inverters.rows(known, made, told, asking.house, asking.now, asking.zone)
    return rows if asking.wanted.is_current else [row for row in rows if row.made_wh is not None]


def _first_day(asking: Asking, sources: list[Source]) -> date | None:
    first = first_block([source for source in sources if source.kind == Source.Kind.PRODUCTION])
    return timegrid.local_day(first, asking.zone) if first is not None else None


def _made(asking: Asking, sources: list[Source]) -> dict[int, totals.Total]:
    """What each source counted in the period."""
    if not sources:
        return {}
    period = asking.wanted.period
    found = totals.periods(sources, period.span, period.first, period.until, zone=asking.zone, now=asking.now)[period]
    return {total.source.pk: total for total in found}


def _split(asking: Asking, sources: list[Source]) -> dict[str, Any]:
    found = split.of(asking.house, sources, asking.wanted, asking.now)
    if found is None:
        return {}
    heads, rows = split_bars.table(found, _deeper(asking))
    return {
        "split": found,
        "split_sentence": split.sentence(found),
        "split_note": split.note(found),
        "split_heads": heads,
        "split_rows": rows,
    }


def _deeper(asking: Asking) -> Callable[[Slot], str | None]:
    return partial(links.deeper, asking.wanted, view="solar")


def _signals(asking: Asking, inputs: list[AnalogInput], told: states.Told) -> list[dict[str, Any]]:
    if asking.wanted.span is not Span.DAY or not inputs:
        return []
    found = signals.of_day(inputs, told, asking.wanted.date, asking.now, asking.zone)
    return [{"one": one, "text": signals.value(one), "sentence": signals.sentence(one), "table": signals.table(one)} for one in found]


def _foretold(asking: Asking, services: list[Weather]) -> dict[str, Any]:
    """The forecast of the day that is shown, or what it lacks."""
    if asking.wanted.span is not Span.DAY:
        return {}
    found = foretold.of_day(asking.wanted.date, asking.now, asking.zone)
    if found is not None:
        return {"foretold": found, "foretold_sentence": foretold.sentence(found), "foretold_table": foretold.table(found)}
    if not asking.wanted.is_current:
        return {}
    return {
        "lacks": {
            "roof": not RoofPlane.objects.exists(),
            "weather": not any(one.enabled for one in services),
            "place": (here := place.of(asking.house)) is None or not here.exact,
        }
    }


def _charts(asking: Asking) -> dict[str, Any]:
    """`curves` by the key of their card; the rest as the energy page has it."""
    found = split.of(asking.house, known(), asking.wanted, asking.now)
    answer: dict[str, Any] = {"charts": []} if found is None else split_bars.chart(found, _deeper(asking))
    return answer | {"curves": _curves(asking) if asking.wanted.span is Span.DAY else {}}


def _curves(asking: Asking) -> dict[str, Any]:
    day, now, zone = asking.wanted.date, asking.now, asking.zone
    curves = {}
    found = foretold.of_day(day, now, zone)
    if found is not None:
        curves["foretold"] = foretold.curve(found).plain
    inputs = list(AnalogInput.objects.select_related("state", "source").order_by("name"))
    for signal in signals.of_day(inputs, states.told(inputs), day, now, zone):
        curves[signal.key] = signals.curve(signal).plain
    return curves
