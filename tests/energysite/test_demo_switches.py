"""The switches of the demo house, asked as their makers' descriptions have it."""

import hashlib
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from energysite.demo.appliances import Boiler, Car
from energysite.demo.calendar import midnight
from energysite.demo.devices import relay
from energysite.demo.devices.modes import SWITCHES
from energysite.demo.model import House
from energysite.demo.on_the_wire import Wire, on_the_wire
from tests.energysite import demo

DAY = date(2026, 3, 10)
NOON = midnight(DAY) + 12 * 3600
HTTP = ("shelly1", "shelly2", "tasmota", "homewizard_socket")
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Clock:
    """Two: `at` is set by whoever likes; `mono` only goes on."""

    def __init__(self) -> None:
        self.at, self.mono = NOON, 1000.0

    def pass_s(self, seconds: int) -> None:
        self.at += seconds
        self.mono += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def wire(clock: Clock, tmp_path: Path) -> Iterator[Wire]:
    with on_the_wire(House(demo.young(DAY)), lambda: clock.at, SWITCHES, folder=tmp_path, mono=lambda: clock.mono) as opened:
        yield opened


def ask(wire: Wire, name: str, path: str, body: Any = None, opener: urllib.request.OpenerDirector = OPENER) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(wire[name].address + path, data, method="PUT" if name == "homewizard_socket" and data else None)
    with opener.open(request, timeout=5) as answer:
        return json.loads(answer.read())


def refused(wire: Wire, name: str, path: str, body: Any = None) -> tuple[int, str]:
    """The status of the refusal and what it asks for."""
    with pytest.raises(urllib.error.HTTPError) as found:
        ask(wire, name, path, body)
    found.value.close()
    return found.value.code, found.value.headers.get("WWW-Authenticate", "")


def turn(wire: Wire, name: str, on: bool, timer_s: int = 0) -> None:
    if name == "shelly1":
        ask(wire, name, f"/relay/0?turn={'on' if on else 'off'}" + (f"&timer={timer_s}" if timer_s else ""))
    elif name == "shelly2":
        ask(wire, name, f"/rpc/Switch.Set?id=0&on={str(on).lower()}" + (f"&toggle_after={timer_s}" if timer_s else ""))
    elif name == "tasmota":
        if timer_s:
            ask(wire, name, f"/cm?cmnd=PulseTime1%20{timer_s + 100}")
        ask(wire, name, f"/cm?cmnd=Power%20{'On' if on else 'Off'}")
    else:
        ask(wire, name, "/api/v1/state", {"power_on": on})


def told(wire: Wire, name: str) -> tuple[bool, float, float]:
    """On, W, Wh as the device says."""
    if name == "shelly1":
        relay, meter = ask(wire, name, "/relay/0"), ask(wire, name, "/meter/0")
        return relay["ison"], meter["power"], meter["total"] / 60
    if name == "shelly2":
        status = ask(wire, name, "/rpc/Switch.GetStatus?id=0")
        return status["output"], status["apower"], status["aenergy"]["total"]
    if name == "tasmota":
        power, energy = ask(wire, name, "/cm?cmnd=Power"), ask(wire, name, "/cm?cmnd=Status%208")["StatusSNS"]["ENERGY"]
        return power["POWER"] == "ON", energy["Power"], energy["Total"] * 1000
    state, data = ask(wire, name, "/api/v1/state"), ask(wire, name, "/api/v1/data")
    return state["power_on"], data["active_power_w"], data["total_power_import_kwh"] * 1000


WATTS = {"shelly1": 280, "shelly2": 1380, "tasmota": 2000, "homewizard_socket": 370}


@pytest.mark.parametrize("name", HTTP)
def test_a_switch_that_is_on_draws_its_load_and_counts_it(wire: Wire, clock: Clock, name: str) -> None:
    assert told(wire, name)[:2] == (False, 0)
    turn(wire, name, True)
    on, watts, before = told(wire, name)
    clock.pass_s(360)
    assert (on, watts) == (True, WATTS[name])
    assert told(wire, name)[2] - before == pytest.approx(WATTS[name] / 10, abs=1.1)
    turn(wire, name, False)
    assert told(wire, name)[:2] == (False, 0)


@pytest.mark.parametrize("name", ["shelly1", "shelly2", "tasmota"])
def test_its_own_timer_switches_it_off_and_is_renewed_by_the_next_command(wire: Wire, clock: Clock, name: str) -> None:
    turn(wire, name, True, 40)
    clock.pass_s(39)
    assert told(wire, name)[0]
    turn(wire, name, True, 40)
    clock.pass_s(39)
    assert told(wire, name)[0]
    clock.pass_s(1)
    assert told(wire, name)[:2] == (False, 0)
    assert wire[name].contact.source == "timer"  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["shelly1", "shelly2"])
