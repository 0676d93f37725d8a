"""Inverters that answer over HTTP: by day, at night, in trouble, and as they were recorded."""

import json
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from energysite.errors import BadReading, DeviceConfigError, DeviceUnavailable
from solar.production import Condition, Production
from solar.readers import Reader, fronius, homewizard, sma
from solar.readers.fronius import Fronius
from solar.readers.homewizard import HomeWizardKwh
from solar.readers.http_json import HttpJson, Place
from solar.readers.sma import SmaWebConnect
from tests.emulators.http_device import HttpLookalike, Reply, as_json

RECORDED = settings.BASE_DIR.parent / "shared" / "captures" / "devices"
FLOW = "/solar_api/v1/GetPowerFlowRealtimeData.fcgi"
INVERTER = "/solar_api/v1/GetInverterRealtimeData.cgi"


def read(reader: Reader, seconds: float = 3.0) -> Production:
    with closing(reader):
        return reader.read(time.monotonic() + seconds)


def recorded(name: str) -> Any:
    path = Path(RECORDED / name)
    if not path.exists():
        pytest.skip("the recordings of real devices are not beside the repository")
    return json.loads(path.read_text())


def answer(data: dict[str, Any], code: int = 0, reason: str = "") -> Reply:
    return as_json({"Head": {"Status": {"Code": code, "Reason": reason}}, "Body": {"Data": data}})


def flow(**site: Any) -> Reply:
    inverters = {"1": {"P": site.get("P_PV"), "SOC": 55.5}}
    return answer({"Site": {"P_PV": None, "P_Akku": None, "E_Day": None, "E_Total": 1000.4, **site}, "Inverters": inverters})


def inverter(status: int = 7, **values: Any) -> Reply:
    given: dict[str, Any] = {name: {"Value": value, "Unit": ""} for name, value in values.items()}
    return answer({**given, "DeviceStatus": {"StatusCode": status, "ErrorCode": 0}})


def test_a_fronius_by_day_tells_power_energy_and_its_battery() -> None:
    replies = {FLOW: flow(P_PV=3214.6, P_Akku=-250.2, E_Day=5120.0), INVERTER: inverter(PAC=3200, TOTAL_ENERGY=26_213_502)}
    with HttpLookalike(replies) as device:  # type: ignore[arg-type]
        found = read(Fronius(device.address))
    assert (found.power_w, found.condition, found.day_wh, found.total_wh) == (3215, Condition.PRODUCING, 5120, 26_213_502)
    assert (found.battery_w, found.battery_pct) == (-250, 55.5)
    assert [unit.power_w for unit in found.units] == [3200]


def test_a_fronius_at_night_is_no_fault_and_makes_nothing() -> None:
    flows, inverters = recorded("fronius-power-flow-night.json"), recorded("fronius-common-inverter-data-night.json")
    found = fronius.production(fronius.data_of(flows), {"1": fronius.data_of(inverters)})
    assert (found.power_w, found.condition, found.total_wh) == (0, Condition.ASLEEP, 26_213_502)


def test_a_gen24_without_day_energy_has_none_instead_of_zero() -> None:
    replies = {FLOW: flow(P_PV=10.0), INVERTER: inverter(PAC=10, DAY_ENERGY=None, TOTAL_ENERGY=77)}
    with HttpLookalike(replies) as device:  # type: ignore[arg-type]
        assert read(Fronius(device.address)).day_wh is None


def test_a_fronius_status_other_than_zero_is_no_zero_watts() -> None:
    refused = answer({}, code=8, reason="LNRequestTimeout")
    with HttpLookalike({FLOW: refused}) as device, pytest.raises(BadReading, match=r"status 8\. LNRequestTimeout"):
        read(Fronius(device.address))


def test_a_fronius_in_trouble_tells_its_code() -> None:
    faulty = as_json({"Head": {"Status": {"Code": 0}}, "Body": {"Data": {"DeviceStatus": {"StatusCode": 10, "ErrorCode": 301}}}})
    with HttpLookalike({FLOW: flow(P_PV=None), INVERTER: faulty}) as device:
        found = read(Fronius(device.address))
    assert (found.condition, found.code) == (Condition.FAULT, "301")


def sma_replies(password: str = "secret", val: int | None = 1006) -> dict[str, Any]:
    def login(body: bytes) -> Reply:
        given = json.loads(body)
        return as_json({"result": {"sid": "abc123"}} if given == {"right": "usr", "pass": password} else {"err": 401})

    values = {"6100_40263F00": {"1": [{"val": val}]}, "6400_00260100": {"1": [{"val": 9_000_001}]}, "6400_00262200": {"1": [{"val": 7}]}}
    replies: dict[str, Any] = {"/dyn/login.json": login, "/dyn/getValues.json": as_json({"result": {"0199-1": values}})}
    return {**replies, "/dyn/logout.json": as_json({"result": {"isLogin": False}})}


