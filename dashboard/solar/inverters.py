"""The inverters: state in words, power, energy, how quickly they answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from django.utils.translation import gettext as _

from dashboard import ages, figures
from dashboard.figures import local_time
from dashboard.solar.states import Told
from dashboard.texts import say
from energysite import place, sun
from energysite.models import House
from energysite.text import plain
from meters.models import Source
from meters.totals.total import Total
from solar.models import Inverter
from solar.production import Condition

# Nothing heard of an agent for this many of its periods, and the minute between two copies of its state: nobody asks it any more.
SILENT_PERIODS, SILENT_S = 3, 90


@dataclass(frozen=True, slots=True)
class Row:
    """One inverter. `condition`: as its last frame has it; `code`: idle, well, warn or bad; `made_wh`: of the period that is shown.

    `base_wh`: where the device's counter stood when the period began, so that the page can count on. What is not known is None.
    """

    inverter: Inverter
    condition: str
    code: str
    words: str
    trouble: str
    power_w: int | None
    made_wh: int | None
    base_wh: int | None
    total_wh: int | None
    battery: str
    has_battery: bool
    response_ms: int | None
    answered: str
    answered_at: float | None


def sources(inverters: Sequence[Inverter]) -> dict[int, list[Source]]:
    """Inverter id -> what counts its production. The inverters come with their counters and sources prefetched."""
    return {
        inverter.pk: [counter.source for counter in inverter.counters.all() if counter.source.kind == Source.Kind.PRODUCTION]
        for inverter in inverters
    }


def rows(inverters: Sequence[Inverter], made: Mapping[int, Total], told: Told, house: House, now: datetime, zone: tzinfo) -> list[Row]:
    """`made`: what each source counted in the period, by its id."""
    counting = sources(inverters)
    return [
        _row(inverter, [made[source.pk] for source in counting[inverter.pk] if source.pk in made], told, house, now, zone)
        for inverter in inverters
    ]


def _row(inverter: Inverter, totals: Sequence[Total], told: Told, house: House, now: datetime, zone: tzinfo) -> Row:
    state, epoch = told.states[inverter.name], now.timestamp()
    frame, last = told.fresh(inverter, epoch), told.frames.get(inverter.name, {})
    made = _made(totals)
    code, words, trouble = condition(inverter, state, house, now, zone)
    total = last.get("total_wh")
    answered_at = state.get("last_success")
    return Row(
        inverter=inverter,
        condition=last.get("condition", ""),
        code=code,
        words=words,
        trouble=trouble,
        power_w=frame.get("power_w"),
        made_wh=made,
        base_wh=total - made if total is not None and made is not None else None,
        total_wh=total,
        battery=battery(frame),
        has_battery=any(counter.source.kind == Source.Kind.BATTERY for counter in inverter.counters.all()) or "battery_w" in last,
        response_ms=state.get("response_ms"),
        answered=say("ago", age=ages.length(epoch - answered_at)) if answered_at else "",
        answered_at=answered_at,
    )


def _made(totals: Sequence[Total]) -> int | None:
    """Of all units; None where none has counted anything, or one of them is not known."""
    values = [total.named.get("production_wh") for total in totals]
    known = [value for value in values if value is not None]
    return None if not known or any(total.unknown for total in totals) else sum(known)


def condition(inverter: Inverter, state: Mapping[str, Any], house: House, now: datetime, zone: tzinfo) -> tuple[str, str, str]:
    """(code for its colour, words, what is wrong)."""
    if not inverter.enabled:
        return "idle", _("switched off"), ""
    if not state:
        return "idle", _("not read yet"), ""
    error, last = plain(str(state.get("error") or "")), state.get("last_success")
    heard = state.get("at") or last or 0.0
    if now.timestamp() - heard > SILENT_PERIODS * inverter.period_s + SILENT_S:
        return (
            "warn",
            _("nobody asks it since %(time)s") % {"time": _clock(heard, now, zone)},
            error or _("Does the worker run? See Health."),
        )
    if state.get("status") == "error":
        return "bad", _("not known since %(time)s") % {"time": _clock(last, now, zone)} if last else _("has not answered yet"), error
    match state.get("condition") or state.get("status"):
        case Condition.ASLEEP:
            return "idle", asleep(house, now, zone), ""
        case Condition.STANDBY:
            return "idle", _("on standby"), error
        case Condition.STARTING:
            return "well", _("starting"), error
        case Condition.FAULT:
            return "bad", _("reports a fault"), error or (_("Its code: %(code)s.") % {"code": state["code"]} if state.get("code") else "")
    return "well", _("producing"), error


def asleep(house: House, now: datetime, zone: tzinfo) -> str:
    here = place.of(house)
    dawn = sun.dawn_after(here, now.timestamp()) if here is not None else None
    return _("asleep") if dawn is None else _("asleep until about %(time)s") % {"time": local_time(dawn, zone)}


def battery(frame: Mapping[str, Any]) -> str:
    """Power and charge in words."""
    battery_w, percent = frame.get("battery_w"), frame.get("battery_pct")
    parts = []
    if battery_w is not None:
        name = "battery_gives" if battery_w > 0 else "battery_takes" if battery_w < 0 else "battery_rests"
        parts.append(say(name, kw=figures.kw(battery_w)))
    if percent is not None:
        parts.append(f"{figures.decimals(percent, 0)} %")
    return ", ".join(parts) or figures.ABSENT


def _clock(epoch: float, now: datetime, zone: tzinfo) -> str:
    """14:02 today, else with its date."""
    same = datetime.fromtimestamp(epoch, zone).date() == now.astimezone(zone).date()
    return local_time(epoch, zone, "%H:%M" if same else "%Y-%m-%d %H:%M")
