"""The loads on the Now page: on or off, why, share of the sun. Of what was told live and kept: it costs no SQL."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import redis
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _

from control.ticking import known
from control.ticking.known import Commanded
from dashboard.control import cards
from dashboard.control.facts import TOLD_S
from dashboard.figures import local_time
from energysite import agent_states, live

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Row:
    """`code`: well, warn or idle, for the colour of its mark."""

    name: str
    code: str
    word: str
    power_w: int | None
    text: str
    sun: str


def rows(generation: bytes | None, now: datetime) -> list[Row]:
    """`generation`: of the agents' settings, None while Valkey is away. Empty in a house without controllers."""
    found = known.for_pages(generation)
    active = found.active if found is not None else ()
    if not active:
        return []
    try:
        states = agent_states.read_all(live.client(), [one.load.name for one in active])
    except redis.RedisError as error:
        logger.warning("no live values for the loads: %s", error)
        states = {}
    return [_row(one, states.get(one.load.name), now.timestamp()) for one in active]


def html(now: datetime) -> str:
    """The list as the page holds it."""
    try:
        generation = cast(bytes | None, live.client().get(live.AGENTS_GENERATION)) or b""
    except redis.RedisError:
        generation = None
    return render_to_string("control/tile_rows.html", {"loads": rows(generation, now)})


def _row(one: Commanded, state: Mapping[str, Any] | None, now: float) -> Row:
    """`state`: None while Valkey is away."""
    name = one.load.name
    if state is None:
        return Row(name, "warn", _("Not known"), None, _("The live values are away: its output goes off by itself."), "")
    if not state.get("code"):
        return Row(name, "idle", _("Not known"), None, _("It has not decided anything yet."), "")
    if now - state["at"] > TOLD_S:
        text = _("Nothing is decided since %(time)s: its output goes off by itself.")
        return Row(name, "warn", _("Not known"), None, text % {"time": local_time(state["at"], timezone.get_current_timezone())}, "")
    level = state.get("read")
    text = str(state.get("error") or "") or cards.said(state["code"], state.get("params") or {})
    code = "warn" if state.get("error") else "well" if level else "idle"
    return Row(name, code, _word(state, level), state.get("power_w") if level else None, text, _sun(state))


def _word(state: Mapping[str, Any], level: Any) -> str:
    if state.get("dry_run"):
        return _("Dry-run: would be on") if state.get("level") else _("Dry-run: would be off")
    return _("Not known") if level is None else _("On") if level else _("Off")


def _sun(state: Mapping[str, Any]) -> str:
    share = cards.share(state.get("solar_wh"), state.get("energy_wh"))
    return "" if share is None else _("today %(share)s") % {"share": cards.share_text(share)}
