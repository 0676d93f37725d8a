"""What each line of a telegram holds, as dsmr-parser reads it. Pure.

dsmr-parser takes a line apart; the values themselves are coerced here, for three reasons: Decimal accepts "NaN" and
"1e9", its time stamps go by a zone instead of their own flag, and its whole-telegram call gives up on one bad line.
Integers are exact: Wh, W, dV, cA, litres; further decimals are cut off.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from dsmr_parser.exceptions import ParseError
from dsmr_parser.parsers import CosemParser, DSMRObjectParser, MaxDemandParser, MBusParser, ValueParser

from meters.p1 import stamps
from meters.p1.telegram import Peak

INT32 = 2**31 - 1
INT16 = 2**15 - 1

# Everything dsmr-parser, and the conversions below, are known to raise on a line they cannot read.
UNREADABLE = (ParseError, ValueError, LookupError, ArithmeticError, TypeError)

_NUMBER = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,12}))?")
_GROUP = re.compile(r"\(([^()]*)\)")


class OutOfRange(ValueError):
    """A number that no meter of a house can show, or that its column cannot hold."""


def _scaled(decimals: int) -> Callable[[str], int]:
    """A coercion to a whole number of 10^-decimals."""

    def coerce(text: str) -> int:
        match = _NUMBER.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is no number")
        return int(match[1] + (match[2] or "")[:decimals].ljust(decimals, "0"))

    return coerce


@dataclass(frozen=True, slots=True)
class Field:
    """One line with a number (or time, or text) in it. `off`: the number from which on it stands for "not limited"."""

    name: str
    parser: DSMRObjectParser
    unit: str | None = None
    limit: int = INT32
    essential: bool = False
    off: int | None = None


def _number(name: str, unit: str | None, decimals: int, *, limit: int = INT32, essential: bool = False, off: int | None = None) -> Field:
    return Field(name, CosemParser(ValueParser(_scaled(decimals))), unit, limit, essential, off)


TIME = "0-0:1.0.0"
SERIAL = "0-0:96.1.1"
MONTH_PEAK = "1-0:1.6.0"
PEAKS = "0-0:98.1.0"

_TEXT = CosemParser(ValueParser(str))

FIELDS: dict[str, Field] = {
    TIME: Field("time", CosemParser(ValueParser(stamps.utc)), essential=True),
    SERIAL: Field("serial", _TEXT),
    MONTH_PEAK: Field("month_peak_w", MBusParser(ValueParser(stamps.utc), ValueParser(_scaled(3))), "kW"),
    PEAKS: Field("peaks", MaxDemandParser()),
    "1-0:1.8.1": _number("import_t1_wh", "kWh", 3, essential=True),
    "1-0:1.8.2": _number("import_t2_wh", "kWh", 3, essential=True),
    "1-0:2.8.1": _number("export_t1_wh", "kWh", 3, essential=True),
    "1-0:2.8.2": _number("export_t2_wh", "kWh", 3, essential=True),
    "1-0:1.7.0": _number("import_w", "kW", 3, essential=True),
    "1-0:2.7.0": _number("export_w", "kW", 3, essential=True),
    "0-0:96.14.0": _number("tariff", None, 0, limit=INT16),
    "1-0:1.4.0": _number("quarter_w", "kW", 3),
    "0-0:96.3.10": _number("breaker", None, 0, limit=INT16),
    "0-0:17.0.0": _number("limiter_w", "kW", 3, off=999900),
    "1-0:31.4.0": _number("fuse_a", "A", 0, off=999),
}
for _phase, _first in ((1, 20), (2, 40), (3, 60)):
    FIELDS |= {
        f"1-0:{_first + 1}.7.0": _number(f"l{_phase}_import_w", "kW", 3),
        f"1-0:{_first + 2}.7.0": _number(f"l{_phase}_export_w", "kW", 3),
        f"1-0:{_first + 12}.7.0": _number(f"l{_phase}_dv", "V", 1, limit=INT16),
        f"1-0:{_first + 11}.7.0": _number(f"l{_phase}_ca", "A", 2, limit=INT16),
    }

# DSMR 2.2 and 3 state the limiter in kW or A by model; the ampere form says nothing we show.
OTHER_UNIT_IS_NO_FAULT = frozenset({"0-0:17.0.0"})

M_BUS_TYPE = CosemParser(ValueParser(_scaled(0)))
M_BUS_READING = MBusParser(ValueParser(stamps.utc), ValueParser(_scaled(3)))
M_BUS_OLD_READING = MBusParser(ValueParser(stamps.utc), *[ValueParser(str)] * 5, ValueParser(_scaled(3)))


def number(field: Field, line: str) -> int | None:
    """The line's number. Raises one of UNREADABLE (OutOfRange among them); None: "off", or not in our unit where that is no fault."""
    item = field.parser.parse(line).values[-1]
    value: Any = item["value"]
    if value is None:
        raise ValueError("empty")
    if item["unit"] != field.unit:
        if line.partition("(")[0] in OTHER_UNIT_IS_NO_FAULT:
            return None
        raise ValueError(f"{field.unit or 'no unit'} expected")
    if value > field.limit:
        raise OutOfRange(f"{value} is out of range")
    return None if field.off is not None and value >= field.off else int(value)


def time(line: str) -> datetime | None:
    """The telegram's own time; None when the stamp is no time. Raises one of UNREADABLE."""
    found: datetime | None = FIELDS[TIME].parser.parse(line).value
    return found


def serial(line: str) -> str:
    """A serial number, written in hexadecimal ASCII; one that is not is taken as it stands. Raises one of UNREADABLE."""
    return _ascii(_TEXT.parse(line).value or "")


@lru_cache(maxsize=64)
def _ascii(text: str) -> str:
    try:
        plain = bytes.fromhex(text).decode("ascii").strip()
    except ValueError:
        plain = ""
    return (plain if plain.isprintable() and plain else text)[:64]


def is_never(line: str) -> bool:
    """True when the first value is written as a time but is none, or is empty: how a meter says "never"."""
    first = _GROUP.search(line)
    return first is not None and (not first[1] or (stamps.is_stamp(first[1]) and stamps.utc(first[1]) is None))


def month_peak(line: str) -> tuple[datetime | None, int]:
    """(time, W) of 1-0:1.6.0. Raises one of UNREADABLE."""
    watts = number(FIELDS[MONTH_PEAK], line)
    if watts is None:
        raise ValueError("empty")
    return stamps.utc(_GROUP.findall(line)[0]), watts


# The line changes once a month and its 26 stamps are the costliest of a telegram.
@lru_cache(maxsize=64)
def peaks(line: str) -> tuple[Peak, ...]:
    """The past months' peaks of 0-0:98.1.0: a count, two ids, then label, time and kW of each. Raises one of UNREADABLE.

    A month without consumption has a nonsense time: its peak stands, without one. A label that is no time falls
    back on the month of the peak itself; where neither is a time, the entry is no peak.
    """
    groups = _GROUP.findall(line)
    read = FIELDS[PEAKS].parser.parse(line)
    if len(groups) != 3 + 3 * len(read) and not (not read and len(groups) <= 3):
        raise ValueError("the count does not match")
    found = []
    for i, item in enumerate(read):
        label, occurred = groups[3 + 3 * i], groups[4 + 3 * i]
        watts = _scaled(3)(str(item.value))
        if item.unit != "kW" or watts > INT32:
            raise ValueError("kW expected")
        at = stamps.utc(occurred)
        month = stamps.month_before(label) or (at and f"20{occurred[:2]}-{occurred[2:4]}")
        if month:
            found.append(Peak(month, at, watts))
    return tuple(found)
