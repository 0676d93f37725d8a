"""Where the house stands, for the sun: as its row says, else the city that its time zone is named after."""

import functools
import re
from dataclasses import dataclass
from importlib import resources

from energysite.models import House

# +DDMM or +DDMMSS, then the same of the longitude with three digits of degrees (ISO 6709).
ISO_6709 = re.compile(r"([+-])(\d{2})(\d{2})(\d{2})?([+-])(\d{3})(\d{2})(\d{2})?")


@dataclass(frozen=True, slots=True)
class Place:
    """Degrees north and east. `exact`: a person gave it; otherwise it is the zone's city, good for dusk and dawn only."""

    latitude: float
    longitude: float
    exact: bool


def of(house: House) -> Place | None:
    """None where neither the row nor the zone tells (UTC and the like)."""
    if house.latitude is not None and house.longitude is not None:
        return Place(house.latitude, house.longitude, exact=True)
    return _cities().get(house.zone)


@functools.cache
def _cities() -> dict[str, Place]:
    """Of zone.tab in tzdata, which names a place for each zone."""
    found = {}
    for line in (resources.files("tzdata") / "zoneinfo" / "zone.tab").read_text().splitlines():
        columns = line.split("\t")
        match = ISO_6709.fullmatch(columns[1]) if len(columns) >= 3 else None
        if match:
            north, east = _degrees(*match.group(1, 2, 3, 4)), _degrees(*match.group(5, 6, 7, 8))
            found[columns[2]] = Place(north, east, exact=False)
    return found


def _degrees(sign: str, degrees: str, minutes: str, seconds: str | None) -> float:
    value = int(degrees) + int(minutes) / 60 + int(seconds or 0) / 3600
    return -value if sign == "-" else value
