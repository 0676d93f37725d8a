"""What the house made and used on a local day: a day that is over from its quarters, today up to this moment.

Today is the counters of now minus where they stood at midnight, while every meter, inverter and battery tells; otherwise, and for what
a battery did with it, its quarters so far.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from energysite import place, timegrid
from energysite.live import Frame
from energysite.models import House
from energysite.timegrid import DAY, Span
from meters import balance
from meters.balance import Balance
from meters.models import Source
from meters.totals import balance as quarters
from meters.totals.balance import HouseTotal
from meters.totals.days import Day, Totals
from solar.house_now import Known
from solar.moment import Unknown

COUNTERS = ("import_wh", "export_wh", "solar_wh", "charge_wh", "discharge_wh")
# While these hold every counter is told all the same.
COUNTS_ON = (None, Unknown.BATTERY_UNREAD, Unknown.DISAGREE)


@dataclass(frozen=True, slots=True)
class HouseDay:
    """Wh, and shares from 0 to 1; None is what is not known. `known_s`: how much of the day `use_wh` is of, where that is not all of it.

    `bases`: where the live balance's counters stood at midnight, `parts` what each counted since, for what counts on from there; empty
    where it cannot.
    """

    solar_wh: int | None = None
    use_wh: int | None = None
    self_consumption: float | None = None
    self_sufficiency: float | None = None
    known_s: int | None = None
    bases: dict[str, int] = field(default_factory=dict)
    parts: dict[str, int] = field(default_factory=dict)


def running_sources(known: Known, which: date, zone: ZoneInfo, now: datetime) -> list[Source]:
    """Those of sun and battery that a day that runs is counted from; a day that is over has its quarters."""
    start, end = timegrid.day_bounds(which, zone)
    return [source for source in known.sources if source.retired is None or source.retired >= start] if start <= now < end else []


def of(
    which: date, today: date, counted: Day, house: House, known: Known, metered: Sequence[Source], frame: Frame | None, now: datetime
) -> HouseDay:
    """`counted`: of the meters and of `running_sources`. `frame`: the live balance that holds now, None where there is none."""
    if which > today:
        return HouseDay()
    return over(which, house, known, metered, now) if which < today else running(counted, house, known, metered, frame, now)


def over(which: date, house: House, known: Known, metered: Sequence[Source], now: datetime) -> HouseDay:
    """Of a day that is over. Kept in Redis: asked again, it takes no SQL."""
    [total] = quarters.periods(_house(house, known, metered), Span.DAY, which, which + DAY, now).values()
    return _of_quarters(total, house.unread_battery)


def running(counted: Day, house: House, known: Known, metered: Sequence[Source], frame: Frame | None, now: datetime) -> HouseDay:
    """Of today, up to this moment."""
    told = frame if frame is not None and frame.get("unknown") in COUNTS_ON else None
    counters = _counters(counted, known, metered, asleep=bool(frame and frame.get("asleep"))) if told is not None else None
    if told is None or counters is None:
        start, _end = timegrid.day_bounds(timegrid.local_day(now, ZoneInfo(house.zone)), ZoneInfo(house.zone))
        [total] = quarters.ranges(_house(house, known, metered), [(start, timegrid.quarter_start(now))], now)
        return _of_quarters(total, house.unread_battery, _made(counted, known))
    return _running(counters, told, house, known, metered, now)


def _running(counters: _Counters, told: Frame, house: House, known: Known, metered: Sequence[Source], now: datetime) -> HouseDay:
    parts = {
        name: told[name] - counters.bases[name] if name in told and name in counters.bases else counters.parts[name] for name in COUNTERS
    }
    if any(part < 0 for part in parts.values()):  # a counter that began anew since the last stored reading
        parts = counters.parts
    found = balance.of(parts["import_wh"], parts["export_wh"], parts["solar_wh"], parts["charge_wh"], parts["discharge_wh"])
    split = found
    if counters.battery:
        zone = ZoneInfo(house.zone)
        start = timegrid.midnight(timegrid.local_day(now, zone), zone)
        [total] = quarters.ranges(_house(house, known, metered), [(start, timegrid.quarter_start(now))], now)
        split = total.balance
    day = _told(found, split, house.unread_battery)
    follows = all(name in counters.bases for name in COUNTERS) and not house.unread_battery and found is not None and found.agrees
    return HouseDay(*day, bases=counters.bases if follows else {}, parts=parts if follows else {})


def _told(found: Balance | None, split: Balance | None, unread_battery: bool) -> tuple[int | None, int | None, float | None, float | None]:
    if found is None:
        return None, None, None, None
    if unread_battery:
        return found.solar, None, None, None
    if split is None:
        return found.solar, found.use, None, None
    return found.solar, found.use, split.self_consumption, split.self_sufficiency


def _of_quarters(total: HouseTotal, unread_battery: bool, solar_wh: int | None = None) -> HouseDay:
    """`solar_wh`: what is known of the sun by itself, where that is more than the quarters tell."""
    solar, use, consumption, sufficiency = _told(total.balance, total.balance, unread_battery)
    part = total.known < total.quarters and total.balance is not None
    return HouseDay(
        solar if solar_wh is None else solar_wh, use, consumption, sufficiency, total.known * timegrid.QUARTER_S if part else None
    )


def _house(house: House, known: Known, metered: Sequence[Source]) -> quarters.House:
    electric = [source for source in metered if source.kind == Source.Kind.ELECTRICITY]
    return quarters.House([*electric, *known.sources], known.fed, ZoneInfo(house.zone), place.of(house))


def _made(counted: Day, known: Known) -> int | None:
    """By all inverters that told anything today; None where one of them lacks."""
    made = [counted.others.get(source.pk) for source in known.sources if source.kind == Source.Kind.PRODUCTION and source.pk in known.fed]
    values = [part.registers.get("total_wh") for part in made if part is not None]
    known_values = [value for value in values if value is not None]
    return sum(known_values) if made and len(known_values) == len(made) else None


@dataclass(slots=True)
class _Counters:
    """What each counted today, and where it stood at midnight as the devices show it, as far as they show it."""

    parts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTERS, 0))
    bases: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTERS, 0))
    battery: bool = False

    def add(self, name: str, part: Totals | None, registers: Sequence[str], *, shown: bool = True) -> bool:
        """False where it is not known. `shown`: a device still shows it, so that the live counter holds it."""
        if part is None or part.counted_from is not None or part.unknown.intersection(registers):
            return False
        told = [register for register in registers if register in part.registers]
        if not told:
            return False
        counted = sum(part.registers[register] for register in told)
        self.parts[name] += counted
        if name not in self.bases:
            return True
        if shown and any(register not in part.counters for register in told):
            del self.bases[name]
        else:
            self.bases[name] += (sum(part.counters[register] for register in told) if shown else 0) - counted
        return True


def _counters(counted: Day, known: Known, metered: Sequence[Source], *, asleep: bool) -> _Counters | None:
    """None where a part of today is not known of one of them: then only quarters tell how much is."""
    found = _Counters()
    electric = {source.meter_id: source.meter for source in metered if source.kind == Source.Kind.ELECTRICITY and source.meter is not None}
    for meter_id, meter in electric.items():
        part = counted.totals.get((meter_id or 0, Source.Medium.ELECTRICITY))
        if part is None and not meter.enabled:
            continue
        if not found.add("import_wh", part, ("import_t1_wh", "import_t2_wh")) or not meter.enabled:
            return None
        if not found.add("export_wh", part, ("export_t1_wh", "export_t2_wh")) and part is not None and part.unknown:
            return None  # otherwise it is a meter that knows no injection
    for source in known.sources:
        if not _add_device(found, source, counted.others.get(source.pk), fed=source.pk in known.fed, asleep=asleep):
            return None
    return found


def _add_device(found: _Counters, source: Source, part: Totals | None, *, fed: bool, asleep: bool) -> bool:
    if part is None and not fed:
        return True
    if source.kind == Source.Kind.BATTERY:
        found.battery = True
        both = [found.add(f"{way}_wh", part, (f"{way}_wh",), shown=fed) for way in ("charge", "discharge")]
        return all(both)
    if part is not None and not part.registers and not part.unknown and asleep:
        part.registers["total_wh"] = 0  # it has told nothing since midnight
    return found.add("solar_wh", part, ("total_wh",), shown=fed)
