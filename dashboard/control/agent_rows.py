"""Every agent by its kind: does it run, when did it last, what is wrong. And the words for what an agent says of itself."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

import redis
from django.utils.translation import gettext as _

from dashboard import ages, figures
from dashboard.control.abnormal import error_text
from dashboard.figures import local_time
from energysite import agent_states, agents, live
from energysite.models import Agent

logger = logging.getLogger(__name__)

# Controls come first on their own page; whatever kind there is besides follows.
FIRST = ("controller", "output", "meter")
# A year from which numbers are moments and not lengths: 2001.
EPOCHS = 1_000_000_000
LONGEST = 300


@dataclass(frozen=True, slots=True)
class Row:
    """`last`: when it last ran or told anything, epoch; `ago` in words."""

    agent: Agent
    code: str
    words: str
    error: str
    last: float | None
    ago: str


def kinds(at: datetime, zone: tzinfo) -> list[tuple[str, list[Row]]]:
    """(what they are, rows), of the kinds that there are any of."""
    known = agents.kinds()
    order = [*(kind for kind in FIRST if kind in known), *(kind for kind in known if kind not in FIRST)]
    rows = {kind: list(known[kind]._default_manager.select_related("state").order_by("name")) for kind in order}
    states = _live([agent.name for found in rows.values() for agent in found])
    return [
        (str(known[kind]._meta.verbose_name_plural), [row(agent, states.get(agent.name) or agent.state.state, at, zone) for agent in found])
        for kind, found in rows.items()
        if found
    ]


def _live(names: list[str]) -> dict[str, dict[str, Any]]:
    try:
        return agent_states.read_all(live.client(), names)
    except redis.RedisError as error:
        logger.warning("agents are shown as they were stored, Valkey is away: %s", error)
        return {}


def one(agent: Agent, at: datetime, zone: tzinfo) -> tuple[Row, dict[str, Any]]:
    """Its row, and its state."""
    state = _live([agent.name]).get(agent.name) or agent.state.state
    return row(agent, state, at, zone), state


def row(agent: Agent, state: Mapping[str, Any], at: datetime, zone: tzinfo) -> Row:
    error = error_text(state.get("error")) if agent.enabled else ""
    last = next((state[name] for name in ("last_run", "last_telegram", "at") if state.get(name)), None)
    ago = _("%(age)s ago") % {"age": ages.length(at.timestamp() - last)} if last else ""
    code, words = _condition(agent, state, error)
    return Row(agent, code, words, error, last, ago)


def _condition(agent: Agent, state: Mapping[str, Any], error: str) -> tuple[str, str]:
    if not agent.enabled:
        return "idle", _("switched off")
    if not state:
        return "idle", _("not run yet")
    if error or state.get("status") == "error":
        return "bad", _("in trouble")
    return "well", _("runs")


def labels() -> dict[str, str]:
    """What the names in a state mean; a name without words stands as it is."""
    return {
        "at": _("told at"),
        "status": _("status"),
        "error": _("error"),
        "last_run": _("last run"),
        "last_success": _("last success"),
        "last_work": _("last work"),
        "last_telegram": _("last telegram"),
        "seconds": _("seconds it took"),
        "response_ms": _("answered in (ms)"),
        "failures": _("failures in a row"),
        "skipped": _("skipped runs"),
        "level": _("commanded"),
        "read": _("the device says"),
        "power_w": _("power (W)"),
        "energy_wh": _("energy (Wh)"),
        "solar_wh": _("of the sun (Wh)"),
        "mode": _("mode"),
        "wish": _("wanted"),
        "params": _("with"),
        "rejected": _("rejected"),
        "reserved_w": _("kept for others (W)"),
        "override": _("override"),
        "late_s": _("late (s)"),
        "reachable": _("reachable"),
        "class": _("safety class"),
        "why": _("why"),
        "locked": _("locked"),
        "since": _("since"),
        "today": _("switches today"),
        "switches_today": _("switches today"),
        "life": _("switches for life"),
        "paused": _("paused"),
        "timer_s": _("its own timer (s)"),
        "read_at": _("read at"),
        "lease_ms": _("command to device and back (ms)"),
        "rule": _("rule"),
        "code": _("reason"),
        "next_at": _("next step at"),
        "surplus_w": _("surplus (W)"),
        "dry_run": _("dry-run"),
    }


def shown(state: Mapping[str, Any], zone: tzinfo) -> list[tuple[str, str, str]]:
    """(name, label, value in words) of all that an agent says of itself."""
    known = labels()
    return [
        (name, known.get(name, name), value(name, state[name], zone)) for name in sorted(state, key=lambda name: (name not in known, name))
    ]


def value(name: str, found: Any, zone: tzinfo) -> str:
    """agents.js writes the same."""
    if found is None or found == "":
        return figures.ABSENT
    if name == "error":
        return error_text(found)
    if isinstance(found, bool):
        return _("yes") if found else _("no")
    if isinstance(found, (int, float)) and found >= EPOCHS and not name.endswith("_wh"):
        return local_time(found, zone, "%Y-%m-%d %H:%M:%S")
    return _plain(found)[:LONGEST] or figures.ABSENT


def _plain(found: Any) -> str:
    """Lists and names with values, without the signs of programs."""
    if isinstance(found, Mapping):
        return ", ".join(f"{name} {_plain(value)}" for name, value in found.items())
    if isinstance(found, list):
        return ", ".join(_plain(value) for value in found)
    if found is None:
        return figures.ABSENT
    if isinstance(found, float) and found.is_integer():
        return str(int(found))
    return str(found)
