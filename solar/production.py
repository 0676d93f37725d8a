"""What an inverter says of itself at one moment, whatever its make. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Condition(StrEnum):
    PRODUCING = "producing"
    STARTING = "starting"
    STANDBY = "standby"  # awake, and nothing to make
    ASLEEP = "asleep"  # it says so itself, or does not answer between dusk and dawn
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Unit:
    """One inverter behind the address. W now (None: it did not say), Wh it ever made."""

    name: str
    power_w: int | None = None
    total_wh: int | None = None


@dataclass(frozen=True, slots=True)
class Production:
    """W now and Wh of the day and of all time; None is what the device did not say, never a zero of our own.

    `battery_w`: positive while it gives, negative while it is charged; `battery_pct`: 0 to 100. `code`: the device's own of a fault.
    """

    power_w: int | None
    condition: Condition
    day_wh: int | None = None
    total_wh: int | None = None
    battery_w: int | None = None
    battery_pct: float | None = None
    code: str = ""
    units: tuple[Unit, ...] = ()


def summed(parts: list[Production]) -> Production:
    """Several units of one address as one. A sum that lacks a part is unknown, so that half a roof never looks like a cloud."""
    if len(parts) == 1:
        return parts[0]
    worst = max((part.condition for part in parts), key=list(Condition).index)
    producing = any(part.condition is Condition.PRODUCING for part in parts)
    return Production(
        power_w=_all(part.power_w for part in parts),
        condition=Condition.PRODUCING if producing and worst is not Condition.FAULT else worst,
        day_wh=_all(part.day_wh for part in parts),
        total_wh=_all(part.total_wh for part in parts),
        battery_w=_all(part.battery_w for part in parts if part.battery_w is not None),
        battery_pct=next((part.battery_pct for part in parts if part.battery_pct is not None), None),
        code=next((part.code for part in parts if part.code), ""),
        units=tuple(unit for part in parts for unit in part.units),
    )


def _all(values: Iterable[int | None]) -> int | None:
    given = list(values)
    known = [value for value in given if value is not None]
    return sum(known) if known and len(known) == len(given) else None
