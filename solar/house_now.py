"""The live balance of the house: made when an inverter has been read, kept and published like a meter's frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import redis
import structlog
from django.db.models import F
from django.db.models.signals import post_delete, post_save

from energysite import agent_states, house, live, place, sun
from energysite.database import DatabaseAway, asked, give_back
from energysite.kept import Kept
from energysite.live import Frame
from energysite.sun import Spot
from meters.models import Meter, Source
from solar import moment
from solar.models import Inverter, InverterSource
from solar.moment import Device

log = structlog.get_logger(__name__)

# What is configured is asked again after so long: a balance must not cost SQL.
FRESH_S = 30.0
FRESH_FOR_PAGES_S = 5.0
# Telegrams come every ten seconds in these dialects, every second in all others.
SLOW_DIALECTS, SLOW_S = ("v2", "v3", "v4"), 10
KINDS = (Source.Kind.PRODUCTION, Source.Kind.BATTERY)
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Known:
    """`sources`: of solar and batteries, retired ones too; `fed`: ids of those that an inverter still tells of."""

    meters: tuple[Device, ...] = ()
    inverters: tuple[Device, ...] = ()
    sources: tuple[Source, ...] = ()
    fed: frozenset[int] = frozenset()


class _Last:
    known: Known | None = None
    dawn: tuple[Spot, float] | None = None


_last = _Last()


def tell(now: datetime) -> Frame | None:
    """Publishes what the house uses now, and returns it. None where nothing was told: an inverter is being read just now, Valkey is
    away, or the database was never there since this process began. Never raises for any of that."""
    try:
        frames, generation = live.last_told(live.client())
    except redis.RedisError as error:
        log.warning("no balance of the house, Valkey is away", error=str(error))
        return None
    configured = current(generation)
    house.current()  # read while there is a connection
    give_back()
    if configured is None:
        return None
    try:
        frame = made(configured, frames, now)
    except redis.RedisError as error:
        log.warning("no balance of the house, Valkey is away", error=str(error))
        return None
    if frame is not None:
        live.publisher().frame(moment.SOURCE, frame)
    return frame


def made(configured: Known, frames: Mapping[str, Frame], now: datetime) -> Frame | None:
    """The balance of these frames, see moment.frame_of. Raises redis.RedisError."""
    row, at = house.current(), now.timestamp()
    where = place.of(row)
    night = where is not None and sun.is_night(where, at)
    meters, inverters = _with_states(configured)
    dawn = _dawn(where, at) if night and where is not None else None
    return moment.frame_of(meters, inverters, frames, at, night=night, unread_battery=row.unread_battery, dawn=dawn)


def shown(configured: Known, frames: Mapping[str, Frame], now: datetime) -> Frame | None:
    """For a page: the balance that was told while it holds, else why there is none; None where the next reading tells."""
    told = frames.get(moment.SOURCE)
    if told is not None and told["until"] >= now.timestamp():
        return told
    try:
        frame = made(configured, frames, now)
    except redis.RedisError:
        return None
    return frame if frame is not None and ("unknown" in frame or "asleep" in frame) else None


def _dawn(where: Spot, at: float) -> float | None:
    """The same for the whole night: it is searched for once."""
    if _last.dawn is None or _last.dawn[0] != where or not at < _last.dawn[1] < at + DAY_S:
        found = sun.dawn_after(where, at)
        _last.dawn = None if found is None else (where, found)
    return None if _last.dawn is None else _last.dawn[1]


def current(generation: bytes | None) -> Known | None:
    """What there is, as it was half a minute ago at most; None where that was never read. `generation`: of the agents' settings."""
    return _asked(_for_worker, generation)


def for_pages(generation: bytes | None) -> Known | None:
    """The same, some seconds ago at most: a source that is new shows as soon."""
    return _asked(_for_pages, generation)


def _asked(kept: Kept[Known], generation: bytes | None) -> Known | None:
    try:
        with asked():
            _last.known = kept.get(generation)
    except DatabaseAway:
        pass  # what was known before still holds
    return _last.known


def known() -> Known:
    """From the database, in three statements."""
    meters = Meter.objects.filter(enabled=True).order_by("pk").values_list("name", "period_s")
    inverters = Inverter.objects.order_by("pk").values_list("pk", "name", "period_s", "enabled")
    sources = list(Source.objects.filter(kind__in=KINDS).annotate(inverter=F("inverter_source__inverter")).order_by("pk"))
    fed = {source.pk: source.inverter for source in sources if source.inverter is not None and source.retired is None}
    with_battery = {fed[source.pk] for source in sources if source.pk in fed and source.kind == Source.Kind.BATTERY}
    return Known(
        tuple(Device(name, period_s) for name, period_s in meters),
        tuple(Device(name, period_s, enabled, pk in with_battery) for pk, name, period_s, enabled in inverters),
        tuple(sources),
        frozenset(fed),
    )


_for_worker, _for_pages = Kept(known, FRESH_S), Kept(known, FRESH_FOR_PAGES_S)
for _model in (Meter, Inverter, InverterSource, Source):
    for _signal in (post_save, post_delete):
        for _kept in (_for_worker, _for_pages):
            _signal.connect(_kept.forget, sender=_model)


def _with_states(configured: Known) -> tuple[list[Device], list[Device]]:
    """The meters and inverters with what their agents say of themselves: a slow meter's pace, an inverter's sleep. Raises
    redis.RedisError."""
    states = agent_states.read_all(live.client(), [device.name for device in (*configured.meters, *configured.inverters)])
    return (
        [_paced(device, states[device.name].get("dialect")) for device in configured.meters],
        [replace(device, asleep=states[device.name].get("status") == "asleep") for device in configured.inverters],
    )


def _paced(meter: Device, dialect: object) -> Device:
    return replace(meter, period_s=max(meter.period_s, SLOW_S)) if dialect in SLOW_DIALECTS else meter
