"""The sun's place in the sky and the ends of the night, against almanacs, at the poles too."""

import math
from datetime import UTC, datetime

import pytest

from energysite import sun
from energysite.place import Place

BRUSSELS = Place(50.85, 4.35, exact=True)
TROMSO = Place(69.65, 18.96, exact=True)
SYDNEY = Place(-33.87, 151.21, exact=True)


def _at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("place", "when", "elevation", "azimuth"),
    [
        # NREL's solar position algorithm (Reda & Andreas), its own worked example: zenith 50.11162, azimuth 194.34024 from the north.
        (Place(39.742476, -105.1786, exact=True), "2003-10-17T19:30:30", 90 - 50.12, 14.34),
        # At noon of a solstice the sun stands at 90 - latitude + tilt of the axis, due south; south of the tropics due north.
        (BRUSSELS, "2026-06-21T11:44:30", 62.59, 0.0),
        (SYDNEY, "2026-12-22T01:54:00", 79.57, 180.0),
    ],
)
def test_the_sun_stands_where_the_almanac_has_it(place: Place, when: str, elevation: float, azimuth: float) -> None:
    found, direction = sun.position(_at(when), place.latitude, place.longitude)
    assert math.degrees(found) == pytest.approx(elevation, abs=0.05)
    assert abs((math.degrees(direction) - azimuth + 180) % 360 - 180) < 1.0


def test_the_elevation_in_degrees_is_that_of_the_position() -> None:
    at = _at("2026-03-20T12:00:00")
    assert sun.elevation_deg(at, 50.85, 4.35) == pytest.approx(math.degrees(sun.position(at, 50.85, 4.35)[0]))


def test_night_lasts_from_dusk_to_dawn() -> None:
    # Sunset in Brussels on 24 November is 15:45 UTC, sunrise on the 25th 07:16 UTC; two degrees take a quarter of an hour there.
    assert not sun.is_night(BRUSSELS, _at("2026-11-24T15:45:00"))
    assert sun.is_night(BRUSSELS, _at("2026-11-24T16:15:00"))
    assert sun.is_night(BRUSSELS, _at("2026-11-25T06:45:00"))
    assert not sun.is_night(BRUSSELS, _at("2026-11-25T07:16:00"))


@pytest.mark.parametrize("asked", ["2026-11-24T12:00:00", "2026-11-24T20:00:00", "2026-11-25T06:00:00"])
def test_the_next_dawn_is_found_by_day_and_by_night(asked: str) -> None:
    dawn = sun.dawn_after(BRUSSELS, _at(asked))
    assert dawn is not None
    assert _at("2026-11-25T06:55:00") < dawn < _at("2026-11-25T07:16:00")
    assert sun.elevation_deg(dawn, 50.85, 4.35) == pytest.approx(sun.NIGHT_BELOW_DEG, abs=0.01)


def test_a_polar_day_and_a_polar_night_have_no_dawn() -> None:
    assert not sun.is_night(TROMSO, _at("2026-06-21T23:00:00"))
    assert sun.dawn_after(TROMSO, _at("2026-06-21T12:00:00")) is None
    north_pole = Place(90.0, 0.0, exact=True)
    assert sun.is_night(north_pole, _at("2026-12-21T12:00:00"))
    assert sun.dawn_after(north_pole, _at("2026-12-21T12:00:00")) is None
