"""SMA by WebConnect: sessions, nights, batteries, and as recorded."""

import json
import time
from typing import Any

import pytest

from energysite.errors import BadReading, DeviceConfigError, DeviceUnavailable
from solar.production import Condition
from solar.readers import sma
from solar.readers.sma import SmaWebConnect
from tests.emulators.http_device import HttpLookalike, Reply, as_json
from tests.solar.readers.asking import read, recorded

POWER, PANELS, GENERATED, YIELD, DAY = "6100_40263F00", "6100_0046C200", "6400_0046C300", "6400_00260100", "6400_00262200"
STRINGS, CHARGING, DISCHARGING, CHARGE, STATUS = "6380_40251E00", "6100_00496900", "6100_00496A00", "6100_00295A00", "6180_08214800"


def values(given: dict[str, Any]) -> dict[str, Any]:
    return {key: {"1": [{"val": val} for val in (value if isinstance(value, tuple) else (value,))]} for key, value in given.items()}


def result(*devices: dict[str, Any]) -> dict[str, Any]:
    return {"result": {f"0199-{number}": values(given) for number, given in enumerate(devices)}}


def status(tag: int) -> dict[str, Any]:
    return {STATUS: [{"tag": tag}]}


def replies(answer: Any, password: str = "secret", session: str = "abc123") -> dict[str, Any]:
    def login(body: bytes) -> Reply:
        given = json.loads(body)
        return as_json({"result": {"sid": session}} if given == {"right": "usr", "pass": password} else {"err": 401})

    asked: dict[str, Any] = {"/dyn/login.json": login, "/dyn/getValues.json": answer if isinstance(answer, tuple) else as_json(answer)}
    return {**asked, "/dyn/logout.json": as_json({"result": {"isLogin": False}})}


def test_by_day_it_tells_power_and_energy_and_is_left_logged_out() -> None:
    with HttpLookalike(replies(result({POWER: 1006, YIELD: 9_000_001, DAY: 7, **status(307)}))) as device:
        reader = SmaWebConnect(device.address, "secret")
        found = read(reader)
        paths = [path.partition("?")[0] for _method, path, _body in device.asked]
    assert (found.power_w, found.day_wh, found.total_wh, found.condition) == (1006, 7, 9_000_001, Condition.PRODUCING)
    assert paths == ["/dyn/login.json", "/dyn/getValues.json", "/dyn/logout.json"]
    assert POWER in reader.heard


def test_as_recorded_by_day() -> None:
    found = sma.production(recorded("sma-webconnect-getvalues.json"))
    assert (found.power_w, found.total_wh, found.condition, found.has_battery) == (1006, 13_593_997, Condition.PRODUCING, False)


def test_it_is_logged_out_also_when_its_values_cannot_be_read() -> None:
    with HttpLookalike(replies((200, b"<html>"))) as device:
        with pytest.raises(BadReading, match="not with numbers"):
            read(SmaWebConnect(device.address, "secret"))
        assert device.asked[-1][1] == "/dyn/logout.json?sid=abc123"


def test_a_wrong_password_is_told_without_telling_it() -> None:
    with HttpLookalike(replies(result({}))) as device:
        reader = SmaWebConnect(device.address, "wrong-one")
        with pytest.raises(DeviceConfigError, match="refuses the password") as told:
            read(reader)
    assert "wrong-one" not in str(told.value) + reader.heard


