"""What an inverter says of itself at one moment, whatever its make. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Condition(StrEnum):
    """From awake to asleep; a fault outdoes them all."""

    PRODUCING = "producing"
    STARTING = "starting"
    STANDBY = "standby"  # awake, and nothing to make
    ASLEEP = "asleep"  # it says so itself, or does not answer between dusk and dawn
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Unit:
    """One inverter behind the address, by a name that stays. W now (None: it did not say), Wh it ever made."""

    name: str
    power_w: int | None = None
    total_wh: int | None = None


@dataclass(frozen=True, slots=True)
class Production:
    """W now and Wh of the day and of all time; None is what the device did not say, never a zero of our own.

    Power and energy are what the inverter gives to the house; where its battery hangs on the panels' side, they are what the panels
    give, or None where the device's counters hold what came out of the battery too. `battery_w`: positive while it gives, negative
    while it is charged; `battery_pct`: 0 to 100. `code`: the device's own of a fault.
    """

    power_w: int | None
    condition: Condition
    day_wh: int | None = None
    total_wh: int | None = None
    battery_w: int | None = None
    battery_pct: float | None = None
    code: str = ""
    units: tuple[Unit, ...] = ()

    @property
    def has_battery(self) -> bool:
        return self.battery_w is not None or self.battery_pct is not None


def summed(parts: list[Production]) -> Production:
    """Several units of one address as one. A sum that lacks a part is unknown, so that half a roof never looks like a cloud; who is
    asleep and tells no power lacks none."""
    if len(parts) == 1:
        return parts[0]
    awake = [part.power_w for part in parts if part.power_w is not None or part.condition is not Condition.ASLEEP]
    return Production(
        power_w=_all(awake),
        condition=condition_of(part.condition for part in parts),
        day_wh=_all(part.day_wh for part in parts),
        total_wh=_all(part.total_wh for part in parts),
        battery_w=_all(part.battery_w for part in parts if part.has_battery),
        battery_pct=next((part.battery_pct for part in parts if part.battery_pct is not None), None),
        code=next((part.code for part in parts if part.code), ""),
        units=tuple(unit for part in parts for unit in part.units),
    )


def condition_of(given: Iterable[Condition]) -> Condition:
    """Of several units together: a fault if there is one, else the most awake. Raises ValueError where there are none."""
    found = set(given)
    return Condition.FAULT if Condition.FAULT in found else min(found, key=list(Condition).index)


def _all(values: Iterable[int | None]) -> int | None:
    given = list(values)
    known = [value for value in given if value is not None]
    return sum(known) if known and len(known) == len(given) else None
