"""What a tick tells pages and programs: a live frame and an agent's state for each controller, and a state for each output."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from control import words
from control.rules.facts import Decision, Device, Load, Override, Snapshot
from control.ticking.recording import Day, told
from energysite import agent_states, live
from energysite.phrases import of_json

KIND = "control"
SILENT_S = 15.0
BUDGET = 450
# What the consumer puts around a full frame, see meters.frames.
WRAPPING = len('{"type":"frame","full":true,}')
# Left out, one after the other, where a long sentence leaves no room.
SPARE = ("params", "next_at", "surplus_w", "power_w")


def frame_of(load: Load, decision: Decision, snapshot: Snapshot, override: Override | None, now: datetime) -> live.Frame:
    """{"source", "kind", "time", "received", "level", "rule", "code", "params", "mode", "dry", "surplus_w", "power_w", "read", "next_at",
    "until": of the override}, in 450 bytes on the wire; what is not known or does not fit is left out."""
    device, at = snapshot.devices.get(load.id), now.timestamp()
    frame: live.Frame = {"source": load.name, "kind": KIND, "time": int(at), "received": round(at, 3)}
    frame |= {"level": decision.level, "rule": decision.rule, "code": decision.said.code, "mode": load.mode, "dry": load.dry_run}
    more = {
        "read": device.read if device else None,
        "until": override.until if override else None,
        "power_w": device.power_w if device else None,
        "surplus_w": decision.surplus_w,
        "next_at": decision.next_at,
        "params": told(decision.said.params) or None,
    }
    frame |= {name: value for name, value in more.items() if value is not None}
    for name in SPARE:
        if WRAPPING + len(json.dumps(frame, separators=(",", ":"), ensure_ascii=False).encode()) <= BUDGET:
            break
        frame.pop(name, None)
    return frame


def state_of(
    load: Load,
    decision: Decision,
    snapshot: Snapshot,
    override: Override | None,
    today: Day,
    late_s: float,
) -> dict[str, Any]:
    """Of a controller. `error`: only what a person should do something about; all else is said by code and parameters."""
    device = snapshot.devices.get(load.id)
    trouble = _trouble(device, load)
    return {
        "status": "error" if trouble else "dry_run" if load.dry_run else "on" if decision.level > 0 else "off",
        "error": trouble or None,
        "level": decision.level,
        "wish": decision.wish,
        "rule": decision.rule,
        "code": decision.said.code,
        "params": told(decision.said.params),
        "rejected": [[one.rule, one.level, one.said.code, told(one.said.params)] for one in decision.rejected],
        "next_at": decision.next_at,
        "surplus_w": decision.surplus_w,
        "reserved_w": decision.reserved_w,
        "mode": load.mode,
        "dry_run": load.dry_run,
        "override": None if override is None else [override.level, override.until, override.by, override.button, override.blind],
        "power_w": device.power_w if device else None,
        "read": device.read if device else None,
        "switches_today": device.switches_today if device else 0,
        "energy_wh": round(today.energy_wh),
        "solar_wh": round(today.solar_wh),
        "late_s": round(late_s, 1),
    }


def _trouble(device: Device | None, load: Load) -> str:
    """In the language that is on."""
    if load.dry_run:
        return ""
    if device is not None and device.told_s >= SILENT_S:
        return words.sentence("holder_silent_for", {"since_s": round(device.told_s)})
    if device is None:
        return _("The program that switches has not told of this output yet.")
    if device.locked:
        return words.sentence("locked", {"why": device.locked})
    if not device.reachable:
        return _("The output does not answer. Was it unplugged, or is it out of reach of the network?")
    return ""


def output_state(held: Mapping[str, Any]) -> dict[str, Any]:
    """Of an output, of what the holder tells."""
    error = held.get("error")
    text = str(of_json(error)) if error else ""
    return {
        "status": "error" if text or held.get("locked") or not held.get("reachable", True) else "on" if held.get("level") else "off",
        "error": text or None,
        **{name: held.get(name) for name in TOLD},
    }


TOLD = ("level", "read", "power_w", "energy_wh", "reachable", "class", "why", "locked", "today", "life", "timer_s", "read_at", "lease_ms")


def tell(frames: list[live.Frame], states: Mapping[str, dict[str, Any]]) -> None:
    live.publisher().frames(frames)
    agent_states.report_all(states)
