"""What people do in a demo house that runs."""

import asyncio
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from energysite.demo.appliances import appliances
from energysite.demo.calendar import midnight
from energysite.demo.contacts import Contact
from energysite.demo.devices.makes import make
from energysite.demo.devices.modes import Mode
from energysite.demo.faults import Fault, spoil
from energysite.demo.hands import Hands, tell
from energysite.demo.model import House
from energysite.demo.moves import Moves
from energysite.demo.switched import SwitchedHouse
from energysite.management.commands import _demo_hands as people
from tests.energysite import demo

DAY = date(2026, 5, 13)
NOON = midnight(DAY) + 12 * 3600
PLAIN = House(demo.young(DAY))


def with_house(folder: Path, work: Callable[[SwitchedHouse, list[Fault], Callable[[str], dict[str, Any]]], None]) -> None:
    """`work` in a thread, with a house whose people listen at `folder`."""

    async def run() -> None:
        contacts = {name: Contact(appliances()[name]) for name in ("shelly2", "relay")}
        house, faults = SwitchedHouse(PLAIN.ledger, Moves(), contacts), [Fault("crc", 10)]
        devices = {name: make(name, house, lambda: house.at or NOON, Mode(), folder) for name in ("shelly2", "relay", "fronius")}
        for device in devices.values():
            await device.open()
        hands = Hands(house, devices, faults, lambda: float(house.at), folder)
        await hands.open()
        try:
            await asyncio.to_thread(work, house, faults, lambda line: tell(folder, line))
        finally:
            await hands.close()
            for device in devices.values():
                await device.close()
        assert not (folder / "demo.sock").exists()

    asyncio.run(run())


def test_a_button_is_pressed_and_the_meter_shows_it(tmp_path: Path) -> None:
    def work(house: SwitchedHouse, faults: list[Fault], told: Callable[[str], dict[str, Any]]) -> None:
        house.advance(NOON)
        before = told("show")
        assert told("press shelly2") == {"ok": True}
        house.advance(NOON + 1)
        after = told("show")
        switch = after["switches"]["shelly2"]
        assert (switch["on"], switch["closed"], switch["power_w"], switch["source"]) == (True, True, 1380, "button")
        assert after["net_w"] - house.contacts["shelly2"].power_w(NOON + 1) == PLAIN.reading(NOON + 1).net_w
        assert before["switches"]["shelly2"]["on"] is False
        assert (before["at"], after["at"]) == (NOON, NOON + 1)

    with_house(tmp_path, work)


def test_a_cloud_passes_and_the_sun_can_be_hung_up_at_night(tmp_path: Path) -> None:
    def work(house: SwitchedHouse, faults: list[Fault], told: Callable[[str], dict[str, Any]]) -> None:
        night = midnight(DAY) + 3600
        house.advance(night)
        assert told("show")["sun_w"] == 0
        assert told("sun 4000 300") == {"ok": True}
        house.advance(night + 1)
        assert told("show")["sun_w"] == 4000
        told("cloud 100")
        house.advance(night + 2)
        assert told("show")["sun_w"] == 320
        house.advance(night + 102)
        assert told("show")["sun_w"] == 4000
        told("sun")
        house.advance(night + 103)
        assert told("show")["sun_w"] == 0

    with_house(tmp_path, work)


def test_plugs_are_pulled_and_meters_freeze_and_all_are_well_again(tmp_path: Path) -> None:
    def work(house: SwitchedHouse, faults: list[Fault], told: Callable[[str], dict[str, Any]]) -> None:
        told("unplug meter")
        assert [fault.name for fault in faults] == ["unplugged"]
        assert spoil(b"telegram", NOON, faults) == b""
        told("plug meter")
        assert faults == []
        told("meter frozen")
        told("meter silence:20")
        assert faults == [Fault("frozen", 0), Fault("silence", 20)]
        told("meter well")
        assert faults == []
        told("behave shelly2 lying")
        assert told("show")["switches"]["shelly2"]["mode"] == "lying"
        told("unplug shelly2")
        assert told("show")["switches"]["shelly2"]["mode"] == "off"
        told("plug shelly2")
        assert told("show")["switches"]["shelly2"]["mode"] == "auto"

    with_house(tmp_path, work)


def test_what_cannot_be_done_is_said_in_words(tmp_path: Path) -> None:
    def work(house: SwitchedHouse, faults: list[Fault], told: Callable[[str], dict[str, Any]]) -> None:
        for line, words in (
            ("dance", "nothing that can be done"),
            ("press fronius", "has no button"),
            ("press toaster", "There is no 'toaster'"),
            ("behave shelly2 sleepy", "There is no mode"),
            ("meter sleepy", "There is no fault"),
            ("sun many", "number from 0 to"),
            ("cloud 99999999", "number from 0 to"),
        ):
            refused = told(line)
            assert refused["ok"] is False
            assert words in refused["error"]

    with_house(tmp_path, work)


def test_each_option_of_the_command_is_a_line_to_the_house() -> None:
    parser = ArgumentParser()
    people.add_arguments(parser)

    def lines(*arguments: str) -> list[str]:
        options = vars(parser.parse_args(arguments))
        assert people.is_asked(options) is bool(arguments)
        return people.lines(options)

    assert lines() == []
    assert lines("--press", "shelly2", "--show") == ["press shelly2", "show"]
    assert lines("--cloud") == ["cloud"]
    assert lines("--cloud", "60", "--sun", "4000:300") == ["cloud 60", "sun 4000 300"]
    assert lines("--sun", "off", "--unplug", "meter") == ["unplug meter", "sun"]
    assert lines("--behave", "tasmota:slow:2", "--meter", "frozen") == ["behave tasmota slow:2", "meter frozen"]


def test_where_no_demo_house_runs_the_command_says_so(settings: Any, tmp_path: Path) -> None:
    settings.MODE_DIR = tmp_path
    with pytest.raises(CommandError, match="No demo house answers"):
        call_command("demo_house", press="shelly2")
