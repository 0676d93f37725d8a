"""One reading of one inverter, for Test and doctor: from live when it was read less than a period ago, else from the device."""

import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import datetime
from functools import partial
from typing import Protocol

import redis
import structlog
from django.utils.translation import gettext as _

from energysite import house, live, looking, place, sun
from energysite.device_look import HEARD_SHOWN, Look
from energysite.errors import DeviceUnavailable, EnergyError
from energysite.live import Frame
from energysite.text import excerpt
from solar import facts
from solar.models import Inverter
from solar.production import Production
from solar.readers import Reader, families

log = structlog.get_logger(__name__)

DEADLINE_S = 5.0


class Device(families.Settings, Protocol):
    """An inverter's settings, saved or not: a row, or what is kept of one while the database is away."""

    name: str
    family: str
    period_s: int


def look(settings: Device, now: datetime, *, live_ok: bool = True) -> Look:
    """`live_ok`: a frame that is younger than a period will do. Waits 5 s at most; never raises for what a device does."""
    known = from_live(settings, now) if live_ok else None
    if known is not None:
        return known
    began = time.monotonic()
    reader: Reader | None = None
    try:
        reader = families.open_reader(settings.family, settings)
        with closing(reader):
            found = reader.read(began + DEADLINE_S)
    except EnergyError as error:
        asleep = isinstance(error, DeviceUnavailable) and is_night(now)
        told = _asleep(str(error)) if asleep else str(error)
        return Look(settings.name, ok=asleep, error=told, took_ms=_ms(began), heard=_heard(reader))
    return Look(settings.name, ok=True, facts=facts.of(found), error=_concern(found), took_ms=_ms(began), heard=_heard(reader))


def from_live(settings: Device, now: datetime) -> Look | None:
    """None where it was not read within its period, or Valkey is away."""
    try:
        frame = live.last_frames().get(settings.name)
    except redis.RedisError as error:
        log.warning("Valkey is away, the inverter is read instead", inverter=settings.name, error=str(error))
        return None
    age_s = None if frame is None else now.timestamp() - frame["received"]
    if frame is None or age_s is None or frame.get("kind") != "inverter" or not 0 <= age_s < settings.period_s:
        return None
    return Look(settings.name, ok=True, facts=facts.of(production_of(frame)), live=True, age_s=age_s)


def production_of(frame: Frame) -> Production:
    """What a live frame of an inverter says; what is absent there is unknown."""
    return Production(
        power_w=frame.get("power_w"),
        condition=facts.condition_of(frame.get("condition")),
        day_wh=frame.get("day_wh"),
        total_wh=frame.get("total_wh"),
        battery_w=frame.get("battery_w"),
        battery_pct=frame.get("battery_pct"),
    )


def is_night(now: datetime) -> bool:
    """At the house; False where nobody knows where that is."""
    spot = place.of(house.current())
    return spot is not None and sun.is_night(spot, now.timestamp())


def check_all(now: datetime, inverters: Iterable[Device] | None = None) -> list[Look]:
    """Every enabled inverter once, ten at a time. Raises DatabaseError where none are given and the database is away."""
    return list(looking.looks(jobs(now, inverters)))


def jobs(now: datetime, inverters: Iterable[Device] | None = None) -> Sequence[looking.Job]:
    chosen = Inverter.objects.filter(enabled=True).order_by("pk") if inverters is None else inverters
    return [(inverter.name, partial(look, inverter, now)) for inverter in chosen]


def _asleep(error: str) -> str:
    night = _("It does not answer, and the sun is down: many inverters switch off at night. By day this would be a fault:")
    return f"{night} {error}"


def _concern(found: Production) -> str:
    if found.power_w is None and found.total_wh is None and found.day_wh is None:
        return _("It answers, but tells neither power nor energy. Check the make you chose.")
    if found.code:
        return _("The inverter reports a fault of its own, code %(code)s. Its manual says what it is.") % {"code": found.code}
    return ""


def _heard(reader: Reader | None) -> str:
    return "" if reader is None else excerpt(reader.heard.encode("ascii", "replace"), HEARD_SHOWN)


def _ms(began: float) -> int:
    return round(1000 * (time.monotonic() - began))
