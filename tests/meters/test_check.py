"""One reading of one meter: from live while read_meters holds the port, else from the port."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from energysite import live
from meters import check
from meters.configuration import MeterConfig
from meters.raw import LastRaw
from tests.emulators.p1_tcp import P1Server
from tests.emulators.telegrams import BELGIUM, write
from tests.running_site import free_port

NAME = "Checked"


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    yield
    client = live.client()
    client.delete(live.PROCESSES, live.HEARTBEATS, f"agent:{NAME}", f"raw:{NAME}")
    client.hdel(live.LAST, NAME)


def meter(address: str = "socket://127.0.0.1:9", **fields: Any) -> MeterConfig:
    return MeterConfig(NAME, address, **fields)


def reader_says(status: str, error: str | None = None, age_s: float = 0) -> None:
    """As read_meters tells of itself and of the meter."""
    live.heartbeat(check.READER)
    with live.publisher().writing() as pipe:
        told = {"status": status, "error": error, "dialect": "belgium"}
        pipe.hset(f"agent:{NAME}", mapping={name: json.dumps(value) for name, value in told.items()})
    live.publisher().frame(NAME, {"source": NAME, "time": 1, "received": time.time() - age_s, "import_w": 420, "export_w": 0})


def test_a_port_that_read_meters_holds_is_answered_from_live_and_not_opened() -> None:
    reader_says("live", age_s=3)
    LastRaw(NAME).keep(write(BELGIUM))
    with P1Server() as server:
        found = check.check(meter(server.address), live.client())
        assert server.connections == 0
    assert found.ok and found.live
    assert found.age_s is not None and 3 <= found.age_s < 5
    assert found.values["import_w"] == 420 and "source" not in found.values
    assert found.words() == "Importing now 0.420 kW"
    assert found.raw.startswith("/FLU5\\253769484_A")


def test_what_read_meters_says_is_wrong_is_the_answer() -> None:
    reader_says("error", "There is no /dev/ttyUSB0.")
    found = check.check(meter(), live.client())
    assert (found.ok, found.live, found.error) == (False, True, "There is no /dev/ttyUSB0.")


def test_a_live_meter_with_a_concern_is_fine_and_says_it() -> None:
    reader_says("live", "The clock is 9 minutes ahead.")
    found = check.check(meter(), live.client())
    assert (found.ok, found.error) == (True, "The clock is 9 minutes ahead.")


def test_silence_says_what_to_check() -> None:
    reader_says("silent")
    found = check.check(meter(), live.client())
    assert not found.ok
    assert "Fluvius" in found.error


def test_control_characters_in_what_is_said_do_not_reach_the_screen() -> None:
    reader_says("error", "bad\x1b[2Jname")
    assert check.check(meter(), live.client()).error == "bad[2Jname"


def test_a_port_nobody_holds_is_opened() -> None:
    with P1Server() as server:
        speaker = threading.Thread(target=server.send, args=(2 * write(BELGIUM),))
        speaker.start()
        found = check.check(meter(server.address), live.client())
        speaker.join()
    assert found.ok and not found.live
    assert found.values["import_t1_wh"] == 661701
    assert "Import, day 661.701 kWh" in found.words()


def test_a_disabled_meter_is_read_from_its_port_also_while_read_meters_runs() -> None:
    reader_says("disabled", age_s=3600)
    found = check.check(meter(f"socket://127.0.0.1:{free_port()}", enabled=False), live.client())
    assert (found.ok, found.live) == (False, False)
    assert found.error


def test_a_reader_that_has_not_been_heard_of_for_a_while_does_not_hold_the_port() -> None:
    reader_says("live", age_s=3600)
    now = time.time() + check.READER_SILENT_S + 1
    assert check.from_live(meter(), live.client(), now) is None
    assert check.from_live(meter(), live.client(), now - check.READER_SILENT_S) is not None


def test_a_device_read_less_than_a_period_ago_is_answered_from_live() -> None:
    live.publisher().frame(NAME, {"source": NAME, "time": 1, "received": 1000.0, "import_w": 420})
    assert check.from_live(meter(period_s=10), live.client(), 1009.0) is not None
    assert check.from_live(meter(period_s=10), live.client(), 1010.0) is None


def test_without_valkey_the_port_itself_is_asked() -> None:
    found = check.check(meter(f"socket://127.0.0.1:{free_port()}"), None)
    assert (found.ok, found.live) == (False, False)
