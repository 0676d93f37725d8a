"""One look at an output, and its set-up (rule 9): what it says in words, from hold_outputs or from the device, and never a switch."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from control import keys
from control.models import Output
from control.outputs import check, publishing, set_up
from control.outputs.set_up import SetUp
from energysite import agents, live
from energysite.demo.on_the_wire import Wire, on_the_wire
from energysite.errors import DeviceUnavailable
from tests.energysite.demo import house
from tests.running_site import free_port

NOW = datetime(2026, 3, 8, 12, tzinfo=UTC)
NAMES = ("shelly1", "shelly2", "tasmota", "homewizard_socket")


@pytest.fixture
def wire() -> Iterator[Wire]:
    """Devices that nobody has set up yet."""
    with on_the_wire(house(), lambda: 1_773_000_000.0, NAMES) as wire:
        yield wire
    live.client().delete(keys.HELD)


def output(wire: Wire, name: str, **fields: Any) -> Output:
    family = name.removesuffix("_socket")
    return Output(**{"name": "Plug", "family": family, "address": wire[name].address, **fields})


def held(**told: Any) -> None:
    row = {"level": 1, "read": 1, "power_w": 1840, "energy_wh": 12_345, "reachable": True, "class": "A", "timer_s": 31.4, "life": 812}
    live.client().hset(keys.HELD, "Plug", json.dumps({**row, "read_at": NOW.timestamp() - 4, **told}))


def switches(wire: Wire, name: str) -> int:
    device: Any = wire[name]
    return int(device.contact.switches)


def test_a_device_tells_its_state_and_its_class_and_is_not_switched(wire: Wire) -> None:
    for name, safety in (("shelly2", "class A"), ("tasmota", "class C"), ("homewizard_socket", "class C")):
        before = switches(wire, name)
        found = check.look(output(wire, name), NOW)
        assert (found.ok, found.live) == (True, False)
        assert found.facts[0] == "off"
        assert found.facts[1] == "0 W"
        assert found.facts[-1].startswith(safety)
        assert found.heard and found.took_ms is not None
        assert switches(wire, name) == before


def test_what_hold_outputs_read_lately_is_not_asked_again(wire: Wire) -> None:
    held()
    device: Any = wire["shelly2"]
    before = device.questions
    found = check.look(output(wire, "shelly2", rated_switches=1000), NOW)
    assert (found.live, found.age_s, device.questions) == (True, 4.0, before)
    assert found.facts == (
        "on",
        "1,840 W",
        "in all 12.345 kWh",
        "switches itself off in 31 s",
        "812 of 1,000 switches",
        "class A: it switches itself off by its own timer if this machine dies",
    )
    assert found.error == "Its relay has made 81 % of the switches that it is made for."
    assert not check.look(output(wire, "shelly2"), NOW, live_ok=False).live


@pytest.mark.parametrize("told", [{"read_at": NOW.timestamp() - 20}, {"reachable": False}])
def test_what_is_old_or_not_reached_is_asked_of_the_device(told: dict[str, Any], wire: Wire) -> None:
    held(**told)
    assert not check.look(output(wire, "shelly2"), NOW).live


def test_trouble_and_errors_are_told_in_words(wire: Wire) -> None:
    held(locked="over_temperature", error={"text": "%(host)s broke off its answer: %(why)s.", "params": {"host": "x", "why": "y"}})
    assert check.look(output(wire, "shelly2"), NOW).error.splitlines()[0] == "x broke off its answer: y."
    assert "too hot" in check.look(output(wire, "shelly2"), NOW).error
    wire.set("shelly1", "overpower")
    assert "more than the device carries" in check.look(Output(name="Hot", family="shelly1", address=wire["shelly1"].address), NOW).error
    away = check.look(Output(name="Away", family="shelly1", address=f"http://127.0.0.1:{free_port()}"), NOW)
    assert (away.ok, away.facts) == (False, ())
    assert "nothing listens" in away.error


@pytest.mark.django_db
def test_rule_11_a_look_at_a_pin_opens_nothing_and_tells_what_to_do() -> None:
    found = check.look(Output(name="Relay", family="gpio", pin=17, active_high=False), NOW)
    assert found.facts[0] == "GPIO 17: on while the machine starts"
    assert "gpio=17=op,dh" in found.error
    assert not check.look(Output(name="Relay", family="gpio"), NOW).ok


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", NAMES)
def test_rule_9_a_device_is_read_set_up_and_read_again(name: str, wire: Wire) -> None:
    device: Any = wire[name]
    device.contact.at_start, device.contact.auto_off_s = "last", 0.0
    if name == "homewizard_socket":
        device.locked = True
    row = agents.create(Output, name="Plug", family=name.removesuffix("_socket"), address=wire[name].address)
    try:
        before = set_up.find(row)
        assert before is not None and not before.good
        assert "It is not set up safely" in check.look(row, NOW, live_ok=False).error
        after = set_up.make_safe(row, NOW)
        assert after is not None and after.good
        assert set_up.find(row) == after
        assert check.look(row, NOW, live_ok=False).error == ""
        row.refresh_from_db()
        assert row.set_up["good"] is True
        assert row.set_up["at"] == "2026-03-08T12:00:00+00:00"
    finally:
        row.delete()
    if name != "homewizard_socket":
        device.contact.switch(True, "button")
        device.contact.restart()
        assert not device.contact.on, "its power returned"


@pytest.mark.django_db(transaction=True)
def test_a_tasmota_that_was_set_up_is_class_a_for_hold_outputs_too(wire: Wire) -> None:
    device: Any = wire["tasmota"]
    device.contact.auto_off_s = 0.0
    row = agents.create(Output, name="Plug", family="tasmota", address=wire["tasmota"].address)
    try:
        set_up.make_safe(row, NOW)
        (told,) = publishing.told()["outputs"]
        assert check.families.safety_class(told) == "A"
        assert check.families.open_driver(told, "key").has_timer
    finally:
        row.delete()


def test_what_a_device_is_set_to_is_told_beside_what_is_safe() -> None:
    found = SetUp({"initial_state": "restore_last", "auto_off_s": 0}, {"initial_state": "off", "auto_off_s": 60})
    assert found.lines() == [
        ("when its power returns", "as it was", "off", False),
        ("switches itself off after", "never", "60 s", False),
    ]


def test_the_copy_of_hold_outputs_serves_while_the_database_is_away(tmp_path: Path, wire: Wire) -> None:
    path = tmp_path / "outputs.json"
    assert check.kept(path) == []
    entry = {"name": "Plug", "family": "shelly2", "address": wire["shelly2"].address, "sealed": "", "enabled": True, "rated_switches": 9}
    path.write_text(json.dumps({"outputs": [entry, {**entry, "name": "Off", "enabled": False}]}))
    (known,) = check.kept(path)
    (found,) = check.check_all(NOW, [known])
    assert (found.name, found.ok, found.facts[0]) == ("Plug", True, "off")
    path.write_text("{")
    assert check.kept(path) == []


def test_rule_1_a_look_at_a_device_that_hangs_ends_in_5_s(wire: Wire) -> None:
    wire.set("shelly1", "silent")
    driver: Any = check.families.open_output(output(wire, "shelly1"))
    began = time.monotonic()
    with pytest.raises(DeviceUnavailable):
        driver.read(began + 0.2)
    driver.close()
    assert time.monotonic() - began < 1
    assert check.DEADLINE_S <= 5
