"""Which counters one reading of an address is for: its only one, or one of each inverter behind it. Pure."""

from collections.abc import Set
from dataclasses import dataclass

from solar.production import Production, Unit

LONGEST_UNIT = 80


@dataclass(frozen=True, slots=True)
class Part:
    """W now, Wh ever made and Wh of the day of one counter; None is what was not said."""

    unit: str
    power_w: int | None
    total_wh: int | None
    day_wh: int | None = None


def parts_of(found: Production, known: Set[str]) -> list[Part]:
    """`known`: the units of this address that have a counter already. How it was split at first, it stays: a roof that was counted
    once as a whole and once by inverters would be counted twice."""
    units = _named(found.units)
    by_unit = len(known) > 1 or (len(units) > 1 and _may_split(units, known))
    if by_unit and units:
        return [Part(unit.name, unit.power_w, unit.total_wh) for unit in units]
    if by_unit:
        return []
    [only] = known if known else [units[0].name if len(units) == 1 else ""]
    return [Part(only, found.power_w, found.total_wh, found.day_wh)]


def _may_split(units: list[Unit], known: Set[str]) -> bool:
    """A second inverter may join a first one that is known by its name; else each must tell a counter of its own."""
    if known:
        return known <= {unit.name for unit in units}
    return all(unit.total_wh is not None for unit in units)


def _named(units: tuple[Unit, ...]) -> list[Unit]:
    """Two of the same model may call themselves the same."""
    seen: dict[str, int] = {}
    found = []
    for unit in units:
        plain = unit.name[: LONGEST_UNIT - 4]
        seen[plain] = seen.get(plain, 0) + 1
        found.append(Unit(plain if seen[plain] == 1 else f"{plain} {seen[plain]}", unit.power_w, unit.total_wh))
    return found
