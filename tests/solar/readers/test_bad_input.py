"""What any family over HTTP has to bear: refusals, redirects, HTML, endless and trickling answers, certificates of its own."""

import re
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from energysite.demo.devices.certificate import write
from energysite.errors import BadReading, DeviceConfigError, DeviceUnavailable
from meters.transports.http import HttpDevice
from solar.readers import Reader, families
from tests.emulators.http_device import HttpLookalike, as_json
from tests.solar.readers.asking import read

FLOW = "/solar_api/v1/GetPowerFlowRealtimeData.fcgi"
# By family: the path that it asks first.
FIRST = {"fronius": FLOW, "sma": "/dyn/login.json", "homewizard": "/api/v1/data", "http_json": "/status"}
HTTP = [family for family in families.FAMILIES if "http" in family.schemes]


def reader_of(family: families.Family, address: str) -> Reader:
    places = dict.fromkeys(("day_path", "total_path", "battery_path", "charge_path"), "")
    factors = dict.fromkeys(("power_factor", "day_factor", "total_factor", "battery_factor"), 1.0)
    given = SimpleNamespace(address=address, password="hunter2", units="", page="/status", power_path="w", **places, **factors)
    return family.open(given)


@pytest.fixture(params=HTTP, ids=lambda family: family.name)
def family(request: pytest.FixtureRequest) -> families.Family:
    found: families.Family = request.param
    return found


def test_every_family_over_http_is_in_these_tests() -> None:
    assert {family.name for family in HTTP} == FIRST.keys()


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (401, DeviceConfigError, "password"),
        (403, (DeviceConfigError, DeviceUnavailable), "local access|local API"),
        (404, DeviceConfigError, "make you chose"),
        (302, DeviceConfigError, "we do not go"),
        (429, DeviceUnavailable, "too often"),
        (500, DeviceUnavailable, "asked again"),
    ],
)
def test_each_refusal_says_what_to_do(family: families.Family, status: int, kind: type[Exception], words: str) -> None:
    with HttpLookalike({FIRST[family.name]: (status, b"")}) as device:
        device.headers = {"Location": "http://127.0.0.1:1/"}
        with pytest.raises(kind, match=words):
            read(reader_of(family, device.address))
        assert len(device.asked) == 1, "a redirect is not followed"


@pytest.mark.parametrize("body", [b"<!DOCTYPE html><p>Login</p>", b"", b"\xff\xfe{}", b"{", b"[" * 100_000, b'{"w": ' + b"9" * 5000 + b"}"])
def test_what_is_no_json_is_told_with_its_beginning(family: families.Family, body: bytes) -> None:
    with HttpLookalike({FIRST[family.name]: (200, body)}) as device:
        reader = reader_of(family, device.address)
        with pytest.raises(BadReading, match="not with numbers"):
            read(reader)
    assert len(reader.heard) <= 500
    assert body[:8].decode("ascii", "ignore") in reader.heard


def test_text_of_a_device_holds_no_control_characters(family: families.Family) -> None:
    with HttpLookalike({FIRST[family.name]: (200, b"\x1b[31m\x07bad \xe2\x80\xaetext")}) as device:
        reader = reader_of(family, device.address)
        with pytest.raises(BadReading) as told:
            read(reader)
    for text in (str(told.value), reader.heard):
        assert not re.search("[\x00-\x1f\u202e]", text)


def within(seconds: float, what: Callable[[], object]) -> None:
    began = time.monotonic()
    what()
    assert time.monotonic() - began < seconds


def test_a_device_that_trickles_is_given_up_in_time(family: families.Family) -> None:
    with HttpLookalike({FIRST[family.name]: as_json({"w": 1})}) as device:
        device.trickle_s = 0.05

        def asked() -> None:
            with pytest.raises(DeviceUnavailable, match="too long"):
                read(reader_of(family, device.address), 0.2)

        within(1.0, asked)


def test_an_answer_without_end_is_given_up(family: families.Family) -> None:
    with HttpLookalike({FIRST[family.name]: (200, b"")}) as device:
        device.endless = True
        reader = reader_of(family, device.address)
        with pytest.raises(DeviceUnavailable, match="more than 256 kB"):
            read(reader)
    assert reader.heard == ""


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("device") / "own.pem"
    write(path)
    return path


def test_a_certificate_that_the_device_made_itself_is_no_hindrance_at_home(family: families.Family, certificate: Path) -> None:
    with HttpLookalike({FIRST[family.name]: (200, b"hello")}, certificate) as device:
        assert device.address.startswith("https://")
        with pytest.raises(BadReading, match="hello"):
            read(reader_of(family, device.address))


def test_nobody_listens(family: families.Family) -> None:
    with HttpLookalike() as device:
        address = device.address
    with pytest.raises(DeviceUnavailable, match="nothing listens"):
        read(reader_of(family, address))


@pytest.mark.parametrize("address", ["http://169.254.169.254", "http://0.0.0.0:81", "http://[fe80::1]", "http://224.0.0.1"])
def test_addresses_that_no_device_has_are_not_asked(family: families.Family, address: str) -> None:
    with pytest.raises(DeviceConfigError, match="no meter can have"):
        read(reader_of(family, address))


def test_elsewhere_a_certificate_is_looked_at(certificate: Path) -> None:
    """At home too by who does not ask otherwise, such as a weather service."""
    with HttpLookalike(certificate=certificate) as device, pytest.raises(DeviceUnavailable, match="not trusted"):
        HttpDevice(device.address).ask("/", time.monotonic() + 3)
    at_home, outside = (HttpDevice("https://inverter", self_signed=True)._context(at) for at in ("192.168.1.20", "8.8.8.8"))
    assert (at_home.verify_mode, outside.verify_mode) == (ssl.CERT_NONE, ssl.CERT_REQUIRED)