def test_an_sma_is_left_logged_out() -> None:
    with HttpLookalike(sma_replies()) as device:
        found = read(SmaWebConnect(device.address, "secret"))
        paths = [path.partition("?")[0] for _method, path, _body in device.asked]
    assert (found.power_w, found.day_wh, found.total_wh) == (1006, 7, 9_000_001)
    assert paths == ["/dyn/login.json", "/dyn/getValues.json", "/dyn/logout.json"]


def test_an_sma_is_logged_out_also_when_its_values_cannot_be_read() -> None:
    with HttpLookalike({**sma_replies(), "/dyn/getValues.json": (200, b"<html>")}) as device:
        with pytest.raises(BadReading, match="not with numbers"):
            read(SmaWebConnect(device.address, "secret"))
        assert device.asked[-1][1] == "/dyn/logout.json?sid=abc123"


def test_an_sma_says_that_the_password_is_wrong_without_telling_it() -> None:
    with HttpLookalike(sma_replies()) as device, pytest.raises(DeviceConfigError, match="refuses the password") as told:
        read(SmaWebConnect(device.address, "wrong-one"))
    assert "wrong-one" not in str(told.value)


def test_an_sma_at_night_makes_nothing_and_keeps_its_counter() -> None:
    with HttpLookalike(sma_replies(val=None)) as device:
        found = read(SmaWebConnect(device.address, "secret"))
    assert (found.power_w, found.condition, found.total_wh) == (0, Condition.ASLEEP, 9_000_001)


def test_an_sma_as_recorded_by_day() -> None:
    assert sma.production(recorded("sma-webconnect-getvalues.json")).power_w == 1006


def test_a_homewizard_kwh_meter_as_recorded_counts_its_export() -> None:
    found = homewizard.production(recorded("homewizard-kwh1-data.json"))
    assert (found.power_w, found.total_wh, found.condition) == (45, 579_813, Condition.PRODUCING)


def test_a_homewizard_that_takes_power_at_night_makes_nothing() -> None:
    with HttpLookalike({"/api/v1/data": as_json({"active_power_w": 4.2, "total_power_export_kwh": 1.5})}) as device:
        found = read(HomeWizardKwh(device.address))
    assert (found.power_w, found.total_wh, found.condition) == (0, 1500, Condition.STANDBY)


def test_any_json_is_read_by_its_paths_and_factors() -> None:
    with HttpLookalike({"/status": as_json({"data": [{"kw": 1.25}], "sum": 3.0005})}) as device:
        found = read(HttpJson(device.address, "/status", power=Place("data.0.kw", 1000), total=Place("sum", 1000)))
        missing = HttpJson(device.address, "/status", power=Place("data.1.kw"))
        with pytest.raises(BadReading, match=r"nothing at “data\.1\.kw”"):
            read(missing)
    assert (found.power_w, found.total_wh) == (1250, 3000)


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (401, DeviceConfigError, "password"),
        (403, DeviceConfigError, "local access"),
        (404, DeviceConfigError, "make you chose"),
        (302, DeviceConfigError, "we do not go"),
        (429, DeviceUnavailable, "too often"),
        (500, DeviceUnavailable, "asked again"),
    ],
)
def test_each_refusal_says_what_to_do(status: int, kind: type[Exception], words: str) -> None:
    with HttpLookalike({FLOW: (status, b"")}) as device:
        device.headers = {"Location": "http://127.0.0.1:1/"}
        with pytest.raises(kind, match=words):
            read(Fronius(device.address))
        assert len(device.asked) == 1, "a redirect is not followed"


@pytest.mark.parametrize("bad", ["NaN", "Infinity", '"12"', "true"])
def test_what_is_no_number_is_refused(bad: str) -> None:
    body = b'{"w": ' + bad.encode() + b"}"
    with HttpLookalike({"/": (200, body)}) as device, pytest.raises(BadReading, match="no number"):
        read(HttpJson(device.address, "/", power=Place("w")))


def test_a_device_that_trickles_is_given_up_in_time() -> None:
    with HttpLookalike({FLOW: flow(P_PV=1.0)}) as device:
        device.trickle_s = 0.05
        began = time.monotonic()
        with pytest.raises(DeviceUnavailable, match="too long"):
            read(Fronius(device.address), 0.4)
    assert time.monotonic() - began < 1.5


def test_an_answer_without_end_is_given_up() -> None:
    with HttpLookalike({FLOW: (200, b"")}) as device:
        device.endless = True
        with pytest.raises(DeviceUnavailable, match="more than 256 kB"):
            read(Fronius(device.address))
