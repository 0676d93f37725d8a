"""The live balance of the house: made when an inverter has been read, kept and published like a meter's frame."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from datetime import datetime

import redis
import structlog
from django.db.models.signals import post_delete, post_save

from energysite import agent_states, house, live, place, sun
from energysite.database import DatabaseAway, asked
from energysite.live import Frame
from meters.models import Meter, Source
from solar import moment
from solar.models import Inverter
from solar.moment import Device

log = structlog.get_logger(__name__)

# What is configured is asked again after so long: a balance must not cost SQL.
FRESH_S = 30.0
# Telegrams come every ten seconds in these dialects, every second in all others.
SLOW_DIALECTS, SLOW_S = ("v2", "v3", "v4"), 10


@dataclass(frozen=True, slots=True)
class Known:
    meters: tuple[Device, ...]
    inverters: tuple[Device, ...]


class _Cache:
    def __init__(self) -> None:
        self.known: Known | None = None
        self.until = 0.0
        self.lock = threading.Lock()


_cache = _Cache()


def tell(now: datetime) -> Frame | None:
    """Publishes what the house uses now, and returns it. None where nothing was told: an inverter is being read just now, Valkey is
    away, or the database was never there since this process began. Never raises for any of that."""
    known = current()
    if known is None:
        return None
    try:
        frames = live.last_frames(live.client())
        devices = _with_states(known)
    except redis.RedisError as error:
        log.warning("no balance of the house, Valkey is away", error=str(error))
        return None
    row, at = house.current(), now.timestamp()
    where = place.of(row)
    frame = moment.frame_of(
        devices.meters,
        devices.inverters,
        frames,
        at,
        night=where is not None and sun.is_night(where, at),
        unread_battery=row.unread_battery,
    )
    if frame is not None:
        live.publisher().frame(moment.SOURCE, frame)
    return frame


def current() -> Known | None:
    """The meters and inverters there are, at most half a minute old; None where that was never read."""
    with _cache.lock:
        if _cache.known is None or time.monotonic() >= _cache.until:
            try:
                with asked():
                    _cache.known = known()
                _cache.until = time.monotonic() + FRESH_S
            except DatabaseAway:
                pass  # what was known before still holds
        return _cache.known


def forget(**_kwargs: object) -> None:
    """The next balance of this process reads what is configured."""
    _cache.until = 0.0


for _model in (Meter, Inverter):
    for _signal in (post_save, post_delete):
        _signal.connect(forget, sender=_model, dispatch_uid="balance of the house")


def known() -> Known:
    """From the database, in three statements."""
    meters = Meter.objects.filter(enabled=True).order_by("pk").values_list("name", "period_s")
    inverters = Inverter.objects.order_by("pk").values_list("pk", "name", "period_s", "enabled")
    with_battery = set(
        Source.objects.filter(kind=Source.Kind.BATTERY, retired=None, inverter_source__isnull=False).values_list(
            "inverter_source__inverter", flat=True
        )
    )
    return Known(
        tuple(Device(name, period_s) for name, period_s in meters),
        tuple(Device(name, period_s, enabled, pk in with_battery) for pk, name, period_s, enabled in inverters),
    )


def _with_states(known: Known) -> Known:
    """With what their agents say of themselves: a slow meter's pace, an inverter's sleep. Raises redis.RedisError."""
    names = [device.name for device in (*known.meters, *known.inverters)]
    states = agent_states.read_all(live.client(), names)
    return Known(
        tuple(_paced(device, states[device.name].get("dialect")) for device in known.meters),
        tuple(replace(device, asleep=states[device.name].get("status") == "asleep") for device in known.inverters),
    )


def _paced(meter: Device, dialect: object) -> Device:
    return replace(meter, period_s=max(meter.period_s, SLOW_S)) if dialect in SLOW_DIALECTS else meter


def told(frames: dict[str, Frame]) -> Frame | None:
    """The balance among the last frames, however old."""
    return frames.get(moment.SOURCE)
