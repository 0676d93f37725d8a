"""Which telegrams become readings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.take import Sample, Taker

NOON = 1_700_000_100 // 900 * 900  # a quarter-hour


def sample(time: int, power: int | None, counter: int = 0, volts: int | None = None) -> Sample:
    return Sample(time, (counter,), (None,), (power, volts))


def taken(strategy: str, samples: list[Sample], slot_s: int = 10) -> list[Sample]:
    taker = Taker(strategy, slot_s)
    return [out for one in samples for out in taker.add(one)] + taker.flush()


def test_all_keeps_every_telegram_as_it_is() -> None:
    given_samples = [sample(NOON + i, i) for i in range(5)]
    assert taken("all", given_samples) == given_samples


@pytest.mark.parametrize(("strategy", "power"), [("first", 1), ("last", 10), ("mean", 6)])
def test_a_slot_becomes_one_reading_with_the_time_and_counters_of_its_last_telegram(strategy: str, power: int) -> None:
    slot = [sample(NOON + i, i, counter=100 + i) for i in range(1, 11)]
    (one,) = taken(strategy, slot)
    assert (one.time, one.counters, one.momentary[0]) == (NOON + 10, (110,), power)


def test_a_telegram_at_the_very_end_closes_its_slot_at_once() -> None:
    taker = Taker("last", 10)
    assert taker.add(sample(NOON + 9, 1)) == []
    assert [out.time for out in taker.add(sample(NOON + 10, 2))] == [NOON + 10]
    assert taker.flush() == []


def test_the_mean_counts_a_value_for_the_time_since_the_telegram_before() -> None:
    slot = [sample(NOON + 1, 100), sample(NOON + 2, 100), sample(NOON + 10, 1000)]
    assert taken("mean", [sample(NOON, 0), *slot])[-1].momentary[0] == round((2 * 100 + 8 * 1000) / 10)


def test_a_gap_before_the_slot_does_not_weigh_more_than_the_slot() -> None:
    samples = [sample(NOON - 500, 0), sample(NOON + 5, 100), sample(NOON + 10, 200)]
    assert taken("mean", samples)[-1].momentary[0] == 150


def test_absent_values_stay_absent_and_do_not_pull_a_mean_down() -> None:
    samples = [sample(NOON + 5, None), sample(NOON + 10, 300)]
    assert taken("mean", samples)[0].momentary == (300, None)


def test_flags_of_any_telegram_in_the_slot_are_kept() -> None:
    first, last = sample(NOON + 1, 1), sample(NOON + 2, 2)
    first.flags = 1
    assert taken("last", [first, last])[0].flags == 1


def test_a_clock_that_steps_back_begins_a_new_slot() -> None:
    samples = [sample(NOON + 25, 1), sample(NOON + 5, 2), sample(NOON + 6, 3)]
    assert [out.time for out in taken("last", samples)] == [NOON + 25, NOON + 6]


def test_a_slot_that_does_not_divide_a_quarter_is_refused() -> None:
    with pytest.raises(ValueError, match="quarter"):
        Taker("mean", 7)


@given(
    st.lists(st.integers(NOON, NOON + 4000), min_size=1, unique=True).map(sorted),
    st.sampled_from(["first", "last", "mean"]),
    st.sampled_from([5, 10, 60, 450, 900]),
)
def test_each_slot_with_a_telegram_gives_exactly_one_reading_inside_it(times: list[int], strategy: str, slot_s: int) -> None:
    out = taken(strategy, [sample(time, time % 97, counter=time) for time in times], slot_s)
    expected = {-(-time // slot_s): time for time in times}
    assert [one.time for one in out] == list(expected.values())
    assert all(one.counters == (one.time,) for one in out)
    assert all(0 <= (one.momentary[0] or 0) < 97 for one in out)
