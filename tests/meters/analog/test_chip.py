"""The MCP3008 through gpiozero, over the socket that the demo house's chip answers on."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from energysite.errors import DeviceConfigError, DeviceUnavailable
from meters.analog import chip
from meters.analog.chip import Chip
from tests.emulators.spi_bus import SpiLookalike
from tests.waiting import until


@pytest.fixture
def bus() -> Iterator[SpiLookalike]:
    with SpiLookalike(settings.MODE_DIR / "spi.sock", {0: 0, 1: 512, 7: 1023}) as running:
        yield running


def soon(seconds: float = 3.0) -> float:
    return time.monotonic() + seconds


def test_each_channel_gives_its_ten_bits(bus: SpiLookalike) -> None:
    opened = Chip("demo")
    assert [opened.raw_value(channel, soon()) for channel in (0, 1, 7, 1)] == [0, 512, 1023, 512]


def test_what_is_sent_is_a_start_bit_single_ended_and_the_channel(bus: SpiLookalike) -> None:
    Chip("demo").raw_value(7, soon())
    assert bus.asked == [bytes((0b1, 0b1111_0000, 0))]


def test_a_channel_is_opened_once_for_all_its_readings(bus: SpiLookalike) -> None:
    opened = Chip("demo")
    for _again in range(3):
        opened.raw_value(1, soon())
    assert bus.connections == 1


def test_a_process_has_one_chip_for_all_that_read_it(bus: SpiLookalike) -> None:
    before = bus.connections
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(chip.raw_value("demo", 1, soon()))) for _one in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [512] * 8
    assert bus.connections - before <= 1


def test_a_chip_that_was_away_is_read_again_when_it_is_back() -> None:
    opened = Chip("demo")
    with SpiLookalike(settings.MODE_DIR / "spi.sock", {1: 300}) as bus:
        assert opened.raw_value(1, soon()) == 300
        bus.cut = True
        with pytest.raises(DeviceUnavailable, match="do not answer"):
            opened.raw_value(1, soon())
    with pytest.raises(DeviceUnavailable, match="Check that the demo house runs"):
        opened.raw_value(1, soon())
    with SpiLookalike(settings.MODE_DIR / "spi.sock", {1: 301}):
        assert opened.raw_value(1, soon()) == 301


def test_a_demo_house_that_was_started_anew_costs_no_reading() -> None:
    opened = Chip("demo")
    for value in (300, 301):
        with SpiLookalike(settings.MODE_DIR / "spi.sock", {1: value}):
            assert opened.raw_value(1, soon()) == value


def test_a_chip_that_hangs_is_given_up_at_the_deadline(bus: SpiLookalike) -> None:
    bus.silent = True
    began = time.monotonic()
    with pytest.raises(DeviceUnavailable):
        Chip("demo").raw_value(1, soon(0.2))
    assert time.monotonic() - began < 1.0


def test_who_waits_for_a_hanging_chip_waits_no_longer_than_its_own_deadline(bus: SpiLookalike) -> None:
    bus.silent = True
    opened = Chip("demo")

    def hangs() -> None:
        with pytest.raises(DeviceUnavailable):
            opened.raw_value(1, soon(0.5))

    first = threading.Thread(target=hangs)
    first.start()
    until(lambda: bus.asked, message="the first question")
    began = time.monotonic()
    with pytest.raises(DeviceUnavailable, match="busy"):
        opened.raw_value(7, soon(0.1))
    assert time.monotonic() - began < 0.4
    first.join()


def test_a_machine_without_a_bus_is_told_how_to_switch_it_on() -> None:
    assert not Path("/dev/spidev9.9").exists()
    with pytest.raises(DeviceConfigError, match=r"no SPI bus at /dev/spidev9\.9.*raspi-config"):
        Chip("9.9").raw_value(0, soon())
