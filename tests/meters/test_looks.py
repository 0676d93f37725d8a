"""Looking for a meter in the background."""

import json
import time
from collections.abc import Iterator

import pytest

from energysite import live
from meters import looks
from tests.emulators.p1_http import HomeWizardLookalike
from tests.emulators.p1_pty import P1Cable
from tests.emulators.p1_tcp import P1Server
from tests.emulators.telegrams import BELGIUM, DSMR3, DSMR3_HEADER, write
from tests.running_site import free_port
from tests.waiting import until


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    yield
    for key in live.client().scan_iter("look:*"):
        live.client().delete(key)


def finished(look: looks.Look, timeout_s: float = 10) -> looks.Look:
    def over() -> looks.Look | None:
        now = looks.get(look.id)
        assert now is not None
        return now if now.state != "running" else None

    look_at_its_end = until(over, timeout_s, "the look ends")
    assert look_at_its_end is not None
    return look_at_its_end


def test_a_look_returns_at_once_and_finds_the_meter_later() -> None:
    with P1Server() as server:
        begin = time.monotonic()
        look = looks.start(server.address, deadline_s=10)
        assert time.monotonic() - begin < 1
        assert look.state == "running"
        server.wait_for_client()
        until(lambda: (looks.get(look.id) or look).note, 5, "it says what it is doing")
        server.send(write(BELGIUM))
        found = finished(look)
    assert (found.state, found.dialect, found.baud, found.hint) == ("found", "belgium", 0, "")
    assert found.identity == "FLU5\\253769484_A"
    assert (found.values["import_t1_wh"], found.values["gas_l"], found.values["water_l"]) == (661701, 112384, 872234)
    assert found.raw.startswith("/FLU5") and len(found.raw) <= 500


def test_the_speed_of_an_old_cable_is_found_and_kept() -> None:
    with P1Cable("old", baud=9600) as cable:
        cable.speak([write(DSMR3, header=DSMR3_HEADER, plain=True)], every_s=0.05)
        found = finished(looks.start(cable.address))
    assert (found.state, found.baud, found.dialect) == ("found", 9600, "v3")


def test_a_homewizard_is_found_by_its_address() -> None:
    with HomeWizardLookalike() as device:
        device.telegram = write(BELGIUM)
        found = finished(looks.start(device.address))
    assert (found.state, found.values["serial"]) == ("found", "1SAG3105200877")


def test_silence_says_what_to_check_one_thing_a_line() -> None:
    with P1Server() as server:
        found = finished(looks.start(server.address, deadline_s=0.4))
    assert found.state == "nothing"
    assert found.hint_lines[0] == "Connected, but nothing comes in."
    assert any("Fluvius" in line for line in found.hint_lines[1:])


def test_a_port_nobody_listens_on_says_so_at_once() -> None:
    found = finished(looks.start(f"socket://127.0.0.1:{free_port()}"), 5)
    assert found.state == "nothing"
    assert found.hint


def test_a_second_look_at_the_same_place_joins_the_first() -> None:
    with P1Server() as server:
        first = looks.start(server.address, deadline_s=10)
        server.wait_for_client()
        second = looks.start(server.address, deadline_s=10)
        server.send(write(BELGIUM))
        finished(first)
        assert second.id == first.id
        assert server.connections == 1
        third = looks.start(server.address, deadline_s=0.2)
        assert third.id != first.id, "a look that is over is not joined"
        finished(third)


def test_a_look_whose_process_ended_is_called_lost_and_not_waited_for() -> None:
    look = looks.Look("0123456789abcdef", "socket://127.0.0.1:9", started=1_000_000.0)
    live.client().set("look:0123456789abcdef", json.dumps(vars(look)), ex=60)

    assert (looks.get(look.id, now=1_000_010.0) or look).state == "running"
    lost = looks.get(look.id, now=1_000_041.0)
    assert lost is not None and lost.state == "lost" and "Look again" in lost.hint


def test_an_unknown_look_is_none() -> None:
    assert looks.get("feedfeedfeedfeed") is None
