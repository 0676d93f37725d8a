"""Any switch with HTTP: what is asked, what its answers mean, and what is never shown."""

import time
from contextlib import closing
from typing import Any

import pytest

from control.outputs.http_switch import HttpSwitch
from energysite.errors import DeviceConfigError, DeviceUnavailable
from tests.emulators.http_device import HttpLookalike, as_json

STATE = ("/state", "relay.0.on")


def soon() -> float:
    return time.monotonic() + 3


def driver_of(device: HttpLookalike, **given: Any) -> HttpSwitch:
    return HttpSwitch(device.address, "/on?key=secret-key", "/off", **{"state": STATE, **given})


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_on_and_off_are_the_requests_that_were_configured(status: int) -> None:
    with HttpLookalike({"/on": (status, b""), "/off": (status, b"")}) as device, closing(driver_of(device)) as driver:
        driver.apply(1.0, 30, soon())
        driver.apply(0.0, 30, soon())
        driver.safe(soon())
        assert [path for _method, path, _body in device.asked] == ["/on?key=secret-key", "/off", "/off"]
    assert not driver.has_timer, "nothing is known of a timer of its own"


@pytest.mark.parametrize(("told", "level"), [(True, 1.0), (0, 0.0), ("on", 1.0), ("0", 0.0), ("Charging", 1.0), ("idle", 0.0)])
def test_a_state_is_true_or_false_1_or_0_on_or_off_or_the_texts_that_were_set(told: Any, level: float) -> None:
    answer = as_json({"relay": [{"on": told}], "w": 812.4})
    with HttpLookalike({"/state": answer}) as device, closing(driver_of(device, texts=("charging", "IDLE"), power_path="w")) as driver:
        found = driver.read(soon())
    assert (found.level, found.power_w) == (level, 812)


def test_a_page_of_plain_text_can_be_the_state() -> None:
    with HttpLookalike({"/state": (200, b"OFF\r\n")}) as device, closing(driver_of(device, state=("/state", ""))) as driver:
        assert driver.read(soon()).level == 0.0


def test_without_a_request_for_the_state_nothing_is_asked_and_nothing_known() -> None:
    with HttpLookalike() as device, closing(driver_of(device, state=("", ""))) as driver:
        assert driver.read(soon()).level is None
        assert device.asked == []


def test_what_is_neither_on_nor_off_is_unknown_and_told() -> None:
    with (
        HttpLookalike({"/state": as_json({"relay": [{"on": "\x1b[1mmaybe"}]})}) as device,
        closing(driver_of(device)) as driver,
        pytest.raises(DeviceUnavailable, match=r"“.*maybe”, which is neither on nor off") as told,
    ):
        driver.read(soon())
    assert "\x1b" not in str(told.value)


def test_a_place_that_is_not_in_the_answer_is_a_wrong_setting() -> None:
    with (
        HttpLookalike({"/state": as_json({"relay": []})}) as device,
        closing(driver_of(device)) as driver,
        pytest.raises(DeviceConfigError, match=r"nothing at “relay\.0\.on”"),
    ):
        driver.read(soon())


@pytest.mark.parametrize(
    ("status", "kind"), [(302, DeviceConfigError), (401, DeviceConfigError), (404, DeviceConfigError), (503, DeviceUnavailable)]
)
def test_a_refusal_is_told_and_a_redirect_not_followed(status: int, kind: type[Exception]) -> None:
    with HttpLookalike({"/off": (status, b"")}) as device, closing(driver_of(device)) as driver:
        device.headers = {"Location": "http://127.0.0.1:1/"}
        with pytest.raises(kind):
            driver.safe(soon())
        assert len(device.asked) == 1


def test_keys_in_requests_and_passwords_are_never_shown() -> None:
    echo = (200, b'{"relay": "secret-key hush-hush-7"}')
    with HttpLookalike({"/state": echo}) as device, closing(driver_of(device, username="ann", password="hush-hush-7")) as driver:
        with pytest.raises(DeviceConfigError) as told:
            driver.read(soon())
        shown = f"{told.value} {driver.heard}"
    assert "secret-key" not in shown
    assert "hush" not in shown


@pytest.mark.parametrize("address", ["http://169.254.169.254", "http://0.0.0.0:81", "http://[fe80::1]"])
def test_addresses_that_no_device_has_are_not_asked(address: str) -> None:
    with pytest.raises(DeviceConfigError):
        HttpSwitch(address, "/on", "/off").safe(soon())
