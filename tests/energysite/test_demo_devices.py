"""The inverters of the demo house, asked by the site's own readers."""

import time
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest

from energysite.demo import roof
from energysite.demo.calendar import midnight
from energysite.demo.model import House
from energysite.demo.on_the_wire import Wire, on_the_wire
from energysite.errors import BadReading, DeviceConfigError, DeviceUnavailable
from solar.production import Condition, Production
from solar.readers import Reader
from solar.readers.fronius import Fronius
from solar.readers.sunspec import SunSpec
from tests.energysite import demo

NOON = midnight(date(2026, 3, 10)) + 12 * 3600 + 7
READERS: dict[str, Callable[[str], Reader]] = {
    "fronius": Fronius,
    "sunspec": lambda address: SunSpec(address, (1, 2)),
}


class Clock:
    def __init__(self, at: int) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


@pytest.fixture(scope="module")
def house() -> House:
    return demo.house()


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock(NOON)


@pytest.fixture(scope="module")
def opened(house: House, clock: Clock) -> Iterator[Wire]:
    with on_the_wire(house, clock) as wire:
        yield wire


@pytest.fixture
def wire(opened: Wire, clock: Clock) -> Wire:
    clock.at = NOON
    for name, device in opened.devices.items():
        if device.mode.name != "auto":
            opened.set(name, "auto")
    return opened


def read(wire: Wire, name: str, seconds: float = 5) -> Production:
    return ask(READERS[name](wire[name].address), seconds)


def ask(reader: Reader, seconds: float = 5) -> Production:
    try:
        return reader.read(time.monotonic() + seconds)
    finally:
        reader.close()


