import errno
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from energysite.errors import DeviceConfigError, DeviceUnavailable
from meters.p1.framer import Framer
from meters.transports import Transport, connect
from meters.transports.cable import Cable, _in_words
from tests.emulators import telegrams
from tests.emulators.p1_pty import P1Cable

ONE = telegrams.write(telegrams.BELGIUM)


def soon(seconds: float = 5) -> float:
    return time.monotonic() + seconds


def next_telegram(transport: Transport, seconds: float = 5) -> bytes:
    framer, deadline = Framer(), soon(seconds)
    while time.monotonic() < deadline:
        if found := framer.feed(transport.read(deadline)):
            return found[0]
    raise AssertionError("no telegram came")


@pytest.fixture
def cable() -> Iterator[P1Cable]:
    with P1Cable() as cable:
        yield cable


def test_bytes_come_as_soon_as_there_are_any(cable: P1Cable) -> None:
    transport = connect(cable.address)
    cable.send(ONE)
    begin = time.monotonic()
    assert next_telegram(transport) == ONE
    assert time.monotonic() - begin < 1
    transport.close()


def test_silence_ends_at_the_deadline(cable: P1Cable) -> None:
    transport = connect(cable.address)
    begin = time.monotonic()
    assert transport.read(begin + 0.2) == b""
    assert 0.15 < time.monotonic() - begin < 1
    transport.close()


def test_9600_baud_is_another_speed(cable: P1Cable) -> None:
    slow = Cable(cable.address, 9600)
    # A pty has no bits on a wire to tell 7E1 from 8N1 by.
    assert (slow._port.bytesize, slow._port.parity) == (7, "E")
    cable.send(ONE)
    assert b"FLU5" not in slow.read(soon())
    slow.close()
    with P1Cable("old", baud=9600) as old:
        transport = connect(old.address, baud=9600)
        old.send(ONE)
        assert next_telegram(transport) == ONE
        transport.close()


def test_a_port_that_vanishes_says_so_and_can_be_opened_when_it_returns(cable: P1Cable) -> None:
    transport = connect(cable.address)
    cable.send(ONE)
    assert next_telegram(transport) == ONE
    cable.vanish()
    with pytest.raises(DeviceUnavailable, match="went away while it was being read"):
        transport.read(soon())
    transport.close()
    with pytest.raises(DeviceUnavailable, match=r"There is no .* plugged in"):
        connect(cable.address)
    cable.come_back()
    transport = connect(cable.address)
    cable.send(ONE)
    assert next_telegram(transport) == ONE
    transport.close()


def test_a_second_reader_is_refused_and_the_first_keeps_every_byte(cable: P1Cable) -> None:
    transport = connect(cable.address)
    with pytest.raises(DeviceUnavailable, match="already being read by another meter of this site"):
        connect(cable.address)
    cable.send(ONE)
    assert next_telegram(transport) == ONE
    transport.close()
    connect(cable.address).close()


HOLD = """
import serial, sys
port = serial.Serial(sys.argv[1], 115200, exclusive=True)
print("held", flush=True)
sys.stdin.read()
"""


def test_the_program_that_holds_a_port_is_named(cable: P1Cable, tmp_path: Path) -> None:
    script = tmp_path / "dsmr_datalogger.py"
    script.write_text(HOLD)
    with subprocess.Popen([sys.executable, script, cable.device], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(DeviceUnavailable) as refused:
            connect(cable.address)
        assert f"dsmr_datalogger.py {cable.device} ({other.pid})" in str(refused.value)
        assert other.stdin is not None
        other.stdin.close()
    connect(cable.address).close()


def test_a_missing_port_says_what_to_check() -> None:
    with pytest.raises(DeviceUnavailable, match=r"There is no /dev/ttyUSB97\. Check that the cable is plugged in"):
        connect("/dev/ttyUSB97")


@pytest.mark.parametrize("address", ["/etc/passwd", "/dev/null", "loop://", "file:///etc/passwd", ""])
def test_what_is_no_meter_address_is_never_opened(address: str) -> None:
    with pytest.raises(DeviceConfigError, match="is no meter address"):
        connect(address)


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.EACCES, DeviceUnavailable, "sudo usermod -aG dialout $USER"),
        (errno.ENODEV, DeviceUnavailable, "Check that the cable is plugged in"),
        (errno.ENOTTY, DeviceConfigError, "is no serial port"),
        (errno.EIO, DeviceUnavailable, "Input/output error. Unplug the cable"),
        (None, DeviceUnavailable, "unknown reason"),
    ],
)
def test_each_reason_why_a_port_does_not_open_is_told_in_words(number: int | None, kind: type[Exception], words: str) -> None:
    told = _in_words("/dev/ttyUSB97", "/dev/ttyUSB97", number)
    assert isinstance(told, kind)
    assert words in str(told)
