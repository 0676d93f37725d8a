"""The SunSpec reader against pymodbus, whose own coder lays out texts, integers and floats."""

import time
from typing import Any

import pytest
from pymodbus.simulator import DataType, SimData, SimDevice

from energysite.errors import DeviceUnavailable
from solar.production import Condition
from solar.readers.sunspec import SunSpec
from tests.emulators.pymodbus_peer import PymodbusPeer

N_A = 0xFFFF


def soon() -> float:
    return time.monotonic() + 5


def registers(kind: DataType, value: Any) -> int:
    if kind is DataType.STRING:
        return len(value) // 2
    return (2 if kind in (DataType.UINT32, DataType.FLOAT32) else 1) * (len(value) if isinstance(value, list) else 1)


def words(*values: int) -> tuple[DataType, list[int]]:
    return DataType.REGISTERS, list(values)


def common() -> list[tuple[DataType, Any]]:
    return [(DataType.STRING, "SunS"), words(1, 66), (DataType.STRING, "Maker".ljust(32, "\0")), (DataType.STRING, "X".ljust(100, "\0"))]


def in_integers(watts: int, scale: int, total_wh: int, state: int) -> list[tuple[DataType, Any]]:
    return [
        words(103, 50, *[N_A] * 12),
        (DataType.INT16, [watts, scale]),
        words(*[N_A] * 8),
        (DataType.UINT32, total_wh),
        (DataType.INT16, 0),
        words(*[N_A] * 11, state, *[0] * 13),
    ]


def in_floats(watts: float, total_wh: float, state: int) -> list[tuple[DataType, Any]]:
    return [
        words(113, 60),
        (DataType.FLOAT32, [1.0] * 10),
        (DataType.FLOAT32, watts),
        (DataType.FLOAT32, [50.0] * 4),
        (DataType.FLOAT32, total_wh),
        (DataType.FLOAT32, [1.0] * 7),
        words(state, *[0] * 13),
    ]


def device(unit: int, parts: list[tuple[DataType, Any]], base: int = 40000) -> SimDevice:
    """Its parts laid out one behind the other."""
    laid = []
    for kind, value in [*common(), *parts, words(0xFFFF, 0)]:
        laid.append(SimData(base, values=value, datatype=kind))
        base += registers(kind, value)
    return SimDevice(unit, simdata=laid)


def test_an_inverter_in_integers() -> None:
    with PymodbusPeer([device(1, in_integers(3215, -1, 26_213_502, 4))]) as peer:
        found = SunSpec(peer.address).read(soon())
    assert (found.power_w, found.total_wh, found.condition) == (322, 26_213_502, Condition.PRODUCING)


def test_a_negative_power_at_night() -> None:
    with PymodbusPeer([device(1, in_integers(-123, -1, 26_213_502, 8))]) as peer:
        found = SunSpec(peer.address).read(soon())
    assert (found.power_w, found.total_wh, found.condition) == (0, 26_213_502, Condition.STANDBY)


def test_several_units_of_one_address_in_integers_and_floats() -> None:
    with PymodbusPeer([device(1, in_integers(1000, 0, 10, 4)), device(126, in_floats(500.4, 20.0, 5))]) as peer:
        found = SunSpec(peer.address, (1, 126)).read(soon())
    assert (found.power_w, found.total_wh) == (1500, 30)
    assert [(unit.name, unit.power_w, unit.total_wh) for unit in found.units] == [("1", 1000, 10), ("126", 500, 20)]


def test_a_chain_that_begins_elsewhere_is_found_by_the_exceptions_before_it() -> None:
    with PymodbusPeer([device(1, in_integers(700, 0, 1, 4), base=50000)]) as peer:
        assert SunSpec(peer.address).read(soon()).power_w == 700


def test_a_wrong_unit_is_told() -> None:
    """pymodbus answers that its device failed; gateways say that they know no way to it."""
    with PymodbusPeer([device(1, in_integers(700, 0, 1, 4))]) as peer, pytest.raises(DeviceUnavailable, match="Check the unit id"):
        SunSpec(peer.address, (9,)).read(soon())
