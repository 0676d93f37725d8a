"""Gas and water meters behind the P1 meter: known by their device type and serial number, never by their channel. Pure."""

from datetime import datetime

from meters.p1 import lines
from meters.p1.telegram import Volume

MEDIA = {3: "gas", 7: "water"}
TYPE = "24.1.0"
SERIALS = ("96.1.1", "96.1.0")  # Belgium, the Netherlands
OLD_READING = "24.3.0"  # DSMR 2.2 and 3: its number stands on a line of its own
READINGS = ("24.2.3", "24.2.1", OLD_READING)  # Belgian gas (not temperature corrected); Dutch gas and all water
CODES = frozenset({TYPE, *SERIALS, *READINGS})


def volume(found: dict[str, str]) -> tuple[Volume | None, str | None]:
    """One channel's volume from its lines by code, and the first line that could not be read.

    (None, None): neither gas nor water, or a slot that nothing answers in: its time is empty, 1970 or nonsense.
    """
    code = TYPE
    if code not in found:
        return None, None
    try:
        medium = MEDIA.get(lines.M_BUS_TYPE.parse(found[code]).value)
        reading_code = next((code for code in READINGS if code in found), None)
        if medium is None or reading_code is None:
            return None, None
        code = reading_code
        reading = _reading(found[code], old=code == OLD_READING)
        if reading is None:
            return None, None
        serial = ""
        for code in SERIALS:
            serial = serial or (lines.serial(found[code]) if code in found else "")
    except lines.UNREADABLE:
        return None, found[code]
    return Volume(medium, serial, reading[1], reading[0]), None


def _reading(line: str, *, old: bool) -> tuple[datetime, int] | None:
    """(time, litres), None for a dead slot. Raises one of lines.UNREADABLE."""
    if lines.is_never(line):
        return None
    parsed = (lines.M_BUS_OLD_READING if old else lines.M_BUS_READING).parse(line)
    if parsed.datetime is None or parsed.value is None or parsed.unit != "m3":
        raise ValueError("a time and m3 expected")
    if parsed.value > lines.INT32:
        raise lines.OutOfRange(f"{parsed.value} l is out of range")
    return parsed.datetime, parsed.value
