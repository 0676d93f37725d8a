"""What was decided on a day, with what it was made of and what was rejected, and what was really switched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _

from control.models import Controller, ControllerDay, Decision, Switch
from dashboard import ages, figures
from dashboard.control import cards
from dashboard.control.facts import Facts, One
from energysite import timegrid
from energysite.text import plain

# A quiet day has some thirty; what flaps would have hundreds.
MOST = 300
LAST_DAYS = 14


@dataclass(frozen=True, slots=True)
class Entry:
    """`kind`: decision or switch. `rejected`: (rule, word, sentence); `inputs`: (name, value)."""

    kind: str
    key: str
    at: datetime
    time: str
    on: bool
    word: str
    text: str
    rule: str = ""
    dry: bool = False
    rejected: tuple[tuple[str, str, str], ...] = ()
    inputs: tuple[tuple[str, str], ...] = ()

    @property
    def says_word(self) -> bool:
        """The sentence begins with on or off."""
        return self.text.startswith(self.word)


def rules() -> dict[str, str]:
    return {
        "fuse": _("fuse"),
        "device": _("device"),
        "fresh": _("fresh data"),
        "override": _("a person"),
        "times": _("minimum times"),
        "peak": _("month peak"),
        "mode": _("mode"),
        "strategy": _("strategy"),
    }


def of_day(one: One, day: date, facts: Facts) -> dict[str, Any]:
    """The newest first."""
    start, end = timegrid.day_bounds(day, facts.zone)
    decisions = list(Decision.objects.filter(controller=one.controller, time__gte=start, time__lt=end)[: MOST + 1])
    switches = list(Switch.objects.filter(output=one.output, time__gte=start, time__lt=end)[: MOST + 1])
    more = len(decisions) > MOST or len(switches) > MOST
    entries = [*(_decision(row, facts) for row in decisions[:MOST]), *(_switch(row, one, facts) for row in switches[:MOST])]
    return {"entries": sorted(entries, key=lambda entry: entry.at, reverse=True)[:MOST], "more": more, "most": MOST}


def _decision(row: Decision, facts: Facts) -> Entry:
    return Entry(
        "decision",
        f"decision-{row.pk}",
        row.time,
        _time(row.time, facts),
        row.level > 0,
        word(row.level),
        cards.said(row.code, row.params),
        rules().get(row.rule, row.rule),
        row.dry_run,
        tuple(_rejected(row.rejected)),
        tuple(inputs(row.inputs)),
    )


def _rejected(rows: list[Any]) -> list[tuple[str, str, str]]:
    return [(rules().get(rule, str(rule)), word(level), cards.said(code, params or {})) for rule, level, code, params in rows]


def _switch(row: Switch, one: One, facts: Facts) -> Entry:
    words = {"output": one.output.name, "cause": cause(row.cause)}
    text = (_("%(output)s switched on: %(cause)s.") if row.level > 0 else _("%(output)s switched off: %(cause)s.")) % words
    return Entry("switch", f"switch-{row.pk}", row.time, _time(row.time, facts), row.level > 0, word(row.level), text)


def cause(code: str) -> str:
    """Why the holder switched: leased, or what made it safe."""
    words = {
        "leased": _("as decided"),
        "start": _("hold_outputs began, everything is off first"),
        "expired": _("nobody renewed its command"),
        "stale": _("the meter's data were not fresh"),
        "stopped": _("hold_outputs was stopped"),
        "removed": _("it was removed from the settings"),
        "locked": _("it is locked"),
        "person": _("somebody pressed its button"),
        "waiting": _("it waits after a start"),
        "restarted": _("the device restarted"),
        "timer": _("its own timer ran out"),
    }
    return words.get(code, plain(code))


def word(level: float) -> str:
    return _("On") if level > 0 else _("Off")


def _time(at: datetime, facts: Facts) -> str:
    return f"{at.astimezone(facts.zone):%H:%M:%S}"


def inputs(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The facts a decision was made of, in words where we have some."""
    names = {
        "surplus_w": _("surplus"),
        "net_w": _("import less injection"),
        "solar_w": _("solar"),
        "battery_w": _("battery"),
        "quarter_w": _("this quarter so far"),
        "month_peak_w": _("month peak"),
        "limit_w": _("limit of the quarter"),
        "reserved_w": _("kept for others"),
        "power_w": _("its own power"),
        "fresh": _("fresh data"),
        "stale": _("why not fresh"),
        "level": _("commanded"),
        "read": _("the device says"),
    }
    return [(names.get(name, name), _value(name, value)) for name, value in found.items()]


def _value(name: str, value: Any) -> str:
    if value is None or value == "":
        return figures.ABSENT
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if name.endswith("_w") and isinstance(value, (int, float)):
        return f"{round(value)} W".replace("-", "−")
    if name.endswith("_wh") and isinstance(value, (int, float)):
        return f"{round(value)} Wh".replace("-", "−")
    if name in ("level", "read", "wish") and isinstance(value, (int, float)):
        return word(value)
    return plain(str(value))


def days(controller: Controller, facts: Facts) -> list[dict[str, Any]]:
    """The last days, the newest first: Wh and shares."""
    found = ControllerDay.objects.filter(controller=controller)[:LAST_DAYS]
    return [
        {
            "date": row.local_date,
            "switches": row.switches,
            "on_for": ages.length(row.on_s) if row.on_s else figures.ABSENT,
            "energy_wh": round(row.energy_wh),
            "grid_wh": round(row.grid_wh),
            "share": cards.share_text(cards.share(row.solar_wh, row.energy_wh)),
        }
        for row in found
    ]
