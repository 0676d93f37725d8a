"""One reading of one analog input, for Test and doctor: from live when it was read less than a period ago, else from the chip."""

import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Protocol

import redis
import structlog
from django.template.defaultfilters import floatformat
from django.utils import timezone
from django.utils.translation import gettext as _

from energysite import live, looking
from energysite.device_look import Look
from energysite.errors import EnergyError
from energysite.text import plain
from meters.analog import chip
from meters.models import AnalogInput

log = structlog.get_logger(__name__)

DEADLINE_S = 5.0


class Settings(Protocol):
    """Of an input, saved or not."""

    name: str
    device: str
    channel: int
    period_s: int
    unit: str

    def value_of(self, raw: int) -> float: ...


def look(settings: Settings, live_ok: bool = True, *, now: datetime | None = None) -> Look:
    """`live_ok`: a frame that is younger than a period will do. Waits 5 s at most; never raises for what a chip does."""
    known = from_live(settings, now or timezone.now()) if live_ok else None
    if known is not None:
        return known
    began = time.monotonic()
    try:
        raw = chip.raw_value(settings.device, settings.channel, began + DEADLINE_S)
    except EnergyError as error:
        return Look(settings.name, ok=False, error=str(error), took_ms=_ms(began))
    facts = (figure(settings.value_of(raw), settings.unit), _("raw value %(raw)s of 1023") % {"raw": raw})
    heard = f"MCP3008 {settings.device}, CH{settings.channel}: {raw}"
    return Look(settings.name, ok=True, facts=facts, error=_concern(raw), took_ms=_ms(began), heard=heard)


def from_live(settings: Settings, now: datetime) -> Look | None:
    """None where it was not read within its period, or Valkey is away."""
    try:
        frame = live.last_frames().get(settings.name)
    except redis.RedisError as error:
        log.warning("Valkey is away, the analog input is read instead", input=settings.name, error=str(error))
        return None
    if frame is None or frame.get("kind") != "analog" or not 0 <= now.timestamp() - frame["received"] < settings.period_s:
        return None
    age_s = now.timestamp() - frame["received"]
    return Look(settings.name, ok=True, facts=(figure(frame["value"], frame.get("unit", "")),), live=True, age_s=age_s)


def check_all(now: datetime, inputs: Iterable[Settings] | None = None) -> list[Look]:
    """Every enabled input once, ten at a time. Raises DatabaseError where none are given and the database is away."""
    return list(looking.looks(jobs(now, inputs)))


def jobs(now: datetime, inputs: Iterable[Settings] | None = None) -> Sequence[looking.Job]:
    chosen: Iterable[Settings] = AnalogInput.objects.filter(enabled=True).order_by("pk") if inputs is None else inputs
    return [(one.name, partial(look, one, now=now)) for one in chosen]


def figure(value: float, unit: str) -> str:
    """In the language of who asks, thousandths at most."""
    return f"{floatformat(value, '-3')} {plain(unit)}".strip()


def _concern(raw: int) -> str:
    """A wire that is off looks like a signal at one of its ends, and so does a signal at its end."""
    if raw in (0, chip.FULL_SCALE):
        return _("The raw value is %(raw)s, at the end of its range. Check the channel and its wires.") % {"raw": raw}
    return ""


def _ms(began: float) -> int:
    return round(1000 * (time.monotonic() - began))
