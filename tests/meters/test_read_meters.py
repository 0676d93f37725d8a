"""read_meters as a process: killed, stopped, started without its servers. What was accepted is stored once, all of it."""

import os
import subprocess
import threading
import tty
from collections.abc import Callable, Iterator
from datetime import UTC
from functools import partial
from pathlib import Path

import pytest

from meters.p1.decoder import decode
from meters.p1.framer import Framer
from meters.replay import paced
from tests.conftest import new_data_dir
from tests.emulators.p1_tcp import P1Server
from tests.emulators.telegrams import second_by_second
from tests.meters import captures
from tests.meters.private_house import PrivateHouse, Reading, crash_backend
from tests.running_site import manage
from tests.waiting import until as wait_until

pytestmark = pytest.mark.slow


def until(condition: Callable[[], object], timeout_s: float, process: Reading) -> None:
    """As waiting.until; what the process said by then is the message."""
    try:
        wait_until(condition, timeout_s)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{process.said()}") from None


@pytest.fixture(scope="module")
def house() -> Iterator[PrivateHouse]:
    house = PrivateHouse(new_data_dir(), "Killed", "Away", "Crash", "Newcomer", "Second", "Full", "Iskra", "Replayed")
    yield house
    house.close()


@pytest.fixture(autouse=True)
def _no_process_is_left(house: PrivateHouse) -> Iterator[None]:
    yield
    house.end_processes()


@pytest.fixture
def server() -> Iterator[P1Server]:
    with P1Server() as server:
        yield server


def _connected(server: P1Server, times: int) -> bool:
    return server.connections == times


def _accepted(house: PrivateHouse, meter: str, count: int) -> bool:
    return max(house.spooled(meter), house.count(meter)) >= count


def _stored(house: PrivateHouse, meter: str, count: int) -> bool:
    return house.count(meter) >= count


def test_kill_9_at_any_moment_loses_nothing_that_was_accepted_and_doubles_nothing(house: PrivateHouse, server: P1Server) -> None:
    house.meter("Killed", server.address)
    telegrams = second_by_second(200)
    for part in range(2):
        process = house.read_meters()
        until(partial(_connected, server, part + 1), 15, process)
        server.send(b"".join(telegrams[part * 100 : part * 100 + 100]))
        # At once when the last one is on disk: the batch may be anywhere between here and the database.
        until(partial(_accepted, house, "Killed", (part + 1) * 100), 15, process)
        process.kill()
        server.hang_up()
    process = house.read_meters()
    until(lambda: house.count("Killed") == 200, 15, process)
    assert house.count("Killed", "volume") == 2
    assert process.stop() == 0
    assert house.segments() == []
    assert house.count("Killed") == 200


def test_database_and_valkey_away_across_restarts_of_everything(house: PrivateHouse, server: P1Server) -> None:
    house.meter("Away", server.address)
    telegrams = second_by_second(200)
    process = house.read_meters()
    server.wait_for_client(15)
    server.send(b"".join(telegrams[:50]))
    until(lambda: house.count("Away") == 50, 15, process)
    house.postgres.stop()
    server.send(b"".join(telegrams[50:100]))
    until(lambda: house.process().get("database") == "away" and house.process()["spool_bytes"] > 0, 20, process)
    house.valkey.stop()
    assert process.stop() == 0
    server.hang_up()
    # Neither server is there: the meters come from the last valid configuration.
    process = house.read_meters()
    until(lambda: server.connections == 2, 15, process)
    server.send(b"".join(telegrams[100:150]))
    until(lambda: house.spooled("Away") == 150, 15, process)
    process.kill()
    server.hang_up()
    process = house.read_meters()
    until(lambda: server.connections == 3, 15, process)
    house.postgres.start()
    house.postgres.wait_ready()
    house.valkey.start()
    house.valkey.wait_ready()
    until(lambda: house.count("Away") == 150, 15, process)
    server.send(b"".join(telegrams[150:]))
    until(lambda: house.count("Away") == 200, 15, process)
    until(lambda: house.process().get("database") == "ok" and house.process()["spool_bytes"] == 0, 15, process)
    assert house.agent("Away")["status"] == "live"
    assert process.stop() == 0
    assert house.segments() == []


def test_a_crash_of_the_database_loses_nothing_although_commits_do_not_wait_for_the_disk(house: PrivateHouse, server: P1Server) -> None:
    house.meter("Crash", server.address)
    telegrams = second_by_second(400)
    process = house.read_meters()
    server.wait_for_client(15)
    for part in range(2):
        for i in range(part * 200, part * 200 + 200, 20):
            server.send(b"".join(telegrams[i : i + 20]))
        until(partial(_stored, house, "Crash", part * 200 + 1), 20, process)
        crash_backend(house)
    until(lambda: house.count("Crash") == 400, 20, process)
    assert process.stop() == 0
    assert house.count("Crash") == 400


