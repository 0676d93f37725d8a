"""SunSpec inverters over Modbus TCP, on the wire."""

import time

import pytest

from energysite.errors import BadReading, DeviceConfigError, DeviceUnavailable
from solar.production import Condition
from solar.readers.sunspec import SunSpec
from tests.emulators.modbus import ModbusLookalike
from tests.solar.readers.registers import chain, floats, integers, storage, strings


def soon(seconds: float = 3.0) -> float:
    return time.monotonic() + seconds


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


def test_what_it_last_answered_is_shown_in_hexadecimal() -> None:
    with ModbusLookalike({3: chain(101, integers())}) as device:
        reader = SunSpec(device.address, units=(3,))
        reader.read(soon())
    assert reader.heard.startswith("3/40070: 0065 0032")
    assert len(reader.heard) <= 500


def test_models_are_looked_for_once_and_again_when_they_moved() -> None:
    with ModbusLookalike({1: chain(103, integers(1000))}) as device:
        SunSpec(device.address).read(soon())
        device.asked.clear()
        SunSpec(device.address).read(soon())
        assert len(device.asked) == 1, "its place is known"
        device.units[1] = chain(120, [0] * 26, (103, integers(2000)))
        assert SunSpec(device.address).read(soon()).power_w == 2000
        device.units[1] = chain(103, integers(3000), base=0)
        assert SunSpec(device.address).read(soon()).power_w == 3000


def test_an_inverter_that_tells_neither_state_nor_power_is_asleep_and_no_zero_is_invented() -> None:
    with ModbusLookalike({1: chain(103, integers(power=0x8000, state=0xFFFF))}) as device:
        found = SunSpec(device.address).read(soon())
    assert (found.power_w, found.total_wh, found.condition) == (None, 12_345_678, Condition.ASLEEP)


def test_an_awake_inverter_without_a_power_is_unknown() -> None:
    with ModbusLookalike({1: chain(113, floats(float("nan"), 5.0))}) as device:
        assert SunSpec(device.address).read(soon()).power_w is None


def test_a_fault_has_the_code_of_its_events() -> None:
    values = integers(power=0, state=7)
    values[38], values[39] = 0x0001, 0x0080
    with ModbusLookalike({1: chain(103, values)}) as device:
        found = SunSpec(device.address).read(soon())
    assert (found.condition, found.code) == (Condition.FAULT, "0x00010080")


@pytest.mark.parametrize("values", [integers(scale=11), integers(power=32_767, scale=9), integers()[:40]])
def test_registers_that_cannot_be_are_refused(values: list[int]) -> None:
    with ModbusLookalike({1: chain(103, values)}) as device, pytest.raises(BadReading, match=r"cannot be|cut off"):
        SunSpec(device.address).read(soon())


@pytest.mark.parametrize("code", [1, 3])
def test_a_device_that_does_not_speak_of_registers_is_another_make(code: int) -> None:
    with ModbusLookalike({1: chain(103, integers())}) as device:
        device.exception = code
        with pytest.raises(BadReading, match="make you chose"):
            SunSpec(device.address).read(soon())


def test_a_chain_without_an_end_is_read_as_far_as_it_goes() -> None:
    registers = chain(103, integers(1500))
    end = max(registers)
    del registers[end], registers[end - 1]
    with ModbusLookalike({1: registers}) as device:
        assert SunSpec(device.address).read(soon()).power_w == 1500


HYBRID = (("MPPT 1", 15_000, 4000), ("MPPT 2", 500, 100))


def hybrid(charging: int, discharging: int, charge: int = 6150, power: int = 1200, state: int = 4) -> dict[int, int]:
    ways = (("StCha 3", charging, 900), ("StDisCha 4", discharging, 800))
    return chain(103, integers(power, state=state), (160, strings(*HYBRID, *ways, power_scale=-1)), (124, storage(charge)))


def test_beside_a_battery_the_strings_tell_the_sun() -> None:
    """The inverter's own power and counter hold what the battery gives."""
    with ModbusLookalike({1: hybrid(charging=3000, discharging=0)}) as device:
        found = SunSpec(device.address).read(soon())
    assert (found.power_w, found.total_wh, found.condition) == (1550, 4100, Condition.PRODUCING)
    assert (found.battery_w, found.battery_pct) == (-300, 61.5)
    assert [(unit.name, unit.power_w, unit.total_wh) for unit in found.units] == [("1", 1550, 4100)]


def test_a_battery_that_gives_at_night_is_no_sun() -> None:
    dark = (("MPPT 1", 0xFFFF, 4000), ("MPPT 2", 0xFFFF, 100), ("StCha 3", 0, 900), ("StDisCha 4", 700, 800))
    registers = chain(103, integers(650, state=8), (160, strings(*dark, state=2)), (124, storage(5000)))
    with ModbusLookalike({1: registers}) as device:
        found = SunSpec(device.address).read(soon())
    assert (found.power_w, found.total_wh, found.condition) == (0, 4100, Condition.STANDBY)
    assert found.battery_w == 700


def test_a_string_that_is_not_told_by_day_leaves_the_sun_unknown() -> None:
    lacking = (("MPPT 1", 1000, 4000), ("MPPT 2", 0xFFFF, 100), ("StCha 3", 0, 900), ("StDisCha 4", 10, 800))
    with ModbusLookalike({1: chain(103, integers(), (160, strings(*lacking)), (124, storage(5000)))}) as device:
        assert SunSpec(device.address).read(soon()).power_w is None


def test_a_hybrid_without_a_battery_is_read_at_its_ac_side() -> None:
    with ModbusLookalike({1: hybrid(charging=0, discharging=0, charge=0xFFFF)}) as device:
        found = SunSpec(device.address).read(soon())
    assert (found.power_w, found.total_wh, found.has_battery) == (1200, 12_345_678, False)


def test_strings_without_a_battery_change_nothing() -> None:
    with ModbusLookalike({1: chain(103, integers(1200), (160, strings(*HYBRID)), (124, storage(100)))}) as device:
        found = SunSpec(device.address).read(soon())
    assert (found.power_w, found.total_wh, found.has_battery) == (1200, 12_345_678, False)
