"""What a decision would change in the history, by local day and register."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from energysite import timegrid
from meters.blocks.house_zone import house_zone
from meters.boundaries import Boundary, boundaries
from meters.kinds import KINDS
from meters.models import Source

MOST_DAYS = 3700


@dataclass(frozen=True, slots=True)
class DayEffect:
    """Wh or litres of a register on a local day, None where nothing can be said."""

    day: date
    register: str
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class Effects:
    """`readings` that would enter (or, negative, leave) the history; `days` that would change, in order."""

    readings: int
    days: tuple[DayEffect, ...] = ()


Energies = dict[tuple[date, str], int | None]


def days_between(low: datetime, high: datetime) -> list[date]:
    """The local days that [low, high] touches; the last ten years of them."""
    zone = house_zone()
    first, last = timegrid.local_day(low, zone), timegrid.local_day(high, zone)
    first = max(first, last - timedelta(days=MOST_DAYS))
    return [first + timedelta(days=i) for i in range((last - first).days + 1)]


def energies(source: Source, days: Iterable[date]) -> Energies:
    """Of local days, from the readings alone; a day that readings cover in part has what they cover."""
    zone = house_zone()
    wanted = sorted(set(days))
    edges = [timegrid.midnight(day + timedelta(days=step), zone) for day in wanted for step in (0, 1)]
    found = boundaries([(source, edge) for edge in edges], blocks=False)
    return {
        (day, name): _difference(found[2 * i], found[2 * i + 1], register)
        for i, day in enumerate(wanted)
        for register, name in enumerate(KINDS[source.kind].registers)
    }


def _difference(start: Boundary, end: Boundary, register: int) -> int | None:
    low, high = _at(start, register), _at(end, register)
    return None if low is None or high is None else high - low


def _at(boundary: Boundary, register: int) -> int | None:
    """R there; before the first reading what that one shows, after the last what that one shows."""
    value = boundary.value(register)
    if value is not None:
        return value
    point = boundary.point_before(register) or boundary.point_after(register)
    return None if point is None else point[1]


def differences(before: Energies, after: Energies) -> tuple[DayEffect, ...]:
    return tuple(DayEffect(*key, before.get(key), value) for key, value in sorted(after.items()) if before.get(key) != value)
