"""What is said of a controller, and of control as a whole, when something is wrong: what, since when, what still works, what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from control.models import Controller, Output
from dashboard import ages
from dashboard.control.facts import HOLDER_SILENT_S, METER_SILENT_S, WORKER_SILENT_S, Facts, One
from dashboard.figures import local_time
from energysite.models import House
from energysite.phrases import of_json
from energysite.text import plain

BAD, WARN, IDLE = "bad", "warn", "idle"
ORDER = (BAD, WARN, IDLE)
# A switch and its answer take a second or two.
UNSAFE_S = 10.0
# Of what its relay is rated for.
WORN = 0.8


@dataclass(frozen=True, slots=True)
class Line:
    """`release`: a button stands beside it that lets the output go on. `link`: where to look, with `link_text`."""

    code: str
    text: str
    release: bool = False
    link: str = ""
    link_text: str = ""


def clock(epoch: float, facts: Facts) -> str:
    """14:02 today, else with its date."""
    same = datetime.fromtimestamp(epoch, facts.zone).date() == facts.at.astimezone(facts.zone).date()
    return local_time(epoch, facts.zone, "%H:%M" if same else "%Y-%m-%d %H:%M")


def of_one(one: One, facts: Facts) -> list[Line]:
    """The worst first."""
    controller, output, held = one.controller, one.output, one.held
    if not controller.enabled or not output.enabled:
        name = controller.name if not controller.enabled else output.name
        return [Line(IDLE, _("%(name)s is switched off in its settings: nothing is commanded.") % {"name": name})]
    lines = [
        *_locked(held),
        *_unreachable(output, held),
        *_unsafe(output, held),
        *_stopped(one, facts),
        *_guard(one, facts),
        *_worn(output, held),
    ]
    if held.get("class") == "C":
        lines.append(Line(IDLE, _("%(output)s cannot switch itself off if this machine dies.") % {"output": output.name}))
    return sorted(lines, key=lambda line: ORDER.index(line.code))


def _locked(held: Mapping[str, Any]) -> list[Line]:
    lines = []
    if code := held.get("locked"):
        words = {
            "over_temperature": _("Locked: overheated. Let it cool, look at it, then press to release."),
            "overpower": _("Locked: it drew more than it may. Look at what is plugged in, then press to release."),
            "stuck": _("Locked: it is off and still draws power, its contact may be stuck. Pull the plug, then press to release."),
        }
        text = words.get(code) or _("Locked (%(code)s): look at it, then press to release.") % {"code": plain(str(code))}
        lines.append(Line(BAD, text, True))
    if held.get("paused"):
        text = _("Paused: somebody pressed its button three times in 10 minutes, against this controller. Press to let it go on.")
        lines.append(Line(WARN, text, True))
    return lines


def _unreachable(output: Output, held: Mapping[str, Any]) -> list[Line]:
    if held.get("reachable", True):
        return []
    words = {"output": output.name}
    level = held.get("read") if held.get("read") is not None else held.get("level")
    if level is None:
        text = _("%(output)s is unreachable, its state is not known: check it.") % words
    elif level > 0:
        text = _("%(output)s is unreachable, last known on: check it.") % words
    else:
        text = _("%(output)s is unreachable, last known off: check it.") % words
    why = error_text(held.get("error"))
    return [Line(BAD, f"{text} {why}".strip())]


def _unsafe(output: Output, held: Mapping[str, Any]) -> list[Line]:
    unsafe_s = held.get("unsafe_s") or 0
    if unsafe_s <= UNSAFE_S or not held.get("reachable", True):
        return []
    words = {"output": output.name, "age": ages.length(unsafe_s)}
    return [Line(BAD, _("%(output)s should be off for %(age)s and nothing confirms it: check it.") % words)]


def _stopped(one: One, facts: Facts) -> list[Line]:
    """Who should command is silent: what switches the device off then depends on its class."""
    if not facts.valkey or one.controller.dry_run:
        return []
    text = _holder_silent(one, facts.holder_silent_for()) or _worker_silent(one, facts.worker_silent_for())
    if text:
        return [Line(BAD, text)]
    return [] if one.held else [Line(WARN, _("hold_outputs tells nothing of %(output)s yet.") % {"output": one.output.name})]


def _holder_silent(one: One, silent_s: float | None) -> str:
    if silent_s is None:
        return _("Stopped: nothing holds the outputs. Does hold_outputs run? See Health.")
    if silent_s <= HOLDER_SILENT_S:
        return ""
    words = {"age": ages.length(silent_s), "output": one.output.name}
    match one.held.get("class"):
        case "A":
            return _("Stopped: hold_outputs silent for %(age)s; %(output)s switches itself off.") % words
        case "B":
            return _("Stopped: hold_outputs silent for %(age)s; %(output)s is switched off when it returns.") % words
    return _("Stopped: hold_outputs silent for %(age)s; %(output)s cannot switch itself off: check it.") % words


def _worker_silent(one: One, silent_s: float | None) -> str:
    if silent_s is None:
        return _("Stopped: the worker has not reported yet; outputs stay off.")
    if silent_s <= WORKER_SILENT_S:
        return ""
    words = {"age": ages.length(silent_s), "output": one.output.name}
    if not one.level:
        return _("Stopped: worker silent for %(age)s; %(output)s is off.") % words
    if one.held.get("class") == "A":
        return _("Stopped: worker silent for %(age)s; %(output)s switches itself off.") % words
    return _("Stopped: worker silent for %(age)s; hold_outputs switches %(output)s off.") % words


def _guard(one: One, facts: Facts) -> list[Line]:
    """What the guard cannot see."""
    override = one.override
    if override is not None and override.blind and override.level > 0:
        text = _("Guard blind: %(by)s has it on without a meter; nobody watches month peak and fuse.")
        return [Line(WARN, text % {"by": plain(override.by)})]
    if not facts.meters and one.controller.without_meter:
        return [Line(WARN, _("Guard blind: it runs without a meter, as the owner confirmed; nobody watches month peak and fuse."))]
    return []


def _worn(output: Output, held: Mapping[str, Any]) -> list[Line]:
    life = held.get("life") or 0
    if life < WORN * output.rated_switches:
        return []
    words = {"output": output.name, "life": life, "rated": output.rated_switches}
    return [Line(WARN, _("The relay of %(output)s has made %(life)s of its %(rated)s switches: plan another one.") % words)]


def of_house(facts: Facts) -> list[Line]:
    """What holds for all controllers."""
    if not any(one.controller.enabled for one in facts.ones):
        return []
    lines = []
    if not facts.valkey:
        text = _("The live values are away: commands do not arrive, so each output is off or goes off by itself within 45 s.")
        lines.append(Line(BAD, text, link="health", link_text=_("What to check")))
    elif not facts.meters:
        lines.append(Line(WARN, _("There is no meter: what lives on the sun stays off."), link="settings", link_text=_("Settings")))
    elif facts.meter_silent:
        heard = facts.meter_heard()
        words = {"time": clock(heard, facts)} if heard is not None else {}
        text = (
            _("Meter silent since %(time)s. Loads are off for safety. History is complete to %(time)s.") % words
            if words
            else _("The meter has told nothing yet. Loads are off for safety.")
        )
        lines.append(Line(BAD, text, link="health", link_text=_("Check the cable")))
    elif not _tells_quarter(facts):
        lines.append(Line(WARN, _("Guard blind: no quarter register. It computes the quarter from the counters, which is less exact.")))
    return [*lines, *_fuse(facts.house)]


def _tells_quarter(facts: Facts) -> bool:
    return any("quarter_w" in frame for frame in facts.of_meters() if facts.epoch - frame["received"] <= METER_SILENT_S)


def _fuse(here: House) -> list[Line]:
    if here.fuse_a is None:
        return [Line(WARN, _("The main fuse is not set: nobody watches it."), link="settings", link_text=_("Set it"))]
    if here.grid == House.Grid.THREE_DELTA:
        return [Line(IDLE, _("On 3 x 230 V the meter does not show L2: its current is estimated."))]
    return []


def error_text(error: Any) -> str:
    """Of a phrase as the holder tells it; harmless text in any case."""
    if not error:
        return ""
    try:
        return plain(str(of_json(error)))
    except (LookupError, TypeError, ValueError):
        return plain(str(error))


def would(controller: Controller, level: float | None) -> str:
    """Dry-run in words; empty where it really switches."""
    if not controller.dry_run or level is None:
        return ""
    return _("Dry-run: would be on") if level > 0 else _("Dry-run: would be off")
