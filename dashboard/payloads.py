"""What pages show, as plain dictionaries. Each is made while the database or Valkey is away as well, of what is left."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import redis
from django.utils.translation import gettext as _

from dashboard import days, house_day
from energysite import house, live, timegrid
from energysite.database import DatabaseAway, asked
from energysite.permissions import Actor, allows
from meters import queries
from meters.models import ElectricityReading, Meter, Source, VolumeReading
from meters.totals import days as daily
from meters.totals.days import Totals
from solar import house_now
from solar.house_now import Known

logger = logging.getLogger(__name__)

Clock = Callable[[], datetime]
# Means of the day graph: the first of these that is no shorter than a meter's slot. Each divides every day of every zone.
STEPS_S = (120, 180, 300, 450, 900)
LONGEST_SPAN_S = 7200


@dataclass(slots=True)
class History:
    """What the database knows of a day. Empty while it is away."""

    meters: list[Meter] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    counted: daily.Day = field(default_factory=lambda: daily.Day({}, None))
    known: Known = field(default_factory=Known)


def now(actor: Actor, day: date | None, clock: Clock) -> dict[str, Any]:
    """The page "/" on this local day (None: today). Totals in Wh and l, `power_w` without sign: `word` tells its direction.

    `frame` is the last one, or with "stored": True the newest reading where there is no live one. A total that cannot be
    told is absent. `database` and `live` are "ok" or "away"; `problems` are sentences for the banner. `generation`: of
    the agents' settings, None while Valkey is away.
    """
    zone = ZoneInfo(house.current().zone)
    instant = clock()
    today = timegrid.local_day(instant, zone)
    shown = today if day is None else day
    told, generation = _told()
    frames = None if told is None else live.of_kind(told)
    history = _history(shown, zone, instant, generation) if days.has_pages(shown, today) else History()
    stored = _stored_frames(history, frames or {})
    return {
        "date": shown,
        "is_today": shown == today,
        "previous": shown - timedelta(days=1) if _may_go_back(shown, history) else None,
        "next": shown + timedelta(days=1) if shown < today else None,
        "today": today,
        "zone": zone.key,
        "meters": [
            _meter(name, stored | (frames or {}), totals, instant, zone) for name, totals in _totals_by_name(history, frames or {}).items()
        ],
        "balance": _balance(history, shown, today, told, instant) if days.has_pages(shown, today) else None,
        "may_configure": allows(actor, "agents.configure"),
        "generation": generation,
        "database": "away" if history is None else "ok",
        "live": "away" if frames is None else "ok",
        "problems": _problems(history is None, frames is None),
    }


def _problems(database_away: bool, live_away: bool) -> list[str]:
    if database_away and live_away:
        return [_("The database and the live values are away. Readings are kept on disk and return; see Health for what to do.")]
    if database_away:
        return [_("Live works; history is kept on disk and returns.")]
    if live_away:
        return [_("Live updates are away. Numbers refresh every 10 s.")]
    return []


def _told() -> tuple[dict[str, live.Frame] | None, bytes | None]:
    """The last frame of every device and the house's balance, and which settings of agents there are; None while Valkey is away."""
    try:
        return live.last_told(live.client())
    except redis.RedisError as error:
        logger.warning("no live values for the page: %s", error)
        return None, None


def _history(day: date, zone: ZoneInfo, instant: datetime, generation: bytes | None) -> History | None:
    """None while the database is away."""
    try:
        with asked():
            meters, sources = queries.known_meters.get(generation)
            known = house_now.for_pages(generation) or Known()
            counted = daily.day(day, zone, [*sources, *house_day.running_sources(known, day, zone, instant)], instant)
            return History(meters, sources, counted, known)
    except DatabaseAway:
        return None


