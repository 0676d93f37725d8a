"""Where the sun stands, when it is night and when the next day breaks. Pure."""

import math
from typing import Protocol

# Panels make nothing, and inverters switch off, when the sun is this far below the horizon: the margin is for hills and zone cities.
NIGHT_BELOW_DEG = -2.0
STEP_S = 600
SEARCHED_S = 2 * 86400


class Spot(Protocol):
    """Degrees north and east, as energysite.place.Place has them."""

    @property
    def latitude(self) -> float: ...
    @property
    def longitude(self) -> float: ...


def position(at: float, latitude: float, longitude: float) -> tuple[float, float]:
    """Elevation (without refraction) and azimuth at an epoch second, radians; azimuth from the south, west positive.

    `latitude` and `longitude`: degrees north and east. The low-precision formulas of the Astronomical Almanac, good to 0.01 degree
    for this century.
    """
    days = at / 86400 - 10957.5  # since J2000.0
    anomaly = math.radians(357.528 + 0.9856003 * days)
    ecliptic = math.radians(280.460 + 0.9856474 * days + 1.915 * math.sin(anomaly) + 0.020 * math.sin(2 * anomaly))
    tilt = math.radians(23.439 - 0.0000004 * days)
    declination = math.asin(math.sin(tilt) * math.sin(ecliptic))
    ascension = math.atan2(math.cos(tilt) * math.sin(ecliptic), math.cos(ecliptic))
    hour = math.radians(280.46062 + 360.98564737 * days + longitude) - ascension
    north = math.radians(latitude)
    height = math.sin(north) * math.sin(declination) + math.cos(north) * math.cos(declination) * math.cos(hour)
    elevation = math.asin(max(-1.0, min(1.0, height)))
    azimuth = math.atan2(math.sin(hour), math.cos(hour) * math.sin(north) - math.tan(declination) * math.cos(north))
    return elevation, azimuth


def elevation_deg(at: float, latitude: float, longitude: float) -> float:
    return math.degrees(position(at, latitude, longitude)[0])


def is_night(place: Spot, at: float) -> bool:
    """The sun is more than 2 degrees below the horizon: between dusk and dawn."""
    return elevation_deg(at, place.latitude, place.longitude) < NIGHT_BELOW_DEG


def dawn_after(place: Spot, at: float) -> float | None:
    """The epoch second (to about a second) at which the night that is at `at`, or else the next one, ends. None where no night
    ends within two days: in the polar summer and winter."""
    night = is_night(place, at)
    latest = at + SEARCHED_S
    before = at
    while before < latest:
        after = before + STEP_S
        dark = is_night(place, after)
        if night and not dark:
            return _edge(place, before, after)
        night, before = dark, after
    return None


def _edge(place: Spot, night: float, day: float) -> float:
    while day - night > 1:
        middle = (night + day) / 2
        if is_night(place, middle):
            night = middle
        else:
            day = middle
    return day
