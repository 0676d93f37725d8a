"""One look at one output, for Test and doctor: from what hold_outputs told lately, else from the device. It is never switched."""

import json
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, cast

import redis
import structlog
from django.conf import settings as site
from django.template.defaultfilters import floatformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from control import keys
from control.models import Output
from control.outputs import Driver, Reading, checking, families, pins
from control.outputs.set_up import Settable, SetUp
from control.outputs.settings import Given, Settings, given
from energysite import live, looking, phrases
from energysite.device_look import Look
from energysite.errors import EnergyError

log = structlog.get_logger(__name__)

DEADLINE_S = 5.0
# hold_outputs reads each device every 10 s.
HELD_S = 15.0
WARNED_PCT = 80

CLASSES = {
    "A": gettext_lazy("class A: it switches itself off by its own timer if this machine dies"),
    "B": gettext_lazy("class B: it is switched off if any single program here dies"),
    "C": gettext_lazy("class C: it cannot switch itself off if this machine dies"),
}
TROUBLES = {
    "over_temperature": gettext_lazy("The device is too hot and switched itself off. Let it cool, and see whether the load is too much."),
    "overpower": gettext_lazy("The load takes more than the device carries, and it has switched itself off."),
}


def look(output: Any, now: datetime, live_ok: bool = True) -> Look:
    """`output`: a row, saved or not, or what is kept of one. Waits 5 s at most; never raises for what a device does.

    A pin is never opened here, since opening it switches it: hold_outputs alone does that.
    """
    held = _held(output.name) if live_ok or output.family == "gpio" else None
    age_s = None if held is None else now.timestamp() - held.get("read_at", 0)
    if held is not None and age_s is not None and 0 <= age_s < HELD_S and held.get("reachable"):
        return Look(output.name, ok=True, facts=_facts_held(output, held), error=_concern_held(output, held), live=True, age_s=age_s)
    if output.family == "gpio":
        return _pin(output)
    return _asked(output)


def check_all(now: datetime, outputs: Iterable[Any] | None = None) -> list[Look]:
    """Every enabled output once, ten at a time. Raises DatabaseError where none are given and the database is away."""
    return list(looking.looks(jobs(now, outputs)))


def jobs(now: datetime, outputs: Iterable[Any] | None = None) -> Sequence[looking.Job]:
    chosen = Output.objects.filter(enabled=True).order_by("pk") if outputs is None else outputs
    return [(output.name, partial(look, output, now)) for output in chosen]


def kept(path: Path) -> list[Given]:
    """The enabled outputs of hold_outputs' own copy, for while the database is away; none, and said in the log, where it cannot be used."""
    try:
        told = json.loads(path.read_text())["outputs"]
        return [given(one, site.SECRET_KEY) for one in told if one.get("enabled", True)]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, LookupError, TypeError, EnergyError) as error:
        log.error("the copy of the outputs' settings cannot be used", file=str(path), error=str(error))
        return []


def _held(name: str) -> dict[str, Any] | None:
    """What hold_outputs tells; None where it tells nothing, or Valkey is away."""
    try:
        text = cast("bytes | None", live.client().hget(keys.HELD, name)) if name else None
    except redis.RedisError as error:
        log.warning("Valkey is away, the output is asked instead", output=name, error=str(error))
        return None
    return None if text is None else dict(json.loads(text))


def _asked(output: Settings) -> Look:
    name, began = getattr(output, "name", ""), time.monotonic()
    driver: Driver | None = None
    try:
        driver = families.open_output(output)
        with closing(driver):
            reading = driver.read(began + DEADLINE_S)
            found = SetUp(driver.set_up_now(began + DEADLINE_S), driver.wanted) if isinstance(driver, Settable) else None
            facts = (*_facts(reading), _class(families.safety_class(output, driver)))
    except EnergyError as error:
        return Look(name, ok=False, error=str(error), took_ms=_ms(began), heard="" if driver is None else driver.heard)
    concern = "\n".join(filter(None, [str(TROUBLES.get(reading.trouble, "")), _unsafe(found)]))
    return Look(name, ok=True, facts=facts, error=concern, took_ms=_ms(began), heard=driver.heard)


def _pin(output: Any) -> Look:
    """Nobody holds it: what is known of the pin by itself."""
    if output.pin is None:
        return Look(output.name, ok=False, error=_("Say which pin switches it."))
    on = _("on") if pins.on_at_start(output.pin, output.active_high) else _("off")
    facts = (_("GPIO %(pin)s: %(state)s while the machine starts") % {"pin": output.pin, "state": on}, _class("B"))
    unheld = _("hold_outputs does not hold it yet: save it, and look at the health page.")
    advice = checking.advice(output) if isinstance(output, Output) else ""
    return Look(output.name, ok=True, facts=facts, error="\n".join(filter(None, [unheld, advice])), took_ms=0)


def _facts(reading: Reading) -> tuple[str, ...]:
    timer = "" if reading.timer_s is None else _("switches itself off in %(seconds)s s") % {"seconds": round(reading.timer_s)}
    return tuple(filter(None, [_state(reading.level), _power(reading.power_w), _energy(reading.energy_wh), timer]))


def _facts_held(output: Any, held: dict[str, Any]) -> tuple[str, ...]:
    life, rated = held.get("life"), getattr(output, "rated_switches", None)
    numbers = {"count": floatformat(life, "0g"), "rated": floatformat(rated, "0g")}
    counted = _("%(count)s of %(rated)s switches") % numbers if life is not None and rated else ""
    reading = Reading(held.get("read"), held.get("power_w"), held.get("energy_wh"), held.get("timer_s"))
    return tuple(filter(None, [*_facts(reading), counted, _class(str(held.get("class", "C")))]))


def _concern_held(output: Any, held: dict[str, Any]) -> str:
    """What a person should know of an output that answers."""
    life, rated = held.get("life") or 0, getattr(output, "rated_switches", 0) or 0
    worn = life * 100 >= rated * WARNED_PCT if rated else False
    told = held.get("error")
    return "\n".join(
        filter(
            None,
            [
                str(phrases.of_json(told)) if told else "",
                str(TROUBLES.get(str(held.get("locked")), "")),
                _("Its relay has made %(pct)s %% of the switches that it is made for.") % {"pct": life * 100 // rated} if worn else "",
            ],
        )
    )


def _state(level: float | None) -> str:
    if level is None:
        return _("it answers, and does not say whether it is on")
    return _("on") if level >= 1 else _("off") if level <= 0 else _("at %(percent)s %%") % {"percent": round(100 * level)}


def _power(power_w: int | None) -> str:
    return "" if power_w is None else f"{floatformat(power_w, '0g')} W"


def _energy(energy_wh: int | None) -> str:
    return "" if energy_wh is None else _("in all %(figure)s kWh") % {"figure": floatformat(energy_wh / 1000, "3g")}


def _class(name: str) -> str:
    return str(CLASSES[name])


def _unsafe(found: SetUp | None) -> str:
    """Rule 9: what the device is set to that is not safe."""
    if found is None or found.good:
        return ""
    wrong = "; ".join(f"{what}: {now} ({_('safe')}: {wanted})" for what, now, wanted, same in found.lines() if not same)
    return _("It is not set up safely: %(what)s. “Set up this device” sets it.") % {"what": wrong}


def _ms(began: float) -> int:
    return round(1000 * (time.monotonic() - began))