def _balance(history: History | None, day: date, today: date, frames: dict[str, live.Frame] | None, now: datetime) -> dict[str, Any] | None:
    """{"live": whether there is a balance of now, "frame": the live one, "day": what the day was}, for a house with inverters, or
    with what one made before; else None."""
    known = history.known if history is not None else house_now.for_pages(None) or Known()
    if not known.sources and not known.inverters:
        return None
    frame = house_now.shown(known, frames, now) if day == today and frames is not None else None
    found = house_day.HouseDay()
    if history is not None:
        try:
            with asked():
                found = house_day.of(day, today, history.counted, house.current(), known, history.sources, frame, now)
        except DatabaseAway:
            pass  # the banner says so
    return {"live": day == today and bool(known.inverters), "frame": frame, "day": found}


def _may_go_back(day: date, history: History | None) -> bool:
    if history is None:
        return True
    return history.counted.first is not None and day > history.counted.first


def _totals_by_name(history: History | None, frames: dict[str, live.Frame]) -> dict[str, dict[str, Totals]]:
    """Meter name -> medium -> totals: meters in use, and those that counted something on that day."""
    if history is None:
        return {name: {} for name in frames}
    found: dict[str, dict[str, Totals]] = {}
    for meter in history.meters:
        totals = {medium: part for (meter_id, medium), part in history.counted.totals.items() if meter_id == meter.pk}
        if meter.enabled or totals:
            found[meter.name] = totals
    return found


def _stored_frames(history: History | None, frames: dict[str, live.Frame]) -> dict[str, live.Frame]:
    """The newest reading of the meters that have no live frame, shaped like one."""
    if history is None:
        return {}
    lacking = [meter for meter in history.meters if meter.enabled and meter.name not in frames]
    if not lacking:
        return {}
    try:
        with asked():
            made = {meter.name: _stored_frame(meter.name, [s for s in history.sources if s.meter_id == meter.pk]) for meter in lacking}
    except DatabaseAway:
        return {}
    return {name: frame for name, frame in made.items() if frame is not None}


def _stored_frame(name: str, sources: Iterable[Source]) -> live.Frame | None:
    newest: dict[str, Any] = {}
    for source in sources:
        reading = queries.latest(source)
        if reading is not None and (source.medium not in newest or reading.time > newest[source.medium].time):
            newest[source.medium] = reading
    reading = newest.pop(Source.Medium.ELECTRICITY, None)
    if reading is None:
        return None
    epoch = int(reading.time.timestamp())
    frame: live.Frame = {"source": name, "time": epoch, "received": float(epoch), "stored": True, **_values(reading)}
    for medium, volume in newest.items():
        frame |= _volume_values(medium, volume)
    return frame


def _values(reading: ElectricityReading) -> dict[str, Any]:
    """A stored row under the names of a live frame; the row knows the net power only."""
    values: dict[str, Any] = {name: getattr(reading, name) for name in (*queries.REGISTERS[Source.Kind.ELECTRICITY], "tariff", "quarter_w")}
    if reading.power_w is not None:
        values |= {"import_w": max(reading.power_w, 0), "export_w": max(-reading.power_w, 0)}
    for phase in ("l1", "l2", "l3"):
        dv, ca = getattr(reading, f"{phase}_dv"), getattr(reading, f"{phase}_ca")
        values |= {f"{phase}_w": getattr(reading, f"{phase}_w")}
        values |= {f"{phase}_v": None if dv is None else dv / 10, f"{phase}_a": None if ca is None else ca / 100}
    return {name: value for name, value in values.items() if value is not None}


def _volume_values(medium: str, reading: VolumeReading) -> dict[str, int]:
    return {f"{medium}_l": reading.volume_l, f"{medium}_time": int(reading.time.timestamp())}


def _meter(name: str, frames: dict[str, live.Frame], totals: dict[str, Totals], instant: datetime, zone: tzinfo) -> dict[str, Any]:
    frame = frames.get(name)
    electricity = totals.get(Source.Medium.ELECTRICITY)
    counts_from = electricity.counted_from if electricity is not None else None
    return {
        "name": name,
        "frame": frame,
        "age_s": None if frame is None else max(0.0, round(instant.timestamp() - frame["received"], 1)),
        **_power(frame),
        "totals": _totals(totals),
        "bases": _bases(totals),
        "counts_from": _clock(counts_from, zone),
        **{f"{medium}_at": _clock(totals[medium].last if medium in totals else None, zone) for medium in ("gas", "water")},
    }


