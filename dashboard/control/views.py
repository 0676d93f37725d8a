"""The page "/control/", a controller's own page with its log and its plan, and what changes on them as JSON."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from control.models import Controller
from dashboard import data_views, days
from dashboard.control import abnormal, agent_rows, cards, facts, log, marks, plan, tile
from dashboard.control.cards import Card
from dashboard.control.facts import Facts
from dashboard.energy.slots import long_date
from energysite import house, timegrid
from energysite.database import DatabaseAway, asked
from energysite.permissions import Actor, allows, requires

# How long a person's word may stand, as the form offers it: minutes.
LENGTHS = (30, 60, 120, 240, 480, 1440)


@require_safe
@requires("pages.view")
def page(request: HttpRequest) -> HttpResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    context: dict[str, Any] = {"rights": rights(actor)}
    try:
        with asked():
            found = facts.gather(timezone.now())
            context |= _overview(found) | {"kinds": agent_rows.kinds(found.at, found.zone)}
    except DatabaseAway:
        context |= _away()
    return render(request, "control.html", context)


@require_safe
@requires("pages.view")
def load(request: HttpRequest, name: str) -> HttpResponse:
    """One controller: `?date=YYYY-MM-DD` is the day of its log."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    context: dict[str, Any] = {"rights": rights(actor), "name": name}
    try:
        day = _day(request)
        with asked():
            found = facts.gather(timezone.now(), name)
            if not found.ones:
                raise Http404(_("There is no controller of this name."))
            one = found.ones[0]
            context |= _overview(found)
            context["plan"] = plan.rows(one.controller)
            context["log"] = log.of_day(one, day, found)
            context["days"] = log.days(one.controller, found)
            context |= _pages(request, day, found)
    except days.NoSuchDay as error:
        raise Http404(str(error)) from None
    except DatabaseAway:
        context |= _away()
    return render(request, "control/load.html", context)


@require_safe
@requires("pages.view")
def data(request: HttpRequest) -> HttpResponse:
    """{"parts": {key: [mark, HTML]}}: of all controllers, of `?name=` (with `&log` its log), or with `?tile` the Now page's list.

    A mark changes with its HTML.
    """
    actor: Actor = request.actor  # type: ignore[attr-defined]
    try:
        if "tile" in request.GET:
            answer = {"tile": tile.html(timezone.now())}
        else:
            with asked():
                name = request.GET.get("name")
                found = facts.gather(timezone.now(), name)
                answer = parts(found, rights(actor))
                if name is not None and "log" in request.GET and found.ones:
                    today = timegrid.local_day(found.at, found.zone)
                    answer["log"] = render_to_string("control/log.html", {"log": log.of_day(found.ones[0], today, found)})
    except DatabaseAway:
        return data_views.database_away()
    return data_views.answer_json({"parts": {key: [marks.mark(html), html] for key, html in answer.items()}}, 200)


def rights(actor: Actor) -> dict[str, bool]:
    return {"steer": allows(actor, "control.override"), "configure": allows(actor, "agents.configure")}


def parts(found: Facts, may: dict[str, bool]) -> dict[str, str]:
    """What changes by itself, by its key, as the page holds it."""
    made: dict[str, str] = {"house": render_to_string("control/house.html", {"lines": abnormal.of_house(found)})}
    for card in (cards.card(one, found) for one in found.ones):
        context = {"card": card, "urls": addresses(card), "rights": may, "lengths": lengths(), "modes": Controller.Mode.choices}
        made[f"{card.key}-now"] = render_to_string("control/now.html", context)
        made[f"{card.key}-steer"] = render_to_string("control/steer.html", context)
    return made


def lengths() -> list[tuple[int, str, bool]]:
    """(minutes, words, whether it is proposed)."""
    words = {30: _("30 minutes"), 60: _("1 hour"), 120: _("2 hours"), 240: _("4 hours"), 480: _("8 hours"), 1440: _("24 hours")}
    return [(minutes, words[minutes], minutes == 120) for minutes in LENGTHS]


def addresses(card: Card) -> dict[str, str]:
    name = [card.controller.name]
    return {
        "load_url": reverse("control-load", args=name),
        "override_url": reverse("control-override", args=name),
        "end_url": reverse("control-override-end", args=name),
        "mode_url": reverse("control-mode", args=name),
        "release_url": reverse("control-release", args=name),
    }


def _overview(found: Facts) -> dict[str, Any]:
    shown = [cards.card(one, found) for one in found.ones]
    return {
        "database": "ok",
        "facts": found,
        "lines": abnormal.of_house(found),
        "cards": [(card, addresses(card)) for card in shown],
        "lengths": lengths(),
        "modes": Controller.Mode.choices,
    }


def _away() -> dict[str, Any]:
    problem = _("The database is away: outputs go off when nobody renews their command. Settings and logs return with it.")
    return {"database": "away", "problems": [problem]}


def _day(request: HttpRequest) -> date:
    return days.requested(request.GET.get("date", ""), timegrid.local_day(timezone.now(), ZoneInfo(house.current().zone)))


def _pages(request: HttpRequest, day: date, found: Facts) -> dict[str, Any]:
    """The days' buttons, as on the Now page."""
    today = timegrid.local_day(found.at, found.zone)
    day = min(day, today)
    return {
        "date": day,
        "title": long_date(day),
        "today": today,
        "is_today": day == today,
        "previous_url": f"?date={(day - timegrid.DAY).isoformat()}",
        "next_url": None if day == today else f"?date={(day + timegrid.DAY).isoformat()}",
        "today_url": request.path,
    }
