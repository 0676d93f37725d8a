"""Blocks of known readings, then of random ones: quarters add up to days, and days to what the registers say."""

from bisect import bisect_left, bisect_right
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energysite import blocks, timegrid
from energysite.blocks import Power, Sample, Values

BRUSSELS, LORD_HOWE, KOLKATA = (ZoneInfo(name) for name in ("Europe/Brussels", "Australia/Lord_Howe", "Asia/Kolkata"))
Q = 1_790_000_100 // 900 * 900  # a quarter's start


def steady(start: int, end: int, step_s: int, *, w: int = 3600, first_wh: int = 1_000) -> list[Sample]:
    """A constant power, so w / 3600 Wh a second."""
    return [Sample(time, (first_wh + w * (time - start) // 3600,), (w,)) for time in range(start, end + 1, step_s)]


def quarter(samples: list[Sample], cadence_s: int = 10) -> Values:
    found = blocks.condense(samples, Q, Q + 900, cadence_s)
    assert found is not None
    return found


def test_a_full_quarter_of_constant_power():
    found = quarter(steady(Q, Q + 900, 10))
    assert found == Values((900,), (Power(3600, 3600, 3600),), 900, 900, False, (1_900,), Q + 900)
    assert found.coverage == 1


def test_a_block_is_not_there_before_a_reading_at_or_after_its_end():
    samples = steady(Q, Q + 890, 10)
    assert blocks.condense(samples, Q, Q + 900, 10) is None
    assert blocks.condense([], Q, Q + 900, 10) is None
    found = quarter([*samples, Sample(Q + 905, (1_905,), (3600,))])
    assert (found.energies, found.counters, found.proof) == ((900,), (1_900,), Q + 905)


def test_the_last_block_of_a_retired_source_ends_at_its_last_reading():
    found = blocks.condense(steady(Q, Q + 300, 10), Q, Q + 900, 10, retired=True)
    assert found is not None
    assert (found.energies, found.covered_s, found.counters, found.proof) == ((300,), 300, (1_300,), Q + 300)


def test_the_first_block_of_a_source_begins_at_its_first_reading():
    found = quarter(steady(Q + 600, Q + 900, 10))
    assert (found.energies, found.covered_s, found.recovered) == ((300,), 300, False)


def test_power_is_weighted_by_the_time_it_speaks_for():
    samples = [
        Sample(Q - 5, (0,), (9_000,)),  # of the time before: neither mean nor peak
        Sample(Q, (0,), (100,)),
        Sample(Q + 600, (0,), (1_000,)),
        Sample(Q + 900, (0,), (-500,)),
    ]
    assert quarter(samples, 300).powers == (Power(-500, 500, 1_000),)


def test_a_reading_after_the_end_speaks_for_its_part_of_the_block_but_sets_no_peak():
    samples = [Sample(Q, (0,), (0,)), Sample(Q + 600, (0,), (300,)), Sample(Q + 1200, (0,), (9_000,))]
    assert quarter(samples, 600).powers == (Power(300, 3_200, 300),)


def test_an_outage_of_four_hours_has_its_energy_no_peak_and_the_exact_day():
    start = Q - Q % 86_400
    samples = [s for s in steady(start, start + 86_400, 10) if not start + 36_000 < s.time < start + 50_400]
    found = [blocks.condense(samples, at, at + 900, 10) for at in range(start, start + 86_400, 900)]
    quarters = [values for values in found if values is not None]
    assert len(quarters) == 96
    assert [values.recovered for values in quarters] == [40 <= i < 56 for i in range(96)]
    assert {values.energies for values in quarters} == {(900,)}
    missing = quarters[41]
    assert (missing.covered_s, missing.powers) == (0, (Power(),))
    assert (quarters[55].covered_s, quarters[55].powers) == (10, (Power(None, 3600, None),))
    day = blocks.summed(quarters)
    assert (day.energies, day.recovered, day.covered_s) == ((86_400,), True, 86_400 - 14_400 + 10)
    assert day.powers == (Power(3600, 3600, 3600),)


def test_three_cadences_are_no_gap_and_a_second_more_is():
    for missing, recovered in ((30, False), (31, True)):
        samples = [*steady(Q, Q + 300, 10), *steady(Q + 300 + missing, Q + 910, 10, first_wh=2_000)]
        assert quarter(samples).recovered is recovered


def test_hourly_gas_makes_quarters_that_add_up():
    samples = [Sample(Q, (100,)), Sample(Q + 3600, (107,))]
    found = [blocks.condense(samples, at, at + 900, 3600) for at in range(Q, Q + 3600, 900)]
    assert [values and values.energies for values in found] == [(1,), (2,), (2,), (2,)]
    assert [values and (values.recovered, values.coverage) for values in found] == [(False, 1)] * 4


def test_a_register_that_some_readings_lack_is_taken_from_those_that_have_it():
    samples = [
        Sample(Q, (0, None, None)),
        Sample(Q + 450, (5, 20, None)),
        Sample(Q + 900, (None, 29, None)),
        Sample(Q + 1350, (15, None, None)),
    ]
    found = quarter(samples, 450)
    assert (found.energies, found.counters) == ((10, 9, None), (10, 29, None))


def test_a_block_computed_again_never_loses_what_was_known():
    stored = Values((900, 5), (Power(1, 2, 3),), 900, 900, False, (1_900, 7), Q + 900)
    computed = Values((899, None), (Power(),), 0, 900, True, (1_899, None), Q + 1800)
    again = blocks.merged(stored, computed)
    assert (again.energies, again.counters, again.recovered, again.proof) == ((899, 5), (1_899, 7), True, Q + 1800)
    thin = blocks.merged(stored, computed, raw_gone=True)
    assert (thin.energies, thin.powers, thin.covered_s, thin.recovered) == ((899, 5), (Power(1, 2, 3),), 900, False)


def test_a_sum_leaves_out_what_is_not_known():
    known = Values((900, None), (Power(100, 200, 300),), 900, 900, False, (1_900, None), Q + 900)
    gap = Values((30, None), (Power(None, 500, None),), 100, 900, True, (1_930, None), Q + 1800)
    assert blocks.summed([known, gap]) == Values((930, None), (Power(100, 230, 300),), 1_000, 1_800, True, (1_930, None), Q + 1800)
    with pytest.raises(ValueError, match="no blocks"):
        blocks.summed([])


@pytest.mark.parametrize(
    ("before", "time", "after", "found"),
    [
        (Q + 10, Q + 20, Q + 30, [Q]),
        (Q + 10, Q + 20, Q + 1_900, [Q, Q + 900, Q + 1_800]),
        (Q - 1, Q + 20, Q + 900, [Q - 900, Q]),
        (Q, Q + 20, None, [Q]),
        (None, Q + 20, None, [Q]),
        (Q - 10, Q, None, [Q - 900, Q]),
        (None, Q, Q + 10, [Q - 900, Q]),
    ],
)
def test_a_late_reading_touches_the_blocks_between_its_neighbours(before, time, after, found):
    assert list(blocks.touched(before, time, after, 900)) == found


def test_a_late_reading_touches_its_local_days():
    midnight = int(timegrid.midnight(date(2026, 10, 25), BRUSSELS).timestamp())
    assert blocks.touched_days(midnight, midnight + 5, midnight + 10, BRUSSELS) == [date(2026, 10, 25)]
    assert blocks.touched_days(midnight - 5, midnight + 5, midnight + 90_000, BRUSSELS) == [
        date(2026, 10, 24),
        date(2026, 10, 25),
    ]
    assert blocks.touched_days(midnight - 5, midnight + 5, midnight + 90_001, BRUSSELS)[-1] == date(2026, 10, 26)


DAYS = st.sampled_from(
    [
        (BRUSSELS, date(2026, 10, 25), 100),
        (BRUSSELS, date(2026, 3, 29), 92),
        (BRUSSELS, date(2026, 6, 1), 96),
        (LORD_HOWE, date(2026, 4, 5), 98),
        (LORD_HOWE, date(2026, 10, 4), 94),
        (KOLKATA, date(2026, 1, 1), 96),
    ]
)


@settings(max_examples=15, deadline=None)
@given(DAYS, st.sampled_from([60, 300, 900, 3600, 7]), st.integers(1, 40_000), st.data())
def test_quarters_add_up_to_the_day_and_the_day_to_its_registers(which, cadence_s, reach_s, data):
    zone, day, count = which
    start, end = (int(bound.timestamp()) for bound in timegrid.day_bounds(day, zone))
    cadence_s = max(cadence_s, 100)
    steps = data.draw(st.lists(st.integers(max(cadence_s // 2, 150), max(cadence_s, 300)), min_size=5, max_size=20))
    gaps = data.draw(st.dictionaries(st.integers(0, 100), st.integers(1, 30_000), max_size=4))
    rises = data.draw(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 3)), min_size=3, max_size=10))
    samples: list[Sample] = []
    time, registers = start - reach_s, [1_000, 50]
    while not samples or samples[-1].time < end:
        samples.append(Sample(time, tuple(registers), (len(samples) % 50 * 100,)))
        time += steps[len(samples) % len(steps)] + gaps.get(len(samples), 0)
        for register, rise in enumerate(rises[len(samples) % len(rises)]):
            registers[register] += rise
    quarters = []
    for at in timegrid.quarters(day, zone):
        low = int(at.timestamp())
        first = bisect_right(samples, low, key=lambda sample: sample.time) - 1
        after = bisect_left(samples, low + 900, key=lambda sample: sample.time)
        found = blocks.condense(samples[first : after + 1], low, low + 900, cadence_s)
        assert found is not None
        quarters.append(found)
    assert len(quarters) == count
    whole = blocks.condense(samples, start, end, cadence_s)
    assert whole is not None
    summed = blocks.summed(quarters)
    assert summed.energies == whole.energies
    assert (summed.counters, summed.covered_s, summed.length_s, summed.recovered) == (
        whole.counters,
        whole.covered_s,
        end - start,
        whole.recovered,
    )
    assert all(0 <= values.covered_s <= 900 for values in quarters)
    assert all(values.recovered or values.covered_s == 900 for values in quarters)
    assert all(power.most is None for values in quarters if values.recovered for power in values.powers)
    at_start = [blocks.condense(samples[: i + 1], start - reach_s, start, cadence_s) for i in range(len(samples))]
    proven = next(values for values in at_start if values is not None)
    telescoped = [None if high is None or low is None else high - low for high, low in zip(whole.counters, proven.counters, strict=True)]
    assert telescoped == list(summed.energies)


@given(st.integers(0, 3_000), st.integers(1, 3_000), st.integers(1, 3_000), st.integers(0, 50), st.integers(0, 50))
def test_no_block_changes_that_a_late_reading_does_not_touch(before, until, since, low, high):
    """Computed with and without it: what differs is among the touched."""
    early, time, late = Q + before, Q + before + until, Q + before + until + since
    outer = [
        Sample(Q - 5_000, (0,), (1,)),
        Sample(early, (10,), (2,)),
        Sample(late, (10 + low + high,), (3,)),
        Sample(late + 5_000, (500,), (4,)),
    ]
    with_it = sorted([*outer, Sample(time, (10 + low,), (9,))])
    changed = {
        at
        for at in range(Q - 900, Q + 12_600, 900)
        if blocks.condense(outer, at, at + 900, 60) != blocks.condense(with_it, at, at + 900, 60)
    }
    assert changed <= set(blocks.touched(early, time, late, 900))


def test_the_local_days_of_a_gap_over_the_change_of_clocks_are_all_there():
    start = int(datetime(2026, 10, 24, 12, tzinfo=UTC).timestamp())
    assert len(blocks.touched_days(start, start + 60, start + 3 * 86_400, BRUSSELS)) == 4