def test_a_timer_that_is_sent_with_off_switches_it_on_again(wire: Wire, clock: Clock, name: str) -> None:
    turn(wire, name, False, 40)
    clock.pass_s(41)
    assert told(wire, name)[0]


@pytest.mark.parametrize("name", HTTP)
def test_a_person_presses_its_button(wire: Wire, name: str) -> None:
    wire.press(name)
    assert told(wire, name)[0]
    wire.press(name)
    assert not told(wire, name)[0]


def test_a_timer_that_runs_is_told_in_each_makes_own_words(wire: Wire, clock: Clock) -> None:
    for name in ("shelly1", "shelly2", "tasmota"):
        turn(wire, name, True, 40)
    clock.pass_s(10)
    first, second = ask(wire, "shelly1", "/relay/0"), ask(wire, "shelly2", "/rpc/Switch.GetStatus?id=0")
    assert (first["has_timer"], first["timer_remaining"]) == (True, 30)
    assert (second["timer_started_at"], second["timer_duration"]) == (clock.at - 10, 40)
    assert ask(wire, "tasmota", "/cm?cmnd=PulseTime1") == {"PulseTime1": {"Set": 140, "Remaining": 130}}
    clock.pass_s(31)
    assert "timer_duration" not in ask(wire, "shelly2", "/rpc/Switch.GetStatus?id=0")


def test_what_it_does_when_the_current_comes_back_is_as_it_was_set_up(wire: Wire, clock: Clock) -> None:
    for name in HTTP[:3]:
        wire.press(name)
        clock.pass_s(5)
        wire.set(name, "restart")
        assert told(wire, name)[0]
    assert ask(wire, "tasmota", "/cm?cmnd=State")["UptimeSec"] == 0
    ask(wire, "shelly1", "/settings/relay/0?default_state=off&auto_off=60")
    config = json.dumps({"initial_state": "off", "auto_off": True, "auto_off_delay": 60}).replace(" ", "").replace('"', "%22")
    assert ask(wire, "shelly2", f"/rpc/Switch.SetConfig?id=0&config={config}") == {"restart_required": False}
    ask(wire, "tasmota", "/cm?cmnd=PowerOnState%200")
    for name in HTTP[:3]:
        wire.set(name, "restart")
        assert not told(wire, name)[0]
        wire.press(name)
    clock.pass_s(61)
    assert [told(wire, name)[0] for name in HTTP[:3]] == [False, False, True]


def test_a_shelly_with_a_password_asks_for_digest_with_sha_256(wire: Wire) -> None:
    device = wire["shelly2"]
    device.password = "orchard-7"  # type: ignore[attr-defined]
    path = "/rpc/Switch.Set?id=0&on=true"
    status, asked = refused(wire, "shelly2", path)
    given = urllib.request.parse_keqv_list(urllib.request.parse_http_list(asked.removeprefix("Digest ")))
    assert (status, given["algorithm"], given["qop"]) == (401, "SHA-256", "auth")

    def sha(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()

    def answered(password: str) -> urllib.request.OpenerDirector:
        secret, what = sha(f"admin:{given['realm']}:{password}"), sha(f"GET:{path}")
        response = sha(f"{secret}:{given['nonce']}:00000001:c0ffee:auth:{what}")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        told = f'username="admin", realm="{given["realm"]}", nonce="{given["nonce"]}", uri="{path}", algorithm=SHA-256'
        opener.addheaders = [("Authorization", f'Digest {told}, qop=auth, nc=00000001, cnonce="c0ffee", response="{response}"')]
        return opener

    assert ask(wire, "shelly2", path, opener=answered("orchard-7")) == {"was_on": False}
    with pytest.raises(urllib.error.HTTPError, match="401") as wrong:
        ask(wire, "shelly2", path, opener=answered("orchard-8"))
    wrong.value.close()
    with pytest.raises(urllib.error.HTTPError, match="401") as elsewhere:
        ask(wire, "shelly2", path.replace("true", "false"), opener=answered("orchard-7"))
    elsewhere.value.close()
    assert ask(wire, "shelly2", "/shelly")["auth_en"] is True


def test_a_shelly_of_the_first_generation_asks_for_basic_and_tasmota_in_its_query(wire: Wire) -> None:
    for name in ("shelly1", "tasmota"):
        wire[name].password = "orchard-7"  # type: ignore[attr-defined]
    assert refused(wire, "shelly1", "/relay/0?turn=on")[0] == refused(wire, "tasmota", "/cm?cmnd=Power%20On")[0] == 401
    passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, wire["shelly1"].address, "admin", "orchard-7")
    known = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPBasicAuthHandler(passwords))
    assert ask(wire, "shelly1", "/relay/0?turn=on", opener=known)["ison"]
    assert ask(wire, "tasmota", "/cm?cmnd=Power%20On&user=admin&password=orchard-7") == {"POWER": "ON"}


