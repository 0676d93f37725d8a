"""Pins of this machine through gpiozero: with its own mock of a Pi, and on a machine that has none."""

import time
import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory

from control.outputs.gpio import Gpio
from energysite.errors import DeviceConfigError, DeviceUnavailable


def soon() -> float:
    return time.monotonic() + 3


@pytest.fixture
def pi() -> Iterator[MockFactory]:
    before, gpiozero.Device.pin_factory = gpiozero.Device.pin_factory, MockFactory()
    yield gpiozero.Device.pin_factory
    gpiozero.Device.pin_factory.reset()
    gpiozero.Device.pin_factory = before


@pytest.mark.parametrize("active_high", [True, False])
def test_rule_11_a_pin_is_driven_to_off_when_it_is_opened(active_high: bool, pi: MockFactory, tmp_path: Path) -> None:
    pin = pi.pin(17)
    with closing(Gpio(17, active_high, folder=str(tmp_path))) as driver:
        assert driver.read(soon()).level == 0.0
        assert (pin.function, bool(pin.state)) == ("output", not active_high)
        driver.apply(1.0, 30, soon())
        assert bool(pin.state) == active_high
        assert driver.read(soon()).level == 1.0
        driver.safe(soon())
        assert bool(pin.state) != active_high


def test_rule_12_a_pin_has_one_commander(pi: MockFactory, tmp_path: Path) -> None:
    with closing(Gpio(17, folder=str(tmp_path))) as first, closing(Gpio(17, folder=str(tmp_path))) as second:
        first.safe(soon())
        with pytest.raises(DeviceUnavailable, match="GPIO 17 is in use"):
            second.safe(soon())


def test_a_machine_without_pins_is_told_in_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LG_WD", str(tmp_path))
    monkeypatch.setattr(gpiozero.Device, "pin_factory", None)
    with closing(Gpio(17, folder=str(tmp_path))) as driver, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of gpiozero, for each library of pins that there is not
        with pytest.raises(DeviceConfigError, match="Raspberry Pi"):
            driver.safe(soon())
