"""The demo house's switches as the site knows them."""

import asyncio
import socket
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from control.models import Controller, Output
from control.outputs import families
from energysite import agents
from energysite.demo.calendar import midnight
from energysite.demo.devices.modes import SWITCHES
from energysite.demo.model import House
from energysite.demo.on_the_wire import Wire, on_the_wire
from energysite.management.commands import _demo_switches as switches
from energysite.management.commands._demo_devices import Devices
from tests.energysite import demo

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 10)
NOON = midnight(DAY) + 12 * 3600


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    with on_the_wire(House(demo.young(DAY)), lambda: NOON, SWITCHES, folder=tmp_path) as opened:
        yield opened


def addresses(wire: Wire) -> dict[str, str]:
    return {name: device.address for name, device in wire.devices.items()}


def test_each_switch_has_an_output_and_a_controller_that_commands_it(wire: Wire) -> None:
    said: list[str] = []
    switches.register(addresses(wire), said.append)
    assert said == []
    outputs = {output.name: output for output in Output.objects.all()}
    assert {name: families.safety_class(output) for name, output in outputs.items()} == {
        "Car plug": "A",
        "Boiler plug": "A",
        "Pump socket": "C",
        "Heater relay": "B",
    }
    for controller in Controller.objects.all():
        controller.full_clean()
        assert not controller.dry_run
        assert controller.enabled and controller.mode == "auto"
    assert set(Controller.objects.values_list("strategy", flat=True)) == {"budget", "plan", "window", "threshold"}
    assert Controller.objects.get(name="Boiler").departures.count() == 7
    switches.register(addresses(wire), said.append)
    assert (Output.objects.count(), Controller.objects.count(), said) == (4, 4, [])


def test_rule_9_its_devices_are_set_up_to_be_off_after_a_power_cut(wire: Wire) -> None:
    switches.register(addresses(wire), print)
    contacts: dict[str, Any] = {name: wire[name].contact for name in ("shelly2", "tasmota")}  # type: ignore[attr-defined]
    for contact in contacts.values():
        assert contact.at_start == "off"
        assert 0 < contact.auto_off_s <= 60
    assert all(output.set_up["good"] for output in Output.objects.exclude(family="gpio"))


def test_a_switch_is_followed_to_its_new_port_and_what_somebody_changed_stays(wire: Wire) -> None:
    switches.register(addresses(wire), print)
    plug = Output.objects.get(name="Car plug")
    plug.max_w = 2000
    plug.save()
    Controller.objects.filter(name="Car").update(mode="off")
    said: list[str] = []
    switches.register({**addresses(wire), "shelly2": "http://127.0.0.1:9"}, said.append)
    plug.refresh_from_db()
    assert (plug.address, plug.max_w) == ("http://127.0.0.1:9", 2000)
    assert Controller.objects.get(name="Car").mode == "off"
    assert len(said) == 1 and "Car plug could not be set up" in said[0]


def test_a_real_output_cannot_be_added_to_the_demo_house(settings: Any) -> None:
    settings.MODE = "demo"
    for address in ("http://192.168.1.30", "http://shelly.local", "http://[fd00::1]"):
        with pytest.raises(ValidationError, match="This is the demo house: real outputs cannot be added to it"):
            agents.create(Output, name="Terrace", family="shelly2", address=address)
    with pytest.raises(ValidationError, match="This is the demo house"):
        agents.create(Output, name="Broker", family="mqtt", address="socket://10.0.0.2:1883", topic="a", username="u", password="p")
    assert Output(name="Relay", family="gpio", pin=17).demo_pins is True
    settings.MODE = "house"
    assert agents.create(Output, name="Terrace", family="shelly2", address="http://192.168.1.30").pk


def test_its_devices_are_at_the_same_ports_after_a_restart_unless_somebody_took_them(tmp_path: Path) -> None:
    house = House(demo.young(DAY))

    async def once() -> dict[str, str]:
        devices = Devices(lambda _line: None)
        await devices.open(house, lambda: NOON, {}, tmp_path, "127.0.0.1")
        found = devices.addresses()
        await devices.close()
        return found

    first = asyncio.run(once())
    assert asyncio.run(once()) == first
    port = int(first["shelly2"].rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)):
        again = asyncio.run(once())
    assert again["shelly2"] != first["shelly2"]
    assert {**again, "shelly2": first["shelly2"]} == first
    (tmp_path / "demo-ports.json").write_text("[")
    assert asyncio.run(once()).keys() == first.keys()