def test_the_inverters_together_make_the_houses_sun_to_the_watt_at_any_second(house: House) -> None:
    for day in (date(2025, 12, 21), date(2026, 1, 2), date(2026, 3, 29)):
        counted = house.day(day)
        for second in range(7, counted.seconds, 1801):
            at = counted.start + second
            alone = [house.made((part,), at) for part in range(3)]
            together = house.made((0, 1, 2), at)
            assert sum(made.power_w for made in alone) == together.power_w == counted.solar_w[(second - 1) // 10]
            assert together.total_wh - 2 <= sum(made.total_wh for made in alone) <= together.total_wh
        assert sum(counted.made_ws(part, counted.seconds) for part in range(3)) == 10 * sum(counted.solar_w)


def test_counters_go_on_over_midnights_years_and_the_ledgers_epoch(house: House) -> None:
    for day in (date(2025, 12, 31), date(2026, 1, 1), date(2026, 3, 29), date(2026, 3, 30)):
        before, after = (house.made((0,), midnight(day) + second) for second in (0, 1))
        assert after.total_wh == before.total_wh
        assert after.day_wh == 0
        noon = house.made((0,), midnight(day) + 12 * 3600)
        assert noon.total_wh - before.total_wh in (noon.day_wh, noon.day_wh + 1)
    new_year, march = house.made((0,), midnight(date(2026, 1, 1)) + 1), house.made((0,), NOON)
    assert new_year.year_wh == 0
    assert march.total_wh - new_year.total_wh in (march.year_wh, march.year_wh + 1)


def test_power_is_what_the_counters_move(house: House) -> None:
    start = NOON - 600
    made = [house.made((1,), at) for at in range(start, start + 3601)]
    by_power = sum(one.power_w for one in made[1:]) / 3600
    assert abs(made[-1].total_wh - made[0].total_wh - by_power) < 1


def test_two_inverters_on_the_wire_tell_the_models_sun(wire: Wire, house: House, clock: Clock) -> None:
    for at in (NOON, NOON + 1234, midnight(date(2026, 3, 10)) + 9 * 3600):
        clock.at = at
        fronius, sunspec = read(wire, "fronius"), read(wire, "sunspec")
        large = house.made((0,), at)
        assert (fronius.power_w, fronius.day_wh, fronius.total_wh) == (large.power_w, large.day_wh, large.total_wh)
        assert [unit.total_wh for unit in sunspec.units] == [house.made((part,), at).total_wh for part in (1, 2)]
        assert (fronius.power_w or 0) + (sunspec.power_w or 0) == house.made((0, 1, 2), at).power_w > 0
        assert fronius.condition is sunspec.condition is Condition.PRODUCING


@pytest.mark.parametrize("name", READERS)
def test_at_night_it_says_that_it_sleeps_and_its_counter_stays(wire: Wire, name: str, clock: Clock) -> None:
    clock.at = midnight(date(2026, 3, 11)) - 3600
    evening = read(wire, name)
    clock.at += 4 * 3600
    night = read(wire, name)
    assert (night.power_w, night.condition) == (0, Condition.ASLEEP)
    assert night.total_wh == evening.total_wh > 1_000_000  # type: ignore[operator]


@pytest.mark.parametrize("name", READERS)
def test_its_clock_can_be_moved_to_the_day_and_to_the_night_and_its_counter_never_falls(wire: Wire, name: str, clock: Clock) -> None:
    clock.at = midnight(date(2026, 3, 10)) + 600
    wire.set(name, "night")
    night = read(wire, name)
    wire.set(name, "day")
    noon = read(wire, name)
    clock.at += 600
    later = read(wire, name)
    assert night.condition is Condition.ASLEEP
    assert noon.condition is later.condition is Condition.PRODUCING
    assert (night.total_wh or 0) < (noon.total_wh or 0) < (later.total_wh or 0)


@pytest.mark.parametrize("name", READERS)
def test_a_fault_is_told_in_its_own_words(wire: Wire, name: str) -> None:
    wire.set(name, "fault")
    told = read(wire, name)
    assert told.condition is Condition.FAULT
    assert not told.power_w


BAD: list[tuple[str, dict[str, Any]]] = [
    ("garbage", {"fronius": DeviceUnavailable, "sunspec": BadReading}),
    ("html", {"fronius": BadReading, "sunspec": BadReading}),
    ("redirect", {"fronius": DeviceConfigError, "sunspec": BadReading}),
    ("huge", {"fronius": DeviceUnavailable, "sunspec": BadReading}),
    ("status:404", {"fronius": DeviceConfigError, "sunspec": DeviceUnavailable}),
    ("status:6", {"sunspec": DeviceUnavailable}),
    ("silent", {"fronius": DeviceUnavailable, "sunspec": DeviceUnavailable}),
    ("slow", {"fronius": DeviceUnavailable, "sunspec": DeviceUnavailable}),
    ("off", {"fronius": DeviceUnavailable, "sunspec": DeviceUnavailable}),
]


@pytest.mark.parametrize(("mode", "name", "error"), [(mode, name, error) for mode, errors in BAD for name, error in errors.items()])
def test_on_a_bad_day_it_fails_as_such_devices_do_and_is_well_again_at_the_same_address(
    wire: Wire, mode: str, name: str, error: type[Exception]
) -> None:
    address = wire[name].address
    wire.set(name, mode)
    with pytest.raises(error):
        read(wire, name, 0.3)
    wire.set(name, "auto")
    assert wire[name].address == address
    assert read(wire, name).condition is Condition.PRODUCING


def test_a_slow_device_gives_its_answer_byte_by_byte(wire: Wire) -> None:
    wire.set("fronius", "slow:0.0001")
    assert read(wire, "fronius").condition is Condition.PRODUCING


def test_a_gen24_tells_no_energy_of_the_day(wire: Wire) -> None:
    wire.set("fronius", "gen24")
    told = read(wire, "fronius")
    assert told.day_wh is None
    assert told.total_wh and told.power_w


def test_an_unknown_unit_is_refused_as_each_protocol_does(wire: Wire) -> None:
    with pytest.raises(BadReading, match="not available"):
        ask(Fronius(wire["fronius"].address, (7,)))
    with pytest.raises(DeviceConfigError, match="no unit 9"):
        ask(SunSpec(wire["sunspec"].address, (9,)))


def test_what_the_roof_makes_in_steps_is_split_without_a_rest() -> None:
    for watts in (0, 1, 2, 3, 99, 101, 4999, 5000):
        assert sum(roof.part_w(watts, part) for part in range(3)) == watts
    assert sum(roof.energies_ws([7, 0, 4999], 10)) == 50_060
