"""Counters of a day become one that goes on: over midnights, gaps, dips and devices with another idea of the day."""

import pytest

from solar.day_counter import Last, base_of

HOUR = 3600.0


def _base(
    last: Last | None, at: float, day_wh: int, *, later_day: bool = False, sun_is_up: bool = True, base_wh: int = 50_000
) -> int | None:
    return base_of(base_wh, last, at, day_wh, later_day=later_day, sun_is_up=sun_is_up, longest_gap_s=30, most_w=5000)


def test_the_first_reading_of_all_counts_as_it_is() -> None:
    assert _base(None, 0, 4000, base_wh=0) == 0


def test_within_a_day_nothing_is_added() -> None:
    assert _base(Last(0, 4000), 10, 4012) == 50_000
    assert _base(Last(0, 4000), 10, 4000) == 50_000
    assert _base(Last(0, 4000), 8 * HOUR, 9000) == 50_000, "a gap by day: it went on counting"


@pytest.mark.parametrize("later_day", [True, False])
def test_a_counter_that_falls_to_what_can_have_been_made_since_began_anew(later_day: bool) -> None:
    # At midnight, or at the device's own idea of it.
    assert _base(Last(0, 4000), 10, 0, later_day=later_day) == 54_000
    assert _base(Last(0, 4000), 10, 5, later_day=later_day) == 54_000


@pytest.mark.parametrize("day_wh", [3990, 2500, 1000])
def test_a_dip_on_the_same_day_cannot_be(day_wh: int) -> None:
    assert _base(Last(0, 4000), 10, day_wh) is None


def test_a_small_dip_of_a_small_counter_is_no_new_day() -> None:
    assert _base(Last(0, 20), 10, 15) is None


def test_a_counter_that_rose_while_nobody_looked_at_night_began_anew() -> None:
    assert _base(Last(0, 4000), 16 * HOUR, 6000, later_day=True) == 54_000


def test_before_sunrise_a_device_still_shows_yesterday() -> None:
    assert _base(Last(0, 4000), 8 * HOUR, 4000, later_day=True, sun_is_up=False) == 50_000
    assert _base(Last(0, 4000), 8 * HOUR, 4030, later_day=True, sun_is_up=False) == 50_000, "made after it was read last"


def test_a_device_whose_day_begins_at_noon_is_followed_across_midnight_and_dawn() -> None:
    # Read all the time: it was never seen to fall, so nothing began anew, whatever our own day is.
    assert _base(Last(0, 4000), 10, 4000, later_day=True, sun_is_up=False) == 50_000
    assert _base(Last(0, 4000), 10, 4003, later_day=False) == 50_000
    assert _base(Last(0, 9000), 10, 0, later_day=False) == 59_000


def test_where_the_sun_shines_at_midnight_a_counter_that_goes_on_goes_on() -> None:
    assert _base(Last(0, 4000), 10, 4003, later_day=True) == 50_000


def test_the_sum_over_a_week_with_nights_without_answers_is_what_was_made() -> None:
    base_wh: int | None = 0
    last: Last | None = None
    made = [8000, 12_000, 300, 7000, 9000, 11_000, 4000]
    told = 0
    for day, total in enumerate(made):
        for share in (0.1, 0.5, 1.0):
            at = day * 86_400 + 8 * HOUR + share * 8 * HOUR
            later_day = last is not None and share == 0.1
            base_wh = base_of(
                base_wh or 0, last, at, int(total * share), later_day=later_day, sun_is_up=True, longest_gap_s=30, most_w=5000
            )
            assert base_wh is not None
            last = Last(at, int(total * share))
            assert base_wh + last.day_wh >= told
            told = base_wh + last.day_wh
    assert told == sum(made)
