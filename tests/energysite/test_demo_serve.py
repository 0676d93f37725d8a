"""The demo house on the wire, read by real clients: pyserial on the pty, sockets on TCP."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

import pytest
import serial
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from energysite.demo.calendar import day_of
from energysite.demo.outputs import CAP, Pty, Tcp
from energysite.demo.serve import replay
from energysite.demo.telegram import sealed
from meters import ingest
from meters.models import ElectricityReading, Meter
from meters.p1.decoder import decode
from meters.p1.framer import Framer
from meters.p1.telegram import Telegram
from meters.replay import schedule
from tests.energysite import demo
from tests.waiting import until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sums of the house's past days: computed once, not by each command."""
    folder = tmp_path_factory.mktemp("counted")
    demo.counted(folder).prepare(day_of(int(time.time())), lambda _done, _of: None)
    return folder


@pytest.fixture
def house_dir(counted: Path, tmp_path: Path) -> Path:
    """A data folder of a house that has run before."""
    shutil.copytree(counted, tmp_path / "demo")
    return tmp_path


@contextmanager
def demo_house(data_dir: Path, *arguments: str, database_url: str = "") -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """A real `manage.py demo_house`, and the lines it has said so far."""
    environment = os.environ | {"DATA_DIR": str(data_dir), "MODE": "demo"}
    if database_url:
        environment["DATABASE_URL"] = database_url
    process = subprocess.Popen(
        [sys.executable, "manage.py", "demo_house", *arguments],
        cwd=settings.BASE_DIR,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said: list[str] = []
    assert process.stdout is not None
    listener = threading.Thread(target=lambda: said.extend(iter(process.stdout.readline, "")), daemon=True)  # type: ignore[union-attr]
    listener.start()
    try:
        yield process, said
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        status = process.wait(15)
        listener.join(5)
        process.stdout.close()
    assert status == 0, "\n".join(said)


def spoken_port(said: list[str]) -> int:
    def found() -> int:
        return next((int(line.rpartition(":")[2]) for line in said if "socket://" in line), 0)

    return until(found, 30, "the command never said its TCP port")


def from_serial(path: Path, count: int) -> list[tuple[float, Telegram]]:
    framer, found = Framer(), list[tuple[float, Telegram]]()
    with serial.Serial(str(path), 115200, timeout=0.05) as port:
        deadline = time.monotonic() + 30
        while len(found) < count and time.monotonic() < deadline:
            found += [(time.time(), decode(raw)) for raw in framer.feed(port.read(4096))]
    return found


def from_socket(port: int, count: int) -> list[tuple[float, Telegram]]:
    framer, found = Framer(), list[tuple[float, Telegram]]()
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        while len(found) < count:
            data = client.recv(65536)
            assert data, "the port was closed"
            found += [(time.time(), decode(raw)) for raw in framer.feed(data)]
    return found


def url_of_the_database() -> str:
    """Of the database that this test's own queries go to."""
    given = connection.settings_dict
    host, user = quote(str(given["HOST"]), safe=""), quote(str(given["USER"]))
    return f"postgresql://{user}:{quote(str(given['PASSWORD']))}@/{given['NAME']}?host={host}&port={given['PORT'] or 5432}"


def assert_one_a_second(found: list[tuple[float, Telegram]]) -> None:
    assert [telegram.error for _at, telegram in found] == [None] * len(found)
    times = [telegram.time.timestamp() for _at, telegram in found if telegram.time]
    assert times == [times[0] + i for i in range(len(found))]
    late = sorted(at - told for (at, _telegram), told in zip(found, times, strict=True))
    assert late[0] >= 0, "a telegram came before its second"
    assert late[len(late) // 2] < 0.25


def test_pty_and_tcp_speak_at_1_hz_at_the_full_second_and_go_on_after_a_restart(house_dir: Path) -> None:
    link = house_dir / "demo" / "pty" / "meter"
    with demo_house(house_dir, "--pty", "meter", "--tcp", "0") as (process, said):
        port = spoken_port(said)
        results: list[list[tuple[float, Telegram]]] = [[], []]
        clients = [threading.Thread(target=lambda i=i: results[i].extend(from_socket(port, 4))) for i in range(2)]
        for client in clients:
            client.start()
        on_cable = from_serial(link, 4)
        for client in clients:
            client.join(40)
        for found in (on_cable, *results):
            assert len(found) == 4
            assert_one_a_second(found)
        assert results[0][-1][1].raw in [telegram.raw for _at, telegram in results[1]] + [telegram.raw for _at, telegram in on_cable]
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    assert not link.is_symlink(), "the link goes with its house"
    with demo_house(house_dir, "--pty", "meter"):
        until(link.is_symlink, 30, "no pty")
        again = from_serial(link, 2)
    before, after = results[0][-1][1], again[0][1]
    assert after.serial == before.serial
    for name in ("import_t1_wh", "import_t2_wh", "export_t1_wh", "export_t2_wh"):
        assert 0 <= getattr(after, name) - getattr(before, name) < 500, name
    assert after.peaks == before.peaks


def test_faults_and_a_faster_house_reach_the_wire(house_dir: Path) -> None:
    with demo_house(house_dir, "--tcp", "0", "--speed", "20", "--fault", "crc:3", "--fault", "frozen") as (
        _process,
        said,
    ):
        found = [telegram for _at, telegram in from_socket(spoken_port(said), 9)]
    assert [telegram.reason for telegram in found].count("checksum") == 3
    assert len({telegram.time for telegram in found if telegram.valid}) == 1


def test_without_its_database_the_house_speaks_all_the_same(house_dir: Path) -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/nothing"
    with demo_house(house_dir, "--pty", "meter", "--register", "--history", "1", database_url=nowhere) as (_process, said):
        until((house_dir / "demo" / "pty" / "meter").is_symlink, 30, "no pty")
        assert_one_a_second(from_serial(house_dir / "demo" / "pty" / "meter", 2))
        until(lambda: any("waiting for it" in line for line in said), 30, "it never said that the database is away")


def test_it_registers_itself_writes_its_past_and_joins_it_to_the_first_live_reading(house_dir: Path, transactional_db: None) -> None:
    link = house_dir / "demo" / "pty" / "meter"
    arguments = ("--pty", "meter", "--register", "--history", "1")
    with demo_house(house_dir, *arguments, database_url=url_of_the_database()) as (_process, said):
        until(lambda: any("written in" in line for line in said), 60, "no history")
        meter = Meter.objects.get()
        assert (meter.name, meter.connection) == ("Demo house", str(link))
        live = [telegram for _at, telegram in from_serial(link, 3)]
        ingest.bulk(meter, live)
        until(lambda: any("reaches its first live reading" in line for line in said), 30, "history and live were not joined")
    times = list(ElectricityReading.objects.order_by("time").values_list("time", flat=True))
    assert times[-3:] == [telegram.time for telegram in live]
    assert max(b - a for a, b in pairwise(times)) <= timedelta(seconds=10)
    assert times[-1] - times[0] > timedelta(days=1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--pty NAME, --tcp PORT"),
        (["--pty", "../x"], "letters, digits"),
        (["--tcp", "99999"], "no port"),
        (["--tcp", "0", "--fault", "bang"], "There is no fault 'bang'"),
        (["--tcp", "0", "--speed", "0"], "--speed"),
        (["--tcp", "0", "--replay", "nowhere.p1"], "no capture nowhere.p1"),
        (["--tcp", "0", "--history", "-1"], "0 to 4000"),
        (["--tcp", "0", "--register"], "This is a real house"),
    ],
)
def test_wrong_arguments_end_in_a_sentence(arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("demo_house", *arguments)


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """Without pyserial, which empties a port's buffer when it opens it."""
    descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def arrived(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except BlockingIOError:
        return b""


async def test_what_nobody_reads_is_lost_and_never_waited_for(tmp_path: Path) -> None:
    pty = Pty(tmp_path / "meter")
    try:
        pty.offer(b"before anybody came\n" * 10_000)
        with opened(tmp_path / "meter") as port:
            pty.offer(b"\x00a\r\n\x11\xff")
            assert await asyncio.to_thread(until, lambda: arrived(port), 5) == b"\x00a\r\n\x11\xff", "raw, in both directions"
            for _ in range(3):  # a reader that talks is not listened to, and not held up
                assert os.write(port, b"?" * 4000) == 4000
                pty.offer(b"c")
                assert await asyncio.to_thread(until, lambda: arrived(port), 5) == b"c"
            pty.offer(b"left unread")
        pty.offer(b"while nobody reads")
        with opened(tmp_path / "meter") as port:
            pty.offer(b"b")
            assert await asyncio.to_thread(until, lambda: arrived(port), 5) == b"b"
            for _ in range(10):
                pty.offer(b"x" * CAP)  # a reader that stands still
    finally:
        await pty.close()


async def test_a_new_pty_takes_the_link_over_and_an_old_one_leaves_it_alone(tmp_path: Path) -> None:
    link = tmp_path / "deep" / "meter"
    first, second = Pty(link), Pty(link)
    assert str(link.readlink()) == second.name
    await first.close()
    assert str(link.readlink()) == second.name
    await second.close()
    assert list(link.parent.iterdir()) == []


async def test_a_tcp_reader_that_stands_still_is_cut_off_and_the_others_go_on() -> None:
    tcp = Tcp()
    await tcp.listen("127.0.0.1", 0)
    slow = socket.create_connection(("127.0.0.1", tcp.port))
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader, writer = await asyncio.open_connection("127.0.0.1", tcp.port, limit=2**24)
    block = b"x" * 65535 + b"\n"
    tcp_ready = asyncio.Event()
    for _ in range(400):
        tcp.offer(block)
        if not tcp_ready.is_set():
            await tcp.deliver(b"\n")  # both are there once something could be delivered
            tcp_ready.set()
        await asyncio.wait_for(reader.readline(), 5)
    tcp.offer(b"end\n")
    last = b""
    while last != b"end\n":
        last = await asyncio.wait_for(reader.readline(), 5)
    assert len(tcp._clients) == 1
    slow.close()
    writer.close()
    await tcp.close()


def capture(count: int) -> bytes:
    """Telegrams a second apart, with the tail of one before them and the head of one behind, as a port begins and ends."""
    whole = [
        sealed(b"/FLU5\\1\r\n\r\n0-0:1.0.0(260101%02d%02d%02dW)\r\n1-0:1.8.1(000001.%03d*kWh)\r\n!" % (i // 3600, i // 60 % 60, i % 60, i))
        for i in range(count)
    ]
    return whole[0][20:] + b"".join(whole) + whole[0][:30]


@pytest.mark.parametrize("speed", [0, 400])
async def test_a_replay_over_a_pty_waits_for_its_reader_and_loses_nothing(tmp_path: Path, speed: int) -> None:
    """More bytes than the kernel holds for a reader."""
    sent = b"".join(raw for _due, raw in schedule([capture(600)], 0))
    pty = Pty(tmp_path / "meter")

    def read() -> bytes:
        found = bytearray()
        with serial.Serial(str(tmp_path / "meter"), 115200, timeout=10) as port:
            while len(found) < len(sent):
                data = port.read(min(4096, len(sent) - len(found)))
                assert data, f"only {len(found)} of {len(sent)} bytes came"
                found += data
        return bytes(found)

    try:
        begin = time.monotonic()
        speaking = asyncio.create_task(replay(schedule([capture(600)], speed), [pty]))
        found = await asyncio.to_thread(read)
        assert found == sent
        assert await speaking == 600
        if speed:
            assert 1.4 < time.monotonic() - begin < 10
    finally:
        await pty.close()
