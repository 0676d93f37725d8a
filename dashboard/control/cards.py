"""A controller as its card shows it: what it does, why, what comes next, and what it did today."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from control.models import Controller, Override
from control.words import sentence
from dashboard import figures
from dashboard.control import abnormal, next_step
from dashboard.control.abnormal import Line, clock
from dashboard.control.facts import Facts, One
from energysite.text import plain

# Codes of `control.words` that end when a person releases the output.
LOCKED = ("overload", "stuck", "locked", "paused")
ON, OFF, UNKNOWN = "on", "off", "unknown"


@dataclass(frozen=True, slots=True)
class Today:
    """`energy_wh`: what the load used. `solar_pct`: the sun's share of what it used."""

    switches: int
    budget: int
    energy_wh: float
    solar_pct: int | None


@dataclass(frozen=True, slots=True)
class Card:
    """`state`: on, off or unknown, of the device itself; `word` says it. `said_at`: since when the reason holds, epoch."""

    one: One
    key: str
    state: str
    word: str
    dry: str
    power_w: int | None
    reason: str
    since: str
    next_step: str
    override: str
    lines: list[Line]
    today: Today
    offers_blind: bool

    @property
    def releases(self) -> bool:
        """The rules locked it, and no other line offers to release it."""
        return self.one.state.get("code") in LOCKED and not any(line.release for line in self.lines)

    @property
    def controller(self) -> Controller:
        return self.one.controller

    @property
    def code(self) -> str:
        """For the colour of its mark."""
        worst = [line.code for line in self.lines if line.code != abnormal.IDLE]
        return worst[0] if worst else "well" if self.state == ON else "idle"


def card(one: One, facts: Facts) -> Card:
    level = one.level if facts.valkey and one.held.get("reachable", True) else None
    state = UNKNOWN if level is None else ON if level > 0 else OFF
    decided = _decided(one)
    reason, since = _reason(one, facts)
    return Card(
        one=one,
        key=slug(one.controller),
        state=state,
        word={ON: _("On"), OFF: _("Off"), UNKNOWN: _("Not known")}[state],
        dry=abnormal.would(one.controller, decided) if one.controller.enabled else "",
        power_w=_power(one) if state != UNKNOWN else None,
        reason=reason,
        since=since,
        next_step=next_step.of(one, facts),
        override=_override(one.override, facts),
        lines=abnormal.of_one(one, facts),
        today=_today(one),
        offers_blind=not facts.meters or facts.meter_silent,
    )


def slug(controller: Controller) -> str:
    """For ids in the page: a name may hold anything."""
    return f"load-{controller.pk}"


def _power(one: One) -> int | None:
    """Nothing of what is off and draws nothing."""
    watts = one.held.get("power_w")
    return round(watts) if isinstance(watts, (int, float)) and (one.level or watts > 0) else None


def _decided(one: One) -> float | None:
    """The newest decision: told live, else the last one that was kept."""
    level = one.state.get("level")
    return level if level is not None else one.decision.level if one.decision is not None else None


def _reason(one: One, facts: Facts) -> tuple[str, str]:
    """(one sentence, since when); nothing of what another line says."""
    code = one.state.get("code")
    locked = code in LOCKED and (one.held.get("locked") or one.held.get("paused"))
    overridden = one.override is not None and one.state.get("rule") == "override"
    if not one.controller.enabled or locked or overridden:
        return "", ""
    last = one.decision
    if one.state.get("code"):
        same = last is not None and (last.code, last.level) == (one.state["code"], one.state.get("level"))
        since = _("decided at %(time)s") % {"time": clock(last.time.timestamp(), facts)} if last is not None and same else ""
        return said(one.state["code"], one.state.get("params") or {}), since
    if last is not None:
        at = clock(last.time.timestamp(), facts)
        return said(last.code, last.params), _("decided at %(time)s") % {"time": at}
    return _("It has not decided anything yet."), ""


def said(code: str, params: Mapping[str, Any]) -> str:
    """One sentence, whatever a row of long ago holds."""
    return plain(str(sentence(code, params)), 400)


def _override(override: Override | None, facts: Facts) -> str:
    if override is None:
        return ""
    words = {"by": plain(override.by), "time": clock(override.until.timestamp(), facts)}
    if override.button and override.level > 0:
        return _("Switched on at the device itself, until %(time)s") % words
    if override.button:
        return _("Switched off at the device itself, until %(time)s") % words
    return (_("On by %(by)s until %(time)s") if override.level > 0 else _("Off by %(by)s until %(time)s")) % words


def _today(one: One) -> Today:
    day, state = one.day, one.state
    energy, solar = state.get("energy_wh", day.energy_wh), state.get("solar_wh", day.solar_wh)
    return Today(one.held.get("today", day.switches), one.controller.switches_a_day, energy, share(solar, energy))


def share(part: float | None, whole: float | None) -> int | None:
    """Whole percents; None where there is no share, as of nothing."""
    return None if part is None or not whole else min(100, max(0, round(100 * part / whole)))


def share_text(percent: int | None) -> str:
    return figures.ABSENT if percent is None else _("all sun") if percent == 100 else _("%(share)s %% sun") % {"share": percent}