def test_neither_password_nor_session_is_shown_when_the_device_echoes_them() -> None:
    password = "p&ss wörd"
    written = f"{password} {json.dumps(password)} p%26ss%20w%C3%B6rd p&amp;ss wörd abc123"
    with HttpLookalike(replies((200, written.encode()), password)) as device:
        reader = SmaWebConnect(device.address, password)
        with pytest.raises(BadReading) as told:
            read(reader)
    for word in ("p&ss", "p%26", "p&amp;", "abc123"):
        assert word not in str(told.value) + reader.heard


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        ({"err": 503}, DeviceUnavailable, "no free session"),
        ({"err": 404}, DeviceUnavailable, "does not let us log in"),
        ({"result": {}}, DeviceUnavailable, "does not let us log in"),
        ({"result": {"sid": "a b&c=d"}}, DeviceUnavailable, "does not let us log in"),
        ([], DeviceUnavailable, "does not let us log in"),
    ],
)
def test_a_login_that_fails_says_why(answer: Any, kind: type[Exception], words: str) -> None:
    with HttpLookalike({"/dyn/login.json": as_json(answer)}) as device, pytest.raises(kind, match=words):
        read(SmaWebConnect(device.address, "secret"))


def test_a_session_that_ended_is_asked_for_anew_next_time() -> None:
    with HttpLookalike(replies({"err": 401})) as device, pytest.raises(DeviceUnavailable, match="ended our session"):
        read(SmaWebConnect(device.address, "secret"))


@pytest.mark.parametrize("answer", [{"result": {}}, {"result": []}, {}, [], 7])
def test_missing_values_are_told(answer: Any) -> None:
    with HttpLookalike(replies(answer)) as device, pytest.raises(BadReading, match="without values"):
        read(SmaWebConnect(device.address, "secret"))


def test_at_night_it_makes_nothing_and_keeps_its_counter() -> None:
    found = sma.production(result({POWER: None, YIELD: 9_000_001, DAY: None, **status(303)}))
    assert (found.power_w, found.condition, found.total_wh, found.day_wh) == (0, Condition.ASLEEP, 9_000_001, None)


def test_one_that_tells_nothing_at_all_at_night_invents_no_zero() -> None:
    found = sma.production(result({POWER: None, YIELD: None, DAY: None, STATUS: None}))
    assert (found.power_w, found.condition, found.total_wh) == (None, Condition.ASLEEP, None)


def test_a_negative_power_at_night_is_no_production() -> None:
    assert sma.production(result({POWER: -8, **status(307)})).power_w == 0


def test_a_model_that_counts_elsewhere_leaves_the_first_counter_at_0() -> None:
    assert sma.production(result({POWER: 5, GENERATED: 0, YIELD: 123})).total_wh == 123
    assert sma.production(result({POWER: 5, GENERATED: 0})).total_wh == 0


def test_a_fault_is_told() -> None:
    assert sma.production(result({POWER: 0, YIELD: 1, **status(35)})).condition is Condition.FAULT


def test_its_strings_tell_the_power_where_nothing_else_does() -> None:
    assert sma.production(result({POWER: None, STRINGS: (595, 515), YIELD: 1})).power_w == 1110


def test_beside_a_battery_the_panels_tell_the_sun() -> None:
    given = {POWER: 900, PANELS: 1500, GENERATED: 44, YIELD: 99, DAY: 5, CHARGING: 600, DISCHARGING: 0, CHARGE: 71, **status(307)}
    found = sma.production(result(given))
    assert (found.power_w, found.total_wh, found.day_wh) == (1500, 44, None)
    assert (found.battery_w, found.battery_pct) == (-600, 71)


def test_several_devices_of_one_address_are_summed() -> None:
    found = sma.production(result({POWER: 100, YIELD: 1}, {POWER: 20, YIELD: 2}))
    assert (found.power_w, found.total_wh) == (120, 3)
    assert [unit.name for unit in found.units] == ["0199-0", "0199-1"]


@pytest.mark.parametrize("value", ["12", True, 1e300, {}])
def test_what_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(BadReading, match="no number"):
        sma.production(result({POWER: value}))


def test_it_is_recognised_without_a_login() -> None:
    with HttpLookalike({"/dyn/getValues.json": as_json({"err": 401})}) as device:
        assert sma.answers_at(device.address, time.monotonic() + 3)
        assert [path.partition("?")[0] for _method, path, _body in device.asked] == ["/dyn/getValues.json"]
    with HttpLookalike({}) as device:
        assert not sma.answers_at(device.address, time.monotonic() + 3)
