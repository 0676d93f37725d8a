"""Each make of switch on the wire: on, read, off, its own timer, its troubles, and what a deadline bounds."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from control.outputs import Driver, Reading, families
from control.outputs.settings import Given
from energysite.demo.devices.switch import SwitchDevice
from energysite.demo.on_the_wire import Wire, on_the_wire
from energysite.errors import DeviceConfigError, DeviceUnavailable
from tests.emulators.http_device import HttpLookalike, as_json
from tests.energysite.demo import house
from tests.solar.readers.asking import recorded

# Make of the driver -> name of the demo's device.
DEVICES = {"shelly1": "shelly1", "shelly2": "shelly2", "tasmota": "tasmota", "homewizard": "homewizard_socket", "gpio": "relay"}
PASSWORD = "sun & shine é"
AT = 1_773_000_000

every_make = pytest.mark.parametrize("make", DEVICES)
over_http = pytest.mark.parametrize("make", [make for make in DEVICES if make != "gpio"])


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def wires(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> Iterator[tuple[Wire, Path]]:
    folder = tmp_path_factory.mktemp("demo")
    began = clock.seconds
    with on_the_wire(house(), lambda: AT + clock() - began, DEVICES.values(), folder=folder, mono=clock) as wire:
        yield wire, folder


@pytest.fixture
def wire(wires: tuple[Wire, Path]) -> Iterator[Wire]:
    yield wires[0]
    for name in DEVICES.values():
        wires[0].set(name, "auto")
        contact_of(wires[0], name).switch(False, "test")
        device = wires[0][name]
        if isinstance(device, SwitchDevice):
            device.password = ""


@pytest.fixture
def folder(wires: tuple[Wire, Path]) -> Path:
    return wires[1]


def contact_of(wire: Wire, name: str) -> Any:
    device: Any = wire[name]
    return device.contact


def soon(seconds: float = 3.0) -> float:
    return time.monotonic() + seconds


def driver_of(make: str, wire: Wire, folder: Path, password: str = "", channel: int = 0) -> Driver:
    address = wire[DEVICES[make]].address
    pin = 17 if make == "gpio" else None
    return families.open_output(Given(make, address, password=password, channel=channel, pin=pin, folder=str(folder), demo_pins=True))


def read(driver: Driver) -> Reading:
    return driver.read(soon())


@every_make
def test_a_switch_does_what_it_is_told_and_says_so(make: str, wire: Wire, folder: Path) -> None:
    contact = contact_of(wire, DEVICES[make])
    with closing(driver_of(make, wire, folder)) as driver:
        driver.apply(1.0, 30, soon())
        assert contact.on
        assert read(driver).level == 1.0
        driver.apply(0.0, 30, soon())
        assert not contact.on
        assert read(driver).level == 0.0
        driver.apply(1.0, 30, soon())
        driver.safe(soon())
        assert not contact.on


@every_make
def test_a_level_that_is_none_is_refused_before_anything_is_said(make: str, wire: Wire, folder: Path) -> None:
    with closing(driver_of(make, wire, folder)) as driver, pytest.raises(ValueError, match="no level"):
        driver.apply(1.2, 30, soon())


@pytest.mark.parametrize("make", ["shelly1", "shelly2"])
def test_rule_1_each_renewal_sets_the_device_s_own_timer_anew(make: str, wire: Wire, folder: Path, clock: Clock) -> None:
    contact = contact_of(wire, make)
    with closing(driver_of(make, wire, folder)) as driver:
        assert driver.has_timer
        driver.apply(1.0, 38.2, soon())
        clock.seconds += 20
        assert read(driver).timer_s == pytest.approx(19, abs=1)
        driver.apply(1.0, 40, soon())
        clock.seconds += 39
        assert contact.on
        clock.seconds += 2
        assert not contact.on, "nobody renewed it: it switches itself off"
        assert read(driver) == Reading(0.0, 0, read(driver).energy_wh, None, read(driver).uptime_s)


@pytest.mark.parametrize("make", ["shelly1", "shelly2"])
def test_off_carries_no_timer_that_would_switch_on(make: str, wire: Wire, folder: Path, clock: Clock) -> None:
    contact = contact_of(wire, make)
    with closing(driver_of(make, wire, folder)) as driver:
        for off in (lambda: driver.apply(0.0, 30, soon()), lambda: driver.safe(soon())):
            driver.apply(1.0, 30, soon())
            off()
            clock.seconds += 100
            assert not contact.on


def test_rule_9_tasmota_s_timer_is_written_once_and_started_by_every_on(wire: Wire, folder: Path, clock: Clock) -> None:
    device: Any = wire["tasmota"]
    device.contact.auto_off_s = 0.0
    with closing(driver_of("tasmota", wire, folder)) as driver:
        assert isinstance(driver, families.Tasmota)
        driver.read(soon())
        assert not driver.has_timer
        assert families.safety_class(Given("tasmota"), driver) == "C"
        written = device.writes
        driver.set_up(soon())
        asked = device.questions
        driver.set_up(soon())
        assert device.questions == asked + 2, "both are read, and nothing is set that is so already"
        assert device.writes <= written + 2, "each once: the power-on state and the timer"
        for _ in range(3):
            driver.apply(1.0, 30, soon())
            clock.seconds += 30
        assert device.contact.on
        assert read(driver).timer_s == pytest.approx(10, abs=1)
        assert driver.has_timer
        assert families.safety_class(Given("tasmota"), driver) == "A"
        assert device.writes <= written + 2, "renewing writes nothing to flash"
        clock.seconds += 11
        assert not device.contact.on


@over_http
def test_power_and_energy_are_read_in_watts_and_watt_hours(make: str, wire: Wire, folder: Path) -> None:
    device: Any = wire[DEVICES[make]]
    with closing(driver_of(make, wire, folder)) as driver:
        driver.apply(1.0, 30, soon())
        found = read(driver)
    assert found.power_w == pytest.approx(device.power_w, abs=1)
    assert found.energy_wh == pytest.approx(device.energy_wh, abs=2)


@pytest.mark.parametrize("make", ["shelly1", "shelly2", "tasmota"])
def test_a_restart_is_seen_by_the_time_since_the_start(make: str, wire: Wire, folder: Path, clock: Clock) -> None:
    with closing(driver_of(make, wire, folder)) as driver:
        clock.seconds += 500
        before = read(driver).uptime_s
        wire.set(DEVICES[make], "restart")
        after = read(driver).uptime_s
    assert before is not None
    assert after is not None
    assert after < before - 400


@pytest.mark.parametrize("make", ["shelly1", "shelly2"])
@pytest.mark.parametrize(("ails", "told"), [("overheated", "over_temperature"), ("overpower", "overpower")])
def test_a_device_in_trouble_says_which(make: str, ails: str, told: str, wire: Wire, folder: Path) -> None:
    wire.set(make, ails)
    with closing(driver_of(make, wire, folder)) as driver:
        assert read(driver).trouble == told


@pytest.mark.parametrize("make", ["shelly1", "shelly2", "tasmota"])
def test_the_password_opens_and_a_wrong_one_is_told_without_showing_it(make: str, wire: Wire, folder: Path) -> None:
    device: Any = wire[make]
    device.password = PASSWORD
    with closing(driver_of(make, wire, folder, PASSWORD)) as driver:
        for level in (1.0, 0.0, 1.0):
            driver.apply(level, 30, soon())
        assert device.contact.on
    for wrong in ("", "guess & é"):
        with closing(driver_of(make, wire, folder, wrong)) as driver, pytest.raises(DeviceConfigError) as told:
            read(driver)
        assert "password" in str(told.value)
        assert "guess" not in str(told.value)


def test_a_digest_is_asked_for_once_and_counted_on(wire: Wire, folder: Path) -> None:
    device: Any = wire["shelly2"]
    device.password = PASSWORD
    with closing(driver_of("shelly2", wire, folder, PASSWORD)) as driver:
        driver.apply(1.0, 30, soon())
        before = device.questions
        read(driver)
        read(driver)
        assert device.questions == before + 2
        device.digest._nonces.clear()
        assert read(driver).level == 1.0, "an old nonce is answered with a new one"


@over_http
@pytest.mark.parametrize(("mode", "kind"), [("off", DeviceUnavailable), ("garbage", DeviceUnavailable), ("html", DeviceUnavailable)])
def test_a_device_that_does_not_answer_as_it_should_can_be_asked_again(
    make: str, mode: str, kind: type[Exception], wire: Wire, folder: Path
) -> None:
    with closing(driver_of(make, wire, folder)) as driver:
        wire.set(DEVICES[make], mode)
        for ask in (lambda: driver.apply(1.0, 30, soon()), lambda: driver.safe(soon()), lambda: read(driver)):
            with pytest.raises(kind):
                ask()
        wire.set(DEVICES[make], "auto")
        assert read(driver).level == 0.0


@every_make
@pytest.mark.parametrize("mode", ["silent", "slow:0.05"])
def test_rule_1_a_call_ends_at_its_deadline_whatever_the_device_does(make: str, mode: str, wire: Wire, folder: Path) -> None:
    if make == "gpio" and mode != "silent":
        pytest.skip("one byte cannot trickle")
    wire.set(DEVICES[make], mode)
    began = time.monotonic()
    with closing(driver_of(make, wire, folder)) as driver, pytest.raises(DeviceUnavailable):
        driver.safe(soon(0.2))
    assert time.monotonic() - began < 1.0


def test_a_channel_that_the_device_has_not_is_told(wire: Wire, folder: Path) -> None:
    for make in ("shelly1", "tasmota"):
        with closing(driver_of(make, wire, folder, channel=3)) as driver, pytest.raises(DeviceConfigError, match=r"channel|does not know"):
            driver.apply(1.0, 30, soon())
            read(driver)
    with closing(driver_of("shelly2", wire, folder, channel=3)) as driver, pytest.raises((DeviceConfigError, DeviceUnavailable)):
        read(driver)


def test_a_socket_that_its_app_locked_is_told_and_set_free_by_the_set_up(wire: Wire, folder: Path) -> None:
    device: Any = wire["homewizard_socket"]
    with closing(driver_of("homewizard", wire, folder)) as driver:
        assert isinstance(driver, families.HomeWizardSocket)
        driver.apply(1.0, 30, soon())
        device.locked = True
        with pytest.raises(DeviceConfigError, match="its app keeps it on"):
            driver.safe(soon())
        driver.set_up(soon())
        assert driver.set_up_now(soon()) == driver.wanted
        driver.safe(soon())
    assert not device.contact.on


def test_a_pin_is_off_from_the_moment_it_is_opened_and_stays_driven_when_its_program_ends(wire: Wire, folder: Path) -> None:
    board: Any = wire["relay"]
    first = driver_of("gpio", wire, folder)
    first.apply(1.0, 30, soon())
    first.close()
    assert board.contact.on, "as the pin of a Pi without strict_gpiod"
    with closing(driver_of("gpio", wire, folder)) as successor:
        assert read(successor).level == 0.0
    assert not board.contact.on


def test_a_board_that_is_on_when_low_is_off_when_high(wire: Wire, folder: Path) -> None:
    board: Any = wire["relay"]
    given = Given("gpio", pin=5, active_high=False, folder=str(folder), demo_pins=True)
    with closing(families.open_output(given)) as driver:
        driver.read(soon())
        assert board.levels[5] == 1
        driver.apply(1.0, 30, soon())
        assert board.levels[5] == 0
        assert read(driver).level == 1.0


def test_dry_run_remembers_and_asks_nobody() -> None:
    driver = families.open_driver({"family": "dry_run", "name": "x"}, "key")
    driver.apply(1.0, 30, soon())
    assert read(driver).level == 1.0
    driver.safe(soon())
    assert read(driver).level == 0.0


def test_a_real_socket_s_figures_are_read() -> None:
    data = recorded("homewizard-socket-data.json")
    replies = {"/api/v1/data": as_json(data), "/api/v1/state": as_json({"power_on": True, "switch_lock": False, "brightness": 255})}
    with HttpLookalike(replies) as device, closing(families.HomeWizardSocket(device.address)) as driver:
        found = read(driver)
    assert found == Reading(1.0, round(data["active_power_w"]), 10_830_511)
