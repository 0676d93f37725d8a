"""SunSpec inverters over Modbus TCP, on the wire."""

import struct
import time

import pytest

from energysite.errors import BadReading, DeviceConfigError, DeviceUnavailable
from solar.production import Condition
from solar.readers.sunspec import SunSpec
from tests.emulators.modbus import ModbusLookalike


def soon(seconds: float = 3.0) -> float:
    return time.monotonic() + seconds


def text(words: str, registers: int) -> list[int]:
    return list(struct.unpack(f">{registers}H", words.encode().ljust(2 * registers, b"\0")))


def floating(value: float) -> list[int]:
    return list(struct.unpack(">HH", struct.pack(">f", value)))


def chain(number: int, values: list[int], base: int = 40000) -> dict[int, int]:
    """The registers of a device: mark, common model, the inverter model, the end."""
    common = [*text("Maker", 16), *text("Model X", 16), *[0] * 34]
    words = [0x5375, 0x6E53, 1, len(common), *common, number, len(values), *values, 0xFFFF, 0]
    return {base + i: word for i, word in enumerate(words)}


def integers(power: int = 3210, scale: int = 0, total: int = 12_345_678, state: int = 4) -> list[int]:
    values = [0xFFFF] * 50
    values[12], values[13] = power & 0xFFFF, scale & 0xFFFF
    values[22], values[23], values[24], values[36] = total >> 16, total & 0xFFFF, 0, state
    return values


def floats(power: float, total: float, state: int = 4) -> list[int]:
    values = [0] * 60
    values[20:22], values[30:32], values[46] = floating(power), floating(total), state
    return values


def test_an_inverter_in_integers_tells_power_and_energy_by_its_scale_factors() -> None:
    with ModbusLookalike({1: chain(103, integers(power=3215, scale=-1))}) as device:
        found = SunSpec(device.address).read(soon())
    assert (found.power_w, found.total_wh, found.condition) == (322, 12_345_678, Condition.PRODUCING)
    assert [unit.name for unit in found.units] == ["1"]


def test_an_inverter_in_floats() -> None:
    with ModbusLookalike({3: chain(113, floats(1234.6, 5_000_000.0))}) as device:
        found = SunSpec(device.address, units=(3,)).read(soon())
    assert (found.power_w, found.total_wh) == (1235, 5_000_000)


def test_several_units_of_one_address_are_summed() -> None:
    with ModbusLookalike({1: chain(101, integers(1000)), 2: chain(111, floats(500, 22))}) as device:
        found = SunSpec(device.address, units=(1, 2)).read(soon())
    assert (found.power_w, found.total_wh) == (1500, 12_345_700)


def test_not_implemented_at_night_is_asleep_and_no_invented_energy() -> None:
    with ModbusLookalike({1: chain(103, integers(power=0x8000, total=0, state=2))}) as device:
        found = SunSpec(device.address).read(soon())
    assert (found.power_w, found.total_wh, found.condition) == (0, None, Condition.ASLEEP)


def test_a_negative_power_at_night_is_no_production() -> None:
    with ModbusLookalike({1: chain(103, integers(power=-12, state=8))}) as device:
        assert SunSpec(device.address).read(soon()).power_w == 0


def test_the_mark_may_stand_elsewhere() -> None:
    with ModbusLookalike({1: chain(103, integers(), base=50000)}) as device:
        assert SunSpec(device.address).read(soon()).power_w == 3210


def test_a_wrong_unit_id_is_told() -> None:
    with ModbusLookalike({1: chain(103, integers())}) as device, pytest.raises(DeviceConfigError, match="no unit 7"):
        SunSpec(device.address, units=(7,)).read(soon())


def test_a_device_without_sunspec_is_told() -> None:
    with ModbusLookalike({1: dict.fromkeys(range(40000, 40100), 7)}) as device, pytest.raises(BadReading, match="does not speak SunSpec"):
        SunSpec(device.address).read(soon())


def test_a_busy_device_is_asked_again() -> None:
    with ModbusLookalike({1: chain(103, integers())}) as device:
        device.exception = 6
        with pytest.raises(DeviceUnavailable, match="exception 6"):
            SunSpec(device.address).read(soon())


def test_an_answer_that_came_too_late_is_not_taken_for_this_one() -> None:
    with ModbusLookalike({1: chain(103, integers())}) as device:
        device.stale = True
        assert SunSpec(device.address).read(soon()).power_w == 3210


@pytest.mark.parametrize(("fault", "kind"), [("silent", DeviceUnavailable), ("garbage", BadReading)])
def test_silence_and_garbage_end_in_words(fault: str, kind: type[Exception]) -> None:
    with ModbusLookalike({1: chain(103, integers())}) as device:
        setattr(device, fault, True)
        with pytest.raises(kind, match=r"127\.0\.0\.1"):
            SunSpec(device.address).read(soon(0.3))


def test_a_device_that_trickles_is_given_up_in_time() -> None:
    with ModbusLookalike({1: chain(103, integers())}) as device:
        device.trickle_s = 0.05
        began = time.monotonic()
        with pytest.raises(DeviceUnavailable, match="does not answer"):
            SunSpec(device.address).read(soon(0.4))
    assert time.monotonic() - began < 1.5


def test_the_connection_is_given_back_after_each_read() -> None:
    with ModbusLookalike({1: chain(103, integers())}) as device:
        reader = SunSpec(device.address)
        reader.read(soon())
        reader.read(soon())
        assert device.connections == 2
