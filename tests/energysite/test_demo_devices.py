"""The inverters of the demo house, asked by the site's own readers."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import gpiozero
import pytest
from django.conf import settings

from energysite.demo import roof, signals
from energysite.demo.calendar import midnight
from energysite.demo.devices import sma
from energysite.demo.devices.modes import Mode, parse_device_mode
from energysite.demo.model import House
from energysite.demo.on_the_wire import Wire, on_the_wire
from energysite.demo.profile import Recipe
from energysite.errors import BadReading, DeviceConfigError, DeviceUnavailable, EnergyError
from meters.analog.socket_bus import SocketFactory
from meters.transports.http import HttpDevice
from solar.production import Condition, Production
from solar.readers import Reader
from solar.readers.fronius import Fronius
from solar.readers.homewizard import HomeWizardKwh
from solar.readers.sma import SmaWebConnect
from solar.readers.sunspec import SunSpec
from tests.energysite import demo

NOON = midnight(date(2026, 3, 10)) + 12 * 3600 + 7
READERS: dict[str, Callable[[str], Reader]] = {
    "fronius": Fronius,
    "sunspec": lambda address: SunSpec(address, (1, 2)),
    "sma": lambda address: SmaWebConnect(address, sma.PASSWORD),
    "homewizard": HomeWizardKwh,
}
# Which of the roof's inverters it tells of.
PARTS = {"fronius": (0,), "sunspec": (1, 2), "sma": (1, 2), "homewizard": (0,)}


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
def opened(house: House, clock: Clock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    with on_the_wire(house, clock, [*READERS, "spi"], folder=tmp_path_factory.mktemp("wire")) as wire:
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
def test_each_device_tells_of_its_own_part_of_the_roof(wire: Wire, house: House, name: str) -> None:
    told, made = read(wire, name), house.made(PARTS[name], NOON)
    assert (told.power_w, told.condition) == (made.power_w, Condition.PRODUCING)
    assert made.total_wh - 1 <= (told.total_wh or 0) <= made.total_wh
    assert told.day_wh in (made.day_wh, None)


@pytest.mark.parametrize("name", READERS)
def test_at_night_it_sleeps_and_its_counter_stays(wire: Wire, name: str, clock: Clock) -> None:
    clock.at = midnight(date(2026, 3, 11)) - 3600
    evening = read(wire, name)
    clock.at += 4 * 3600
    night = read(wire, name)
    assert night.power_w == 0
    assert night.condition is (Condition.STANDBY if name == "homewizard" else Condition.ASLEEP)
    assert night.total_wh == evening.total_wh > 1_000_000  # type: ignore[operator]


@pytest.mark.parametrize("name", READERS)
def test_its_clock_can_be_moved_to_the_day_and_to_the_night_and_its_counter_never_falls(wire: Wire, name: str, clock: Clock) -> None:
    clock.at = midnight(date(2026, 3, 10)) + 15 * 3600
    wire.set(name, "night")
    night = read(wire, name)
    wire.set(name, "day")
    noon = read(wire, name)
    clock.at += 600
    later = read(wire, name)
    assert (night.power_w, noon.condition, later.condition) == (0, Condition.PRODUCING, Condition.PRODUCING)
    assert (night.total_wh or 0) < (noon.total_wh or 0) < (later.total_wh or 0)


@pytest.mark.parametrize("name", ["fronius", "sunspec", "sma"])
def test_a_fault_is_told_in_its_own_words(wire: Wire, name: str) -> None:
    wire.set(name, "fault")
    told = read(wire, name)
    assert told.condition is Condition.FAULT
    assert not told.power_w


def test_a_homewizard_whose_local_api_is_closed_says_so(wire: Wire) -> None:
    wire.set("homewizard", "fault")
    with pytest.raises((DeviceUnavailable, DeviceConfigError), match="local API"):
        read(wire, "homewizard")


HTTP = ("fronius", "sma", "homewizard")
BAD: list[tuple[str, tuple[str, ...], type[Exception]]] = [
    ("garbage", HTTP, DeviceUnavailable),
    ("garbage", ("sunspec",), BadReading),
    ("html", (*HTTP, "sunspec"), BadReading),
    ("redirect", HTTP, DeviceConfigError),
    ("huge", HTTP, DeviceUnavailable),
    ("status:404", HTTP, DeviceConfigError),
    ("status:429", HTTP, DeviceUnavailable),
    ("status", (*HTTP, "sunspec"), DeviceUnavailable),
    ("status:6", ("sunspec",), DeviceUnavailable),
    ("silent", tuple(READERS), DeviceUnavailable),
    ("slow", tuple(READERS), DeviceUnavailable),
    ("off", tuple(READERS), DeviceUnavailable),
]


@pytest.mark.parametrize(("mode", "name", "error"), [(mode, name, error) for mode, names, error in BAD for name in names])
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


def test_an_sma_refuses_a_wrong_password_and_has_few_sessions(wire: Wire, clock: Clock) -> None:
    address = wire["sma"].address
    with pytest.raises(DeviceConfigError, match="password"):
        ask(SmaWebConnect(address, "guessed"))
    body = json.dumps({"right": "usr", "pass": sma.PASSWORD}).encode()
    page = HttpDevice(address, self_signed=True)
    for _ in range(sma.SESSIONS):  # a person's browsers, left open
        assert b"sid" in page.ask("/dyn/login.json", time.monotonic() + 5, method="POST", body=body).body
    page.close()
    with pytest.raises(DeviceUnavailable, match="no free session"):
        read(wire, "sma")
    clock.at += sma.FORGOTTEN_S
    for _ in range(2 * sma.SESSIONS):  # the reader logs out each time
        assert read(wire, "sma").condition is Condition.PRODUCING


def test_a_slow_device_gives_its_answer_byte_by_byte(wire: Wire) -> None:
    wire.set("fronius", "slow:0.0001")
    assert read(wire, "fronius").condition is Condition.PRODUCING


def test_a_gen24_tells_no_energy_of_the_day(wire: Wire) -> None:
    wire.set("fronius", "gen24")
    told = read(wire, "fronius")
    assert told.day_wh is None
    assert told.total_wh and told.power_w


def test_an_unknown_unit_is_refused_as_each_protocol_does(wire: Wire) -> None:
    with pytest.raises(EnergyError, match="7"):
        ask(Fronius(wire["fronius"].address, (7,)))
    with pytest.raises(DeviceConfigError, match="no unit 9"):
        ask(SunSpec(wire["sunspec"].address, (9,)))


RECORDED = settings.BASE_DIR.parent / "shared" / "captures" / "devices"
FLOW = "/solar_api/v1/GetPowerFlowRealtimeData.fcgi"
COMMON = "/solar_api/v1/GetInverterRealtimeData.cgi?Scope=Device&DeviceId=1&DataCollection=CommonInverterData"


def names_in(given: Any, at: str = "") -> set[str]:
    """Of all that stands in an answer: its path of names; lists by their first entry."""
    if isinstance(given, dict):
        return {at} | {name for key, value in given.items() for name in names_in(value, f"{at}.{key}")}
    return names_in(given[0], f"{at}.0") if isinstance(given, list) and given else {at}


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded answers of real devices are not here")
@pytest.mark.parametrize(
    ("name", "path", "recording", "differs"),
    [
        ("fronius", FLOW, "fronius-power-flow-night.json", set()),
        ("fronius", COMMON, "fronius-common-inverter-data-night.json", set()),
        # What this circuit has no sensor for.
        (
            "homewizard",
            "/api/v1/data",
            "homewizard-kwh1-data.json",
            {".active_apparent_current_a", ".active_reactive_current_a", ".active_reactive_power_var"},
        ),
    ],
)
def test_answers_hold_what_those_of_real_devices_hold(
    wire: Wire, clock: Clock, name: str, path: str, recording: str, differs: set[str]
) -> None:
    clock.at = midnight(date(2026, 3, 11)) - 600
    device = HttpDevice(wire[name].address)
    told = names_in(json.loads(device.ask(path, time.monotonic() + 5).body))
    device.close()
    real = names_in(json.loads((RECORDED / recording).read_text()))
    assert real - told == differs
    assert ".Body.Data.PAC" not in told


def raw(wire: Wire, channel: int) -> int:
    factory = SocketFactory(Path(wire["spi"].address))
    factory.deadline = time.monotonic() + 5
    with gpiozero.MCP3008(channel, pin_factory=factory) as chip:
        return int(chip.raw_value)


def test_the_chip_on_the_spi_socket_converts_what_is_wired_to_its_channels(wire: Wire, house: House, clock: Clock) -> None:
    for clock.at in (NOON, NOON + 3600, NOON + 40_000):
        for channel in range(8):
            assert raw(wire, channel) == signals.raw_value(house, channel, clock.at)
    celsius = signals.OUTSIDE_FACTOR * (raw(wire, signals.OUTSIDE) - signals.OUTSIDE_OFFSET)
    assert abs(celsius - signals.outside_c(Recipe(), clock.at)) < 1
    wire.set("spi", "fault")
    assert raw(wire, 0) == 1023
    wire.set("spi", "off")
    with pytest.raises(DeviceUnavailable):
        raw(wire, 0)


def test_the_thermometer_outside_does_not_jump_at_midnight() -> None:
    start = midnight(date(2026, 3, 9))
    degrees = [signals.outside_c(Recipe(), start + second) for second in range(0, 8 * 86400, 300)]
    assert max(abs(b - a) for a, b in pairwise(degrees)) < 0.35
    assert all(0 <= signals.tank_pct(start + second) <= 100 for second in range(0, 400 * 86400, 7200))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("fronius:garbage", ("fronius", Mode("garbage"))),
        ("sunspec:slow", ("sunspec", Mode("slow", 1.0))),
        ("sma:slow:0.2", ("sma", Mode("slow", 0.2))),
        ("homewizard:status:403", ("homewizard", Mode("status", 403))),
    ],
)
def test_a_device_and_its_mode_are_read_from_text(text: str, found: tuple[str, Mode]) -> None:
    assert parse_device_mode(text) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("garbage", "DEVICE:MODE"),
        ("toaster:garbage", "fronius, sma"),
        ("fronius:sleepy", "There is no mode 'sleepy'"),
        ("fronius:slow:never", "between 0 and 1000"),
        ("fronius:slow:-1", "between 0 and 1000"),
        ("fronius:slow:nan", "between 0 and 1000"),
        ("fronius:night:3", "no number goes with night"),
    ],
)
def test_a_mode_that_there_is_not_is_said_in_words(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_device_mode(text)


def test_what_the_roof_makes_in_steps_is_split_without_a_rest() -> None:
    for watts in (0, 1, 2, 3, 99, 101, 4999, 5000):
        assert sum(roof.part_w(watts, part) for part in range(3)) == watts
    assert sum(roof.energies_ws([7, 0, 4999], 10)) == 50_060
