"""Places for reads of devices: who waits, who is skipped, and that hanging devices delay nobody else."""

import itertools
import threading
from contextlib import ExitStack

import pytest

from energysite.read_lanes import PLACES, QUICK_S, ROOMY, SLOW_PLACES, Lanes, allowed_s


class Clock:
    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lanes(clock: Clock) -> Lanes:
    return Lanes(clock, patience_s=0.02)


def _hang(lanes: Lanes, clock: Clock, name: str, period_s: float = 10) -> bool:
    """A read until its deadline that gives nothing. False where it got no place."""
    with pytest.raises(TimeoutError), lanes.place(name, period_s) as limit_s:
        if limit_s is None:
            raise TimeoutError
        clock.at += limit_s
        raise TimeoutError
    return limit_s is not None


def _quick(lanes: Lanes, name: str, period_s: float = 10) -> bool:
    with lanes.place(name, period_s) as limit_s:
        return limit_s is not None


def test_a_read_takes_five_seconds_at_most_and_ends_before_the_next_one() -> None:
    assert [allowed_s(period_s) for period_s in (1, 5, 10, 900)] == [0.8, 4.0, 5.0, 5.0]


def test_ten_are_read_at_once_and_the_eleventh_is_left_out(lanes: Lanes) -> None:
    with ExitStack() as inside:
        taken = [inside.enter_context(lanes.place(f"d{i}", 10)) for i in range(PLACES)]
        assert all(taken)
        assert not _quick(lanes, "one more")
    assert _quick(lanes, "one more")


def test_the_last_places_are_given_for_a_second_so_that_a_burst_of_hanging_devices_leaves_room(lanes: Lanes) -> None:
    with ExitStack() as inside:
        limits = [inside.enter_context(lanes.place(f"d{i}", 10)) for i in range(PLACES)]
    assert limits == [5.0] * ROOMY + [QUICK_S] * (PLACES - ROOMY)


def test_a_device_is_never_read_twice_at_once(lanes: Lanes) -> None:
    with lanes.place("a", 10):
        assert not _quick(lanes, "a")
    assert _quick(lanes, "a")


def test_who_comes_in_a_burst_waits_a_moment_for_a_place() -> None:
    lanes = Lanes(patience_s=5)
    found: list[bool] = []
    with ExitStack() as inside:
        for i in range(PLACES):
            inside.enter_context(lanes.place(f"d{i}", 10))
        waiting = threading.Thread(target=lambda: found.append(_quick(lanes, "late")))
        waiting.start()
        waiting.join(0.05)
        assert not found
    waiting.join(5)
    assert found == [True]


def test_slow_devices_keep_to_three_places(lanes: Lanes, clock: Clock) -> None:
    for i in range(5):
        assert _hang(lanes, clock, f"slow{i}")
    clock.at += 100
    with ExitStack() as inside:
        taken = [inside.enter_context(lanes.place(f"slow{i}", 10)) for i in range(5)]
        assert [bool(one) for one in taken] == [True] * SLOW_PLACES + [False] * 2
        assert all(inside.enter_context(lanes.place(f"d{i}", 10)) for i in range(PLACES - SLOW_PLACES))


def test_a_slow_device_that_is_quick_again_leaves_the_slow_places(lanes: Lanes, clock: Clock) -> None:
    for i in range(SLOW_PLACES + 1):
        _hang(lanes, clock, f"s{i}")
    clock.at += 100
    assert _quick(lanes, "s0")
    with ExitStack() as inside:
        for i in range(1, SLOW_PLACES + 1):
            inside.enter_context(lanes.place(f"s{i}", 10))
        assert _quick(lanes, "s0")


def test_a_hanging_device_is_asked_less_and_less_often_but_once_a_minute(lanes: Lanes, clock: Clock) -> None:
    tried = []
    start = clock.at
    for run in range(60):
        clock.at = max(clock.at, start + run * 10)
        if _hang(lanes, clock, "dead"):
            tried.append(run)
    steps = [later - earlier for earlier, later in itertools.pairwise(tried)]
    assert steps[0] == 1
    assert steps == sorted(steps)
    assert 5 <= steps[-1] <= 7


def test_a_slow_device_that_answers_is_asked_each_time(lanes: Lanes, clock: Clock) -> None:
    for _run in range(6):
        with lanes.place("slow", 10) as limit_s:
            assert limit_s is not None
            clock.at += 3
        clock.at += 7


def test_a_hang_of_a_device_with_a_short_period_counts_as_slow(lanes: Lanes, clock: Clock) -> None:
    for i in range(SLOW_PLACES + 1):
        assert _hang(lanes, clock, f"s{i}", period_s=1)
    clock.at += 100
    with ExitStack() as inside:
        taken = [inside.enter_context(lanes.place(f"s{i}", 1)) for i in range(SLOW_PLACES + 1)]
    assert taken[-1] is None
