"""Where the house stands: as its row says, else its zone's city."""

import pytest

from energysite import place
from energysite.models import House
from energysite.place import Place


def test_the_house_s_own_place_rules() -> None:
    assert place.of(House(zone="Europe/Brussels", latitude=51.2, longitude=3.2)) == Place(51.2, 3.2, exact=True)


def test_a_place_on_the_equator_and_the_meridian_is_a_place() -> None:
    assert place.of(House(zone="Europe/Brussels", latitude=0, longitude=0)) == Place(0, 0, exact=True)


@pytest.mark.parametrize(("latitude", "longitude"), [(None, None), (51.2, None), (None, 3.2)])
def test_otherwise_it_is_the_city_of_the_time_zone(latitude: float | None, longitude: float | None) -> None:
    found = place.of(House(zone="Europe/Brussels", latitude=latitude, longitude=longitude))
    assert found is not None
    assert not found.exact
    assert (found.latitude, found.longitude) == pytest.approx((50.83, 4.33), abs=0.01)


@pytest.mark.parametrize(
    ("zone", "latitude", "longitude"),
    [
        ("America/Argentina/Ushuaia", -54.80, -68.30),  # south and west, minutes
        ("Africa/Addis_Ababa", 9.03, 38.7),
        ("America/New_York", 40.714, -74.006),  # with seconds
    ],
)
def test_cities_of_all_quarters_of_the_earth(zone: str, latitude: float, longitude: float) -> None:
    found = place.of(House(zone=zone))
    assert found is not None
    assert (found.latitude, found.longitude) == pytest.approx((latitude, longitude), abs=0.01)


@pytest.mark.parametrize("zone", ["UTC", "Etc/GMT+3", "Nowhere/City", ""])
def test_a_zone_without_a_city_is_nowhere(zone: str) -> None:
    assert place.of(House(zone=zone)) is None
