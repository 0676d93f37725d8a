"""Power of a battery, added up between readings."""

import itertools
import math
import random

from solar.power_counter import Count, counted

GAP_S = 30


def _run(powers: list[int], step_s: float = 10) -> Count:
    count = counted(None, 0, powers[0], GAP_S)
    for place, power_w in enumerate(powers[1:], 1):
        count = counted(count, place * step_s, power_w, GAP_S)
    return count


def test_the_first_reading_counts_nothing() -> None:
    assert _run([5000]) == Count(0, 5000, 0, 0)


def test_a_steady_hour_is_its_power() -> None:
    given = _run([720] * 361)
    assert (given.taken_wh, given.given_wh) == (0, 720)
    taken = _run([-720] * 361)
    assert (taken.taken_wh, taken.given_wh) == (720, 0)


def test_a_line_that_crosses_nought_goes_to_both_counters() -> None:
    count = _run([-3000, 6000])
    assert (count.taken_ws, count.given_ws) == (round(3000 / 2 * 10 / 3), round(6000 / 2 * 20 / 3))


def test_a_long_gap_adds_nothing_and_what_follows_counts_on() -> None:
    count = _run([3600, 3600])
    after = counted(count, 10 + GAP_S + 1, 3600, GAP_S)
    assert after.given_ws == count.given_ws
    assert counted(after, after.at + 10, 3600, GAP_S).given_wh == 20


def test_a_clock_that_goes_back_adds_nothing() -> None:
    count = _run([3600, 3600])
    assert counted(count, 5, 3600, GAP_S).given_ws == count.given_ws


def test_nothing_is_lost_to_rounding_in_a_day_of_small_powers() -> None:
    rng = random.Random(4)
    powers = [round(300 * math.sin(i / 500) + rng.uniform(-20, 20)) for i in range(8641)]
    count = _run(powers)
    net_wh = sum((a + b) / 2 * 10 for a, b in itertools.pairwise(powers)) / 3600
    assert abs((count.given_ws - count.taken_ws) / 3600 - net_wh) < 1
    assert count.taken_ws > 0
    assert count.given_ws > 0