def _power(frame: live.Frame | None) -> dict[str, Any]:
    """The net power as a word and a number."""
    if frame is None or ("import_w" not in frame and "export_w" not in frame):
        return {"word": None, "power_w": None}
    net = frame.get("import_w", 0) - frame.get("export_w", 0)
    return {"word": "importing" if net > 0 else "injecting" if net < 0 else "balanced", "power_w": abs(net)}


def _totals(totals: dict[str, Totals]) -> dict[str, int]:
    """import_wh and export_wh beside their registers; gas_l, water_l."""
    found: dict[str, int] = {}
    for medium, part in totals.items():
        if medium == Source.Medium.ELECTRICITY:
            found |= part.registers
            for direction in ("import", "export"):
                names = [f"{direction}_t1_wh", f"{direction}_t2_wh"]
                if not part.unknown.intersection(names) and part.registers.keys() & set(names):
                    found[f"{direction}_wh"] = sum(part.registers.get(name, 0) for name in names)
        elif "volume_l" in part.registers:
            found[f"{medium}_l"] = part.registers["volume_l"]
    return found


def _bases(totals: dict[str, Totals]) -> dict[str, int]:
    """Where each counter would have stood when the day began, had the newest device counted all of it: live totals count from there."""
    found: dict[str, int] = {}
    for medium, part in totals.items():
        bases = {name: part.counters[name] - counted for name, counted in part.registers.items() if name in part.counters}
        found |= bases if medium == Source.Medium.ELECTRICITY else {f"{medium}_l": base for base in bases.values()}
    return found


def _clock(instant: datetime | None, zone: tzinfo) -> str | None:
    return None if instant is None else instant.astimezone(zone).strftime("%H:%M")


def day_data(day: date, clock: Clock) -> dict[str, Any]:
    """Mean net W per step and meter of a local day, null where there is no reading. Raises DatabaseAway."""
    zone = ZoneInfo(house.current().zone)
    start, end = timegrid.day_bounds(day, zone)
    until = min(end, max(start, clock() + timedelta(minutes=5)))  # nothing to look for in the future
    means: dict[str, list[int | None]] = {}
    with asked():
        _all, sources = queries.known_meters.get()
        meters = _electric_meters(sources)
        step = _step(meters)
        for meter in meters:
            means[meter.name] = queries.day_power(queries.electricity_ids(sources, meter), start, until, step)
    steps = int((end - start).total_seconds()) // step
    return {
        "date": day.isoformat(),
        "start": int(start.timestamp()),
        "end": int(end.timestamp()),
        "step": step,
        "series": [{"meter": name, "w": w + [None] * (steps - len(w))} for name, w in means.items()],
    }


def _electric_meters(sources: Iterable[Source]) -> list[Meter]:
    meters = {source.meter.pk: source.meter for source in sources if source.meter is not None and source.kind == Source.Kind.ELECTRICITY}
    return list(meters.values())


def _step(meters: Iterable[Meter]) -> int:
    slot = max((meter.slot_s for meter in meters if meter.enabled and meter.take != Meter.Take.ALL), default=0)
    return next(step for step in STEPS_S if step >= slot)


def readings_data(since: int, until: int) -> dict[str, Any]:
    """Every stored [epoch, net W] of [since, until], at most two hours of it: `until` is where it ends. Raises DatabaseAway."""
    truncated = until - since > LONGEST_SPAN_S
    until = min(until, since + LONGEST_SPAN_S)
    span = (datetime.fromtimestamp(since, UTC), datetime.fromtimestamp(until, UTC))
    points: dict[str, list[tuple[int, int | None]]] = {}
    with asked():
        _all, sources = queries.known_meters.get()
        for meter in _electric_meters(sources):
            points[meter.name] = queries.readings(queries.electricity_ids(sources, meter), *span)
    return {
        "series": [{"meter": name, "points": found} for name, found in points.items()],
        "last": max((found[-1][0] for found in points.values() if found), default=None),
        "until": until,
        "truncated": truncated,
    }
