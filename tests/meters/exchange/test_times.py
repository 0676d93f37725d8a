"""Times in columns, and the wall clock's doubled and left-out hours."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from meters.exchange import times
from meters.exchange.wall_clock import WallClock

BRUSSELS = ZoneInfo("Europe/Brussels")


def epoch(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp())  # type: ignore[arg-type,misc]


def parsed(*texts: str) -> times.Times:
    return times.parse(np.array([text.encode() for text in texts], "S"))


@pytest.mark.parametrize(
    ("text", "seconds", "naive"),
    [
        ("2024-02-29T12:34:56Z", epoch(2024, 2, 29, 12, 34, 56), False),
        ("2024-02-29 12:34:56.987654+01:00", epoch(2024, 2, 29, 11, 34, 56), False),
        ("2024-02-29T12:34:56-0530", epoch(2024, 2, 29, 18, 4, 56), False),
        ("2024-02-29T12:34", epoch(2024, 2, 29, 12, 34), True),
        ("2024-02-29", epoch(2024, 2, 29), True),
        ("29-02-2024 12:34:56", epoch(2024, 2, 29, 12, 34, 56), True),
        ("29/02/2024 12:34", epoch(2024, 2, 29, 12, 34), True),
        ("1709210096", 1709210096, False),
        ("1709210096123", 1709210096, False),
        ("1709210096.5", 1709210096, False),
    ],
)
def test_a_time_is_read_however_it_is_written(text, seconds, naive):
    found = parsed(text)
    assert (found.seconds[0], found.naive[0], found.ok[0]) == (seconds, naive, True)


def test_times_of_several_ways_and_lengths_in_one_column_are_read_one_by_one():
    texts = ["2021-03-01 10:00:00+01:00", "2021-03-01 10:00:00.500000+01:00", "rubbish", "", "1614589200", "2021-03-01 10:00:02-01:00"]
    found = parsed(*texts)
    assert found.ok.tolist() == [True, True, False, False, True, True]
    base = epoch(2021, 3, 1, 9)
    assert found.seconds[found.ok].tolist() == [base, base, 1614589200, base + 7202]


@pytest.mark.parametrize(
    "text", ["2023-02-29", "2024-13-01", "2024-00-10", "2024-01-01T24:00:00Z", "2024-01-01T10:60Z", "31-04-2024 00:00", "noon"]
)
def test_what_is_on_no_calendar_is_no_time(text):
    assert not parsed(text).ok[0]


def test_every_hour_of_many_years_is_what_the_standard_library_says():
    instants = [datetime(1999, 12, 31, tzinfo=UTC) + timedelta(hours=997 * i) for i in range(400)]
    found = parsed(*(at.isoformat() for at in instants))
    assert found.seconds.tolist() == [int(at.timestamp()) for at in instants]


def wall(start: datetime, step_s: int, count: int) -> tuple[list[int], list[int]]:
    """(UTC, what the clock on the wall showed, as if it were UTC)."""
    instants = [start + timedelta(seconds=i * step_s) for i in range(count)]
    shown = [int(at.astimezone(BRUSSELS).replace(tzinfo=UTC).timestamp()) for at in instants]
    return [int(at.timestamp()) for at in instants], shown


@pytest.mark.parametrize("step_s", [1, 10, 60, 300, 900, 1800, 3600])
@pytest.mark.parametrize("newest_first", [False, True])
def test_the_doubled_hour_follows_the_files_order_at_any_cadence(step_s, newest_first):
    instants, shown = wall(datetime(2026, 10, 24, 22, tzinfo=UTC), step_s, 6 * 3600 // step_s)
    if newest_first:
        instants, shown = instants[::-1], shown[::-1]
    clock = WallClock(BRUSSELS, newest_first=newest_first)
    half = len(shown) // 2 + 3  # in pieces: what it knows is carried over
    found = [time for piece in (shown[:half], shown[half:]) for time in clock.utc(np.array(piece, np.int64))[0].tolist()]
    assert found == instants


def test_registers_that_stand_one_after_the_other_each_have_their_own_doubled_hour():
    instants, shown = wall(datetime(2026, 10, 24, 22, tzinfo=UTC), 900, 24)
    clock = WallClock(BRUSSELS)
    for register in ("import", "export"):
        assert clock.utc(np.array(shown, np.int64), register)[0].tolist() == instants


def test_seconds_that_come_twice_in_the_doubled_hour_do_not_end_it():
    instants, shown = wall(datetime(2026, 10, 25, 0, tzinfo=UTC), 1, 100)
    clock = WallClock(BRUSSELS)
    assert clock.utc(np.array([shown[0], shown[0], *shown[1:]], np.int64))[0].tolist() == [instants[0], *instants]


def test_the_hour_that_clocks_leave_out_is_no_time():
    clock = WallClock(BRUSSELS)
    local = [epoch(2026, 3, 29, 1, 59, 59), epoch(2026, 3, 29, 2, 30), epoch(2026, 3, 29, 3)]
    utc, ok = clock.utc(np.array(local, np.int64))
    assert ok.tolist() == [True, False, True]
    assert utc[[0, 2]].tolist() == [epoch(2026, 3, 29, 0, 59, 59), epoch(2026, 3, 29, 1)]


def test_what_a_wall_clock_knows_survives_an_interruption():
    instants, shown = wall(datetime(2026, 10, 25, 0, tzinfo=UTC), 900, 8)
    first = WallClock(BRUSSELS)
    first.utc(np.array(shown[:5], np.int64))
    second = WallClock(BRUSSELS)
    second.restore(first.state())
    assert second.utc(np.array(shown[5:], np.int64))[0].tolist() == instants[5:]