def test_on_a_bad_day_it_lies_sticks_or_protects_itself(wire: Wire, clock: Clock) -> None:
    turn(wire, "shelly2", True)
    wire.set("shelly2", "lying")
    assert told(wire, "shelly2")[:2] == (True, 0)
    wire.set("shelly2", "stuck")
    turn(wire, "shelly2", False)
    assert told(wire, "shelly2")[:2] == (False, 1380)
    wire.set("shelly2", "auto")
    for mode, word in (("overheated", "overtemp"), ("overpower", "overpower")):
        turn(wire, "shelly2", True)
        wire.set("shelly2", mode)
        status = ask(wire, "shelly2", "/rpc/Switch.GetStatus?id=0")
        assert (status["output"], status["errors"]) == (False, [word])
        turn(wire, "shelly2", True)
        assert not told(wire, "shelly2")[0]
        wire.set("shelly2", "auto")
    wire.set("shelly1", "overheated")
    assert ask(wire, "shelly1", "/status")["overtemperature"] is True


def test_bad_questions_are_refused_as_each_make_does(wire: Wire) -> None:
    for path, status in (("/rpc/Switch.Set?id=3&on=true", 500), ("/rpc/Switch.Set?id=0", 500), ("/rpc/Coffee.Make", 404), ("/cm", 404)):
        assert refused(wire, "shelly2", path)[0] == status
    framed = ask(wire, "shelly2", "/rpc", {"id": 7, "method": "Switch.Set", "params": {"id": 0, "on": True}})
    assert framed == {"id": 7, "src": framed["src"], "result": {"was_on": False}}
    assert refused(wire, "homewizard_socket", "/api/v1/state", {"power_on": "yes"})[0] == 400
    wire["homewizard_socket"].locked = True  # type: ignore[attr-defined]
    assert refused(wire, "homewizard_socket", "/api/v1/state", {"power_on": False})[0] == 403
    assert ask(wire, "tasmota", "/cm?cmnd=Coffee") == {"Command": "Unknown"}


def pins(wire: Wire, *questions: tuple[str, int, int]) -> list[int]:
    """Over one connection, which is closed at the end."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(5)
        line.connect(wire["relay"].address)
        found = []
        for operation, pin, level in questions:
            line.sendall(bytes((ord(operation), pin, level)))
            found.append(line.recv(1)[0])
        return found


def test_the_relay_follows_its_pin_which_keeps_its_level_when_its_program_ends(wire: Wire) -> None:
    contact = wire["relay"].contact  # type: ignore[attr-defined]
    assert pins(wire, ("r", 4, 0), ("r", relay.PIN, 0)) == [1, 0]
    assert pins(wire, ("o", relay.PIN, 1), ("r", relay.PIN, 0)) == [1, 1]
    assert contact.on and contact.power_w(NOON) == 600
    assert pins(wire, ("w", relay.PIN, 0)) == [0]
    assert not contact.on
    pins(wire, ("o", relay.PIN, 1))
    assert pins(wire, ("i", relay.PIN, 0)) == [0]
    assert not contact.on
    assert pins(wire, ("w", 5, 1), ("o", 28, 1), ("?", 1, 1)) == [255, 255, 255]


def test_the_car_leaves_and_comes_back_with_less_and_is_full_some_time() -> None:
    car = Car("car", 2300, 0)
    car.passed(NOON, 0)
    before = car.charge_ws
    evening = midnight(date(2026, 3, 10)) + 18 * 3600
    assert [car.wants_w(at) for at in (NOON, NOON + 4 * 3600 + 60, evening)] == [2300, 0, 2300]
    for at in range(NOON + 1, evening):
        car.passed(at, car.wants_w(at))
    assert car.charge_ws == before + 4 * 3600 * 2300 + 1799 * 2300 - Car.TRIP_WS
    car.charge_ws = Car.CAPACITY_WS - 1000
    assert car.wants_w(evening) == 1150
    car.passed(evening, 1150)
    assert (car.charge_ws, car.wants_w(evening + 1)) == (Car.CAPACITY_WS, 0)


def test_the_boilers_thermostat_opens_when_it_is_hot_and_closes_when_water_was_used() -> None:
    boiler = Boiler("boiler", 2000, 1)
    at, drew = NOON, []
    for second in range(24 * 3600):
        drew.append(boiler.wants_w(at + second))
        boiler.passed(at + second, drew[-1])
    used_ws = sum(Boiler.USED_W) * 3600
    assert abs(sum(drew) - used_ws - 3 * 3600_000) < Boiler.HEATS_FROM_WS
    assert 4 < sum(a != b for a, b in pairwise(drew)) < 60
