import os
import time
from pathlib import Path

import pytest
from django.conf import settings

from energysite.errors import DeviceConfigError
from meters.replay import paced, schedule
from meters.transports import connect
from tests.emulators import telegrams
from tests.meters import captures
from tests.meters.transports.test_cable import soon

FIVE = telegrams.second_by_second(5)


def test_telegrams_are_due_by_their_own_times() -> None:
    data = b"".join((FIVE[0], FIVE[1], FIVE[4]))
    assert list(schedule([data])) == [(0, FIVE[0]), (1, FIVE[1]), (4, FIVE[4])]
    assert [due for due, _telegram in schedule([data], speed=20)] == [0, 0.05, 0.2]
    assert [due for due, _telegram in schedule([data], speed=0)] == [0, 0, 0]


def test_a_clock_that_goes_back_and_a_time_that_is_none_cost_no_waiting() -> None:
    broken = telegrams.belgium(**{"0-0:1.0.0": "0-0:1.0.0(632525252525W)"})
    assert [due for due, _telegram in schedule([FIVE[3] + FIVE[0] + broken + FIVE[1]])] == [0, 0, 0, 1]


def test_telegrams_without_times_come_every_ten_seconds() -> None:
    plain = telegrams.write(telegrams.DSMR3, header=telegrams.DSMR3_HEADER, plain=True)
    assert [due for due, _telegram in schedule([plain * 3], speed=10)] == [0, 1, 2]


def test_a_paced_replay_sleeps_until_each_telegram_is_due() -> None:
    now, slept = [100.0], []

    def sleep(seconds: float) -> None:
        slept.append(round(seconds, 6))
        now[0] += seconds

    assert list(paced(b"".join(FIVE), speed=2, sleep=sleep, clock=lambda: now[0])) == FIVE
    assert slept == [0.5, 0.5, 0.5, 0.5]


@pytest.fixture
def folder() -> Path:
    path: Path = settings.DATA_DIR / "captures"
    path.mkdir(parents=True, exist_ok=True)
    return path


def test_a_capture_file_is_read_at_its_pace_as_a_meters_connection(folder: Path) -> None:
    (folder / "five.p1").write_bytes(FIVE[0][200:] + b"".join(FIVE))
    transport = connect("replay:five.p1?speed=10")
    begin = time.monotonic()
    assert [transport.read(soon()) for _ in FIVE] == FIVE
    assert 0.35 < time.monotonic() - begin < 2
    with pytest.raises(DeviceConfigError, match=r"The replay of five\.p1 has ended after 5 telegrams"):
        transport.read(soon())
    transport.close()


def test_a_slow_replay_gives_nothing_before_its_time(folder: Path) -> None:
    (folder / "five.p1").write_bytes(b"".join(FIVE))
    transport = connect("replay:five.p1")
    assert transport.read(soon()) == FIVE[0]
    assert transport.read(time.monotonic() + 0.05) == b""
    transport.close()


def test_a_capture_that_is_not_there_or_no_file_says_so(folder: Path) -> None:
    with pytest.raises(DeviceConfigError, match="cannot be read: No such file"):
        connect("replay:nothing.p1")
    (folder / "sub").mkdir(exist_ok=True)
    with pytest.raises(DeviceConfigError, match="cannot be read: Is a directory"):
        connect("replay:sub")
    (folder / "link.p1").unlink(missing_ok=True)
    (folder / "link.p1").symlink_to("/etc/passwd")
    with pytest.raises(DeviceConfigError, match="cannot be read"):
        connect("replay:link.p1")


def test_the_iskra_capture_replays_566_telegrams_in_its_ten_minutes() -> None:
    found = list(schedule([captures.read(captures.ISKRA)]))
    assert len(found) == 566
    assert 560 < found[-1][0] < 660


def test_a_pipe_in_the_captures_folder_holds_nobody_up(folder: Path) -> None:
    pipe = folder / "pipe.p1"
    os.mkfifo(pipe)
    with pytest.raises(DeviceConfigError, match="is no file"):
        connect("replay:pipe.p1")
    pipe.unlink()
