"""The blueprint of a driver: on with its timer, off, read, in trouble, refused. Copy this file with it."""

import json
import time
from contextlib import closing
from typing import Any

import pytest

from control.outputs import Reading
from control.outputs.blueprint import Blueprint
from energysite.errors import DeviceConfigError
from tests.emulators.http_device import HttpLookalike, Reply, as_json

TOLD = {"on": True, "left_s": 31.5, "ac_w": 1234, "ever_kwh": 7890.1, "up_s": 86400, "alarm": ""}


def soon() -> float:
    return time.monotonic() + 3


def test_on_carries_the_timer_and_off_carries_none() -> None:
    heard: list[Any] = []

    def put(body: bytes) -> Reply:
        heard.append(json.loads(body))
        return as_json({})

    with HttpLookalike({"/relay": put}) as device, closing(Blueprint(device.address)) as driver:
        driver.apply(1.0, 38.2, soon())
        driver.apply(0.0, 38.2, soon())
        driver.safe(soon())
        assert [method for method, _path, _body in device.asked] == ["PUT"] * 3
    assert heard == [{"on": True, "for_s": 39}, {"on": False}, {"on": False}]


def test_its_figures_are_read_in_our_units() -> None:
    with HttpLookalike({"/relay": as_json(TOLD)}) as device, closing(Blueprint(device.address)) as driver:
        assert driver.read(soon()) == Reading(1.0, 1234, 7890100, 32, 86400, "")


def test_an_alarm_is_trouble() -> None:
    with HttpLookalike({"/relay": as_json({**TOLD, "alarm": "hot"})}) as device, closing(Blueprint(device.address)) as driver:
        assert driver.read(soon()).trouble == "over_temperature"


def test_a_device_that_does_not_say_whether_it_is_on_is_not_taken_for_off() -> None:
    with (
        HttpLookalike({"/relay": as_json({"ac_w": 0})}) as device,
        closing(Blueprint(device.address)) as driver,
        pytest.raises(DeviceConfigError, match="whether it is on"),
    ):
        driver.read(soon())


def test_a_refused_password_is_told_without_it() -> None:
    with (
        HttpLookalike({"/relay": (401, b"hush-hush-7")}) as device,
        closing(Blueprint(device.address, "ann", "hush-hush-7")) as driver,
        pytest.raises(DeviceConfigError, match="password") as told,
    ):
        driver.read(soon())
    assert "hush" not in str(told.value)