def test_two_read_meters_on_one_folder_are_refused(house: PrivateHouse) -> None:
    process = house.read_meters()
    process.wait_for('"event": "configuration"')
    second = manage(house.data_dir, "read_meters", **house.urls)
    assert second.returncode == 1
    assert "already running" in second.stderr
    assert process.stop() == 0


def test_several_meters_at_once_come_and_go_while_it_runs(house: PrivateHouse, server: P1Server) -> None:
    process = house.read_meters()
    process.wait_for('"event": "configuration"')
    house.meter("Newcomer", server.address)  # announced on agents:changed
    with P1Server() as other:
        house.sql("UPDATE meters_meter SET enabled = true, connection = %s WHERE name = 'Second'", other.address)
        house.announce("Second")
        server.send(b"".join(second_by_second(3)))
        other.send(b"/garbage\r\n!0000\r\n" + b"".join(second_by_second(5)))
        until(lambda: house.count("Newcomer") == 3 and house.count("Second") == 5, 10, process)
    assert house.sql("SELECT count(*) FROM meters_undecodabletelegram") == [(1,)]
    house.sql("UPDATE meters_meter SET enabled = false WHERE name = 'Newcomer'")
    house.announce("Newcomer")
    until(lambda: house.agent("Newcomer").get("status") == "disabled", 10, process)
    assert process.stop() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_is_a_loud_refusal_and_passes(house: PrivateHouse, server: P1Server) -> None:
    house.meter("Full", server.address)
    folder = house.mode_dir / "segments"
    folder.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=101m", "tmpfs", folder], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no disk could be mounted here: {mounted.stderr.strip()}")
    ballast = folder / "ballast"
    try:
        ballast.write_bytes(bytes(4 << 20))
        process = house.read_meters()
        telegrams = second_by_second(40)
        server.wait_for_client(15)
        server.send(b"".join(telegrams[:10]))
        until(lambda: "MB are free" in str(house.process().get("refusing")), 10, process)
        until(lambda: house.agent("Full").get("refused", 0) > 0, 10, process)
        assert house.agent("Full")["status"] == "live", "live values go on"
        until(lambda: "nothing is stored" in str(house.agent("Full").get("error")), 10, process)
        ballast.unlink()
        server.send(b"".join(telegrams[20:]))
        until(lambda: house.count("Full") == 20, 10, process)
        until(lambda: house.process()["refusing"] is None, 10, process)
        assert process.stop() == 0
    finally:
        house.end_processes()
        subprocess.run(["umount", folder], check=True)


def test_the_ten_minute_capture_through_a_pty_stores_exactly_566_readings(house: PrivateHouse) -> None:
    speed = float(os.environ.get("REPLAY_SPEED", "200"))
    capture = captures.read(captures.ISKRA)
    master, slave = os.openpty()
    tty.setraw(slave)
    address = house.mode_dir / "pty" / "iskra"
    address.parent.mkdir(exist_ok=True)
    address.symlink_to(os.ttyname(slave))
    house.meter("Iskra", str(address))
    process = house.read_meters()
    until(lambda: house.agent("Iskra").get("connected_since"), 15, process)
    try:
        for telegram in paced(capture, speed, sleep=threading.Event().wait):
            os.write(master, telegram)  # waits for the reader, as no wire would
        until(lambda: house.count("Iskra") == 566, 15, process)
        assert process.stop() == 0
    finally:
        os.close(master)
        os.close(slave)
        address.unlink()
    stored = house.sql(
        "SELECT r.time, import_t1_wh, import_t2_wh, power_w, l3_w, l1_dv, l3_ca, tariff, flags FROM meters_electricityreading r"
        " JOIN meters_source s ON s.id = r.source_id WHERE s.name = 'Iskra' ORDER BY r.time"
    )
    assert stored == expected(capture)


def expected(capture: bytes) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for telegram in map(decode, Framer().feed(capture)):
        assert telegram.time is not None
        power = (telegram.import_w or 0) - (telegram.export_w or 0)
        counters = (telegram.import_t1_wh, telegram.import_t2_wh)
        others = (telegram.phase_w[2], telegram.phase_dv[0], telegram.phase_ca[2], telegram.tariff, 0)
        rows.append((telegram.time.astimezone(UTC), *counters, power, *others))
    return rows


def test_a_capture_is_replayed_from_the_command_line_once(house: PrivateHouse, tmp_path: Path) -> None:
    file = tmp_path / "some.p1"
    file.write_bytes(b"".join(second_by_second(20)) + b"/torn")
    for new in (20 + 2, 0):
        done = manage(house.data_dir, "read_meters", "--replay", str(file), "--meter", "Replayed", "--speed", "0", **house.urls)
        assert done.returncode == 0, done.stderr
        assert f'"new": {new}' in done.stdout
    assert house.count("Replayed") == 20
