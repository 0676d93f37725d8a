"""The page "/energy/", its data as JSON for the charts, and the same as a CSV file."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
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
from dashboard.energy import csv_file, json_data, links, words
from dashboard.energy.asked import Asked, asked
from dashboard.energy.charts import Chart, charts
from dashboard.energy.numbers import Picture, picture
from dashboard.energy.slots import long_date, title
from dashboard.energy.sources import choices, feeding, known
from dashboard.totals import register_words
from energysite import house, timegrid
from energysite.database import DatabaseAway
from energysite.database import asked as database_asked
from energysite.permissions import allows, requires


@require_safe
@requires("pages.view")
def page(request: HttpRequest) -> HttpResponse:
    """`?date=YYYY-MM-DD&span=day|week|month|year&by=hour|quarter&compare=before&meter=NAME`; a period to come leads to the current one."""
    wanted = _asked(request)
    try:
        names, shown, wanted = _look(wanted)
    except DatabaseAway:
        return render(request, "energy.html", _frame(wanted, None) | {"database": "away", "problems": [_away()]})
    context = _frame(wanted, shown) | {"database": "ok", "meters": links.meters(wanted, names)}
    if shown is not None:
        context |= _numbers(wanted, shown, names)
        context["may_export"] = allows(request.actor, "readings.export")  # type: ignore[attr-defined]
    return render(request, "energy.html", context)


def _away() -> str:
    return _("Live works; history is kept on disk and returns.")


def _frame(wanted: Asked, shown: Picture | None) -> dict[str, Any]:
    """What the page has whatever there is to show."""
    first = timegrid.local_day(shown.first, _zone()) if shown is not None and shown.first is not None else None
    began = first if first is not None and wanted.period.first < first < wanted.period.until else None
    return {
        "asked": wanted,
        "title": title(wanted.period),
        "strip": links.strip(wanted, first),
        "first": long_date(first) if first is not None else "",
        "counts_from": long_date(began) if began is not None else "",
    }


def _numbers(wanted: Asked, shown: Picture, names: list[str]) -> dict[str, Any]:
    registers = register_words(wanted.meter or names[0])
    return {
        "totals": words.totals(shown, registers),
        "coverage": words.coverage(shown),
        "charts": [_card(chart, shown, wanted) for chart in charts(shown, registers)],
        "config": {"dataUrl": links.address(wanted, "energy-data"), "chartUrl": static("build/chart.js")},
    }


def _card(chart: Chart, shown: Picture, wanted: Asked) -> dict[str, Any]:
    cells = chart.column.cells
    return {
        "key": chart.key,
        "title": chart.title,
        "sentence": words.sentence(chart, shown),
        "lines": chart.lines,
        "before": chart.before,
        "missing": any(shown.missing(place, chart.column) for place in range(len(cells))),
        "recovered": any(cell.recovered for cell in cells),
        "corrected": any(cell.corrected for cell in cells),
        "table": words.table(chart, shown, partial(links.deeper, wanted)),
    }


@require_safe
@requires("pages.view")
def data(request: HttpRequest) -> HttpResponse:
    """The page's charts, for the same address parameters."""
    try:
        names, shown, wanted = _look(asked(request.GET, _today()))
    except days.NoSuchDay as error:
        return data_views.refused(str(error), 400)
    except DatabaseAway:
        return data_views.database_away()
    if shown is None:
        return data_views.answer_json({"axis": [], "names": [], "charts": []}, 200)
    bars = charts(shown, register_words(wanted.meter or names[0]))
    return data_views.answer_json(json_data.of(shown, bars, partial(links.deeper, wanted)), 200)


@require_safe
@requires("readings.export")
def csv(request: HttpRequest) -> HttpResponse:
    _names, shown, wanted = _look(replace(_asked(request), compare=False))
    response = HttpResponse(csv_file.of(shown, _zone()), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="energy-{wanted.period.label}.csv"'
    return response


def _asked(request: HttpRequest) -> Asked:
    try:
        return asked(request.GET, _today())
    except days.NoSuchDay as error:
        raise Http404(str(error)) from None


def _zone() -> ZoneInfo:
    return ZoneInfo(house.current().zone)


def _today() -> date:
    return timegrid.local_day(timezone.now(), _zone())


def _look(wanted: Asked) -> tuple[list[str], Picture | None, Asked]:
    """The meters there are, and what the one that was asked for counted: None where there is none. Raises DatabaseAway."""
    with database_asked():
        found = choices(known())
        if not found:
            return [], None, wanted
        names = list(found)
        wanted = replace(wanted, meter=wanted.meter if wanted.meter in names[1:] else "")
        shown = picture(wanted, found[wanted.meter or names[0]], _zone(), timezone.now(), whole=feeding(found) <= 1)
        return names, shown, wanted
