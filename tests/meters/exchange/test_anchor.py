"""Volumes as counters: exact, anchored at what follows, measured values untouched."""

import random

from meters.exchange.anchor import MICRO, counters

QUARTERS = [(900 * i, 900 * (i + 1)) for i in range(8)]


def test_without_any_reading_counters_begin_at_zero_and_no_fraction_is_lost():
    intervals = [(900 * i, 900 * (i + 1)) for i in range(3000)]
    found = counters(intervals, [333_333_333] * 3000, {})  # 333.333333 Wh each
    assert found[0] == 0
    assert found[900 * 3000] == 333_333_333 * 3000 // MICRO == 999_999


def test_they_are_anchored_backwards_to_the_reading_that_follows():
    found = counters(QUARTERS, [100 * MICRO] * 8, {7200: 5000})
    assert [found[900 * i] for i in range(8)] == [4200 + 100 * i for i in range(8)]
    assert 7200 not in found, "what is measured stays as it is"


def test_a_reading_some_time_after_the_last_volume_anchors_as_well():
    assert counters(QUARTERS, [100 * MICRO] * 8, {90_000: 5000})[7200] == 5000


def test_after_the_last_reading_they_go_forwards_from_it():
    found = counters(QUARTERS, [100 * MICRO] * 8, {0: 700})
    assert [found[900 * i] for i in range(1, 9)] == [800 + 100 * i for i in range(8)]


def test_what_the_readings_on_both_sides_leave_unexplained_belongs_to_the_missing_quarters():
    present = [one for i, one in enumerate(QUARTERS) if i not in (2, 5)]
    found = counters(present, [100 * MICRO] * 6, {0: 1000, 7200: 1900})
    steps = [
        b - a for a, b in zip([1000, *(found[900 * i] for i in range(1, 8))], [*(found[900 * i] for i in range(1, 8)), 1900], strict=True)
    ]
    assert steps == [100, 100, 150, 100, 100, 150, 100, 100]


def test_missing_quarters_without_a_reading_before_add_nothing():
    present = QUARTERS[:3] + QUARTERS[6:]
    found = counters(present, [100 * MICRO] * 5, {7200: 1000})
    assert (found[2700], found[5400], found[0]) == (800, 800, 500)


def test_a_known_point_inside_a_quarter_divides_its_volume_by_time():
    found = counters(QUARTERS[:1], [90 * MICRO], {300: 1000})
    assert found == {0: 970, 900: 1060}


def test_between_two_known_points_differences_are_the_volumes_to_the_unit_whatever_the_volumes():
    rng = random.Random(3)
    for _i in range(50):
        volumes = [rng.randrange(0, 900) * MICRO for _quarter in QUARTERS]
        total = sum(volumes) // MICRO
        found = {**counters(QUARTERS, volumes, {0: 50, 7200: 50 + total}), 0: 50, 7200: 50 + total}
        assert [found[b] - found[a] for a, b in QUARTERS] == [volume // MICRO for volume in volumes]


def test_volumes_of_more_than_was_ever_counted_lead_below_zero_for_the_caller_to_see():
    assert counters(QUARTERS, [100 * MICRO] * 8, {7200: 300})[0] == -500
