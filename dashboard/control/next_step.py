"""What a controller does next, and what it waits for."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.utils.translation import gettext as _

from control.models import Controller, Departure
from dashboard import ages, figures
from dashboard.control.abnormal import clock
from dashboard.control.facts import Facts, One
from energysite import timegrid

WEEK = 7


def of(one: One, facts: Facts) -> str:
    """One sentence; empty where nothing comes by itself."""
    controller = one.controller
    if not controller.enabled or one.held.get("locked") or one.held.get("paused"):
        return ""
    if one.override is not None:
        return _("Then it decides by itself again.")
    if (waits := _waits(one, facts)) is not None:
        return waits
    if one.state.get("rule") == "fresh":
        return _("It decides again as soon as the meter's data are fresh.")
    if controller.mode != Controller.Mode.AUTO:
        return _("It stays so until somebody chooses another mode.")
    return _of_strategy(one, facts)


def _waits(one: One, facts: Facts) -> str | None:
    until = one.state.get("next_at")
    if until is None or until <= facts.epoch:
        return None
    words = {"age": ages.length(until - facts.epoch), "time": clock(until, facts)}
    return _("It looks again at %(time)s, in %(age)s.") % words


def _of_strategy(one: One, facts: Facts) -> str:
    controller, runs = one.controller, bool(one.level)
    match controller.strategy:
        case Controller.Strategy.THRESHOLD:
            if runs:
                return _("Off when the mean surplus falls below %(w)s W.") % {"w": controller.upper_w - controller.deadband_w}
            return _("On when the mean surplus reaches %(w)s W.") % {"w": controller.upper_w}
        case Controller.Strategy.BUDGET:
            return _("Off when it has borrowed too much from the grid.") if runs else _("On when enough sun has been given away.")
        case Controller.Strategy.PLAN:
            return _departure(controller, facts)
        case Controller.Strategy.WINDOW:
            return _window(controller, facts)
    return ""


def _departure(controller: Controller, facts: Facts) -> str:
    found = next_departure(list(controller.departures.all()), facts)
    if found is None:
        return _("No departure is planned: it takes the sun only.")
    departure, at = found
    words = {"kwh": figures.tenths(departure.kwh), "day": departure.get_day_display(), "time": f"{at:%H:%M}"}
    return _("%(kwh)s kWh by %(day)s %(time)s.") % words


def next_departure(departures: list[Departure], facts: Facts) -> tuple[Departure, datetime] | None:
    """The first to come, and when that is."""
    today = timegrid.local_day(facts.at, facts.zone)
    coming = []
    for departure in departures:
        ahead = (departure.day - today.isoweekday()) % WEEK
        for days in (ahead, ahead + WEEK):
            at = datetime.combine(today + timedelta(days=days), departure.by, facts.zone)
            if at > facts.at:
                coming.append((at, departure.pk, departure))
                break
    if not coming:
        return None
    at, _pk, departure = min(coming)
    return departure, at


def _window(controller: Controller, facts: Facts) -> str:
    begin, end = controller.window_from, controller.window_to
    if begin is None or end is None:
        return ""
    now = facts.at.astimezone(facts.zone)
    if _inside(begin, end, now.time()):
        return _("Its hours end at %(time)s.") % {"time": f"{end:%H:%M}"}
    return _("Its hours begin at %(time)s.") % {"time": f"{begin:%H:%M}"}


def _inside(begin: time, end: time, now: time) -> bool:
    return begin <= now < end if begin <= end else now >= begin or now < end
