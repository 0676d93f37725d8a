"""`manage.py doctor`: every meter once, in words, with an exit status."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from energysite import agents, live, looking
from energysite.device_look import Look
from meters import check, configuration
from meters.configuration import MeterConfig
from meters.models import AnalogInput, Meter
from solar import fleet
from solar.models import Inverter, Weather
from tests.emulators import fronius
from tests.emulators.http_device import HttpLookalike
from tests.emulators.p1_tcp import P1Server
from tests.emulators.telegrams import BELGIUM, write
from tests.meters.rows import make_meter
from tests.running_site import BASE_DIR, environment, free_port


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    yield
    client = live.client()
    client.delete(live.PROCESSES, live.HEARTBEATS, "agent:Main", "raw:Main")
    client.hdel(live.LAST, "Main")


def doctor() -> tuple[int, str]:
    """Exit status and what it printed."""
    out = StringIO()
    try:
        call_command("doctor", stdout=out, stderr=out, no_color=True)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


def reader_holds(**state: str) -> None:
    live.heartbeat(check.READER)
    with live.publisher().writing() as pipe:
        for name, value in state.items():
            pipe.hset("agent:Main", name, json.dumps(value))
    live.publisher().frame("Main", {"source": "Main", "time": 1, "received": time.time() - 2, "import_w": 420, "import_t1_wh": 661701})


@pytest.mark.django_db
def test_all_is_well_when_read_meters_hears_every_meter_and_no_port_is_opened_twice() -> None:
    with P1Server() as server:
        make_meter("Main")
        Meter.objects.update(connection=server.address)
        reader_holds(status="live", dialect="belgium")
        status, said = doctor()
        assert server.connections == 0
    assert status == 0
    assert "fine  Main: Importing now 0.420 kW, Import, day 661.701 kWh (read by the site 2 s ago)" in said
    assert "WRONG" not in said


@pytest.mark.django_db
def test_without_read_meters_the_port_is_read_here_and_the_missing_process_is_said() -> None:
    with P1Server() as server:
        make_meter("Main")
        Meter.objects.update(connection=server.address)
        speaker = threading.Thread(target=server.send, args=(2 * write(BELGIUM),))
        speaker.start()
        status, said = doctor()
        speaker.join()
    assert status == 1
    assert "fine  Main: Importing now 0.420 kW" in said and "(read now)" in said
    assert "WRONG  read_meters: does not run" in said


@pytest.mark.django_db
def test_one_meter_that_fails_makes_the_status_1_and_says_why() -> None:
    reader_holds(status="error", error="There is no /dev/ttyUSB0. Check that the cable is plugged in.")
    make_meter("Main")
    status, said = doctor()
    assert status == 1
    assert "WRONG  Main: socket://127.0.0.1:9" in said
    assert "Check that the cable is plugged in." in said


@pytest.mark.django_db
def test_a_disabled_meter_is_no_fault() -> None:
    live.heartbeat(check.READER)
    make_meter("Main", enabled=False)
    status, said = doctor()
    assert (status, "Main: disabled, not read" in said) == (0, True)


@pytest.mark.django_db
def test_a_house_without_a_meter_is_told_where_to_connect_one() -> None:
    live.heartbeat(check.READER)
    status, said = doctor()
    assert (status, "/setup/meter/" in said) == (0, True)


def test_with_database_and_valkey_away_the_meters_are_read_from_the_kept_configuration(tmp_path: Path) -> None:
    configuration.save(tmp_path / "house/config/meters.json", [MeterConfig("Main", f"socket://127.0.0.1:{free_port()}")])
    roof = Inverter(pk=1, name="Roof", family="fronius", address=f"http://127.0.0.1:{free_port()}", period_s=10)
    fleet._save(tmp_path / "house/config/inverters.json", {1: fleet.Known(roof, ())})
    away = {"DATABASE_URL": f"postgresql://x@/x?host={tmp_path}", "REDIS_URL": f"unix://{tmp_path}/none.sock", "LOG_LEVEL": "error"}
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor"],
        cwd=BASE_DIR,
        env=environment(tmp_path, **away),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "WRONG  Valkey: away" in done.stdout
    assert "WRONG  Database: away" in done.stdout
    assert "WRONG  Main: socket://" in done.stdout
    assert "Roof: " in done.stdout and "nothing listens on its port" in done.stdout, "asleep at night, a fault by day"
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.django_db
def test_inverters_weather_and_analog_inputs_are_read_too_and_one_that_fails_makes_the_status_1() -> None:
    live.heartbeat(check.READER)
    with HttpLookalike(fronius.by_day()) as device:
        agents.create(Inverter, name="Roof", family="fronius", address=device.address, period_s=10)
        agents.create(Inverter, name="Shed", family="fronius", address=f"http://127.0.0.1:{free_port()}", period_s=10, enabled=False)
        status, said = doctor()
        assert status == 0, said
        assert "fine  Roof: Solar now 3.215 kW, today 5.120 kWh" in said and "(read now)" in said
        assert "fine  Shed: disabled, not read" in said
        agents.create(Weather, name="Sky", provider="open_meteo", address=device.address, period_s=900)
        agents.create(AnalogInput, name="Boiler", device="9.9", period_s=60)
        status, said = doctor()
    assert status == 1
    assert f"WRONG  Sky: {device.address}" in said
    assert "WRONG  Boiler:" in said
    assert "Traceback" not in said


@pytest.mark.django_db
def test_an_inverter_that_the_worker_read_just_now_is_answered_from_live() -> None:
    live.heartbeat(check.READER)
    with HttpLookalike(fronius.by_day()) as device:
        agents.create(Inverter, name="Roof", family="fronius", address=device.address, period_s=60)
        frame = {"source": "Roof", "kind": "inverter", "time": 1, "received": time.time() - 3, "power_w": 77, "condition": "producing"}
        live.publisher().frame("Roof", frame)
        try:
            status, said = doctor()
        finally:
            live.client().hdel(live.LAST, "Roof")
        assert (status, device.asked) == (0, [])
    assert "fine  Roof: Solar now 0.077 kW, making power (read by the site 3 s ago)" in said


def test_a_look_that_breaks_is_told_and_keeps_no_other_from_being_told() -> None:
    def breaks() -> Look:
        raise RuntimeError("of our own")

    found = {one.name: one for one in looking.looks([("Roof", breaks), ("Shed", lambda: Look("Shed", ok=True))])}
    assert (found["Roof"].ok, found["Shed"].ok) == (False, True)
    assert "the log has the details" in found["Roof"].error
