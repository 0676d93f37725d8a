"""Faults of a P1 port, each of them seen in real houses. Pure, seeded."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from energysite.demo.calendar import chance

SILENT_PERIOD_S = 60


@dataclass(frozen=True, slots=True)
class Fault:
    """`every`: which telegrams it strikes (one in so many); for silence, how many seconds of each minute nothing comes.

    `unplugged`, which demo.hands knows: nothing comes at all.
    """

    name: str
    every: int


def _crc(raw: bytes, _dice: Random) -> bytes:
    """A digit of the first counter is another one; the checksum stays."""
    at = raw.index(b"*kWh") - 1
    return raw[:at] + b"%d" % ((raw[at] - 48 + 1) % 10) + raw[at + 1 :]


def _cut(raw: bytes, dice: Random) -> bytes:
    return raw[: dice.randrange(1, len(raw) - 1)]


def _garbage(raw: bytes, dice: Random) -> bytes:
    return dice.randbytes(dice.randrange(200, 2000)) + raw


SPOILERS: dict[str, Callable[[bytes, Random], bytes]] = {"crc": _crc, "cut": _cut, "garbage": _garbage}
# name -> what --fault NAME means without a number
DEFAULTS = {"crc": 10, "cut": 10, "garbage": 10, "silence": 30, "frozen": 0}


def parse(text: str) -> Fault:
    """`crc`, `cut:5`, `silence:40`, `frozen` ... Raises ValueError in words."""
    name, separator, number = text.partition(":")
    if name not in DEFAULTS:
        raise ValueError(f"There is no fault {name!r}. Choose from {', '.join(sorted(DEFAULTS))}.")
    if not separator:
        return Fault(name, DEFAULTS[name])
    if not number.isdigit() or int(number) < 1:
        raise ValueError(f"{text!r}: the number after {name} must be 1 or more.")
    if name == "silence" and int(number) >= SILENT_PERIOD_S:
        raise ValueError(f"{text!r}: at most {SILENT_PERIOD_S - 1} of every {SILENT_PERIOD_S} seconds can be silent.")
    return Fault(name, int(number))


def spoil(raw: bytes, at: int, faults: list[Fault]) -> bytes:
    """What really leaves the port at that second; empty: nothing does. `frozen` is the meter's own affair, not the port's."""
    for fault in faults:
        if fault.name == "unplugged":
            return b""
        if fault.name == "silence":
            if at % SILENT_PERIOD_S < fault.every:
                return b""
        elif fault.name in SPOILERS and at % fault.every == 0:
            raw = SPOILERS[fault.name](raw, chance("fault", fault.name, at))
    return raw
