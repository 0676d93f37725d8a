from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energysite import block_states
from energysite.block_states import Event, Standing, State, after

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def due(standing: Standing, *, now: datetime = NOW, length_s: int = 900, proven_to: datetime | None = NOW) -> bool:
    return block_states.due(standing, end=NOW, length_s=length_s, proven_to=proven_to, now=now)


@pytest.mark.parametrize(
    ("state", "event", "then"),
    [
        (State.TO_DO, Event.STORED, State.DONE),
        (State.TO_DO, Event.FAILED, State.FAULTY),
        (State.FAULTY, Event.STORED, State.DONE),
        (State.DONE, Event.UNCHANGED, State.CLOSED),
        (State.DONE, Event.STORED, State.DONE),
        (State.CLOSED, Event.TOUCHED, State.TO_DO),
    ],
)
def test_a_block_goes_from_state_to_state(state, event, then):
    found = after(Standing(state), event, NOW)
    assert found is not None
    assert found.state is then
    assert state in block_states.sources(event)


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (State.CLOSED, Event.STORED),
        (State.CLOSED, Event.FAILED),
        (State.CLOSED, Event.UNCHANGED),
        (State.TO_DO, Event.UNCHANGED),
        (State.FAULTY, Event.UNCHANGED),
    ],
)
def test_a_block_never_goes_where_the_table_has_no_way(state, event):
    """A slow worker that comes back with its result finds the block reopened or closed by then."""
    assert after(Standing(state), event, NOW) is None
    assert state not in block_states.sources(event)


def test_every_state_can_be_reopened_and_begins_anew():
    assert block_states.sources(Event.TOUCHED) == set(State)
    for state in State:
        assert after(Standing(state, 7, NOW, NOW, NOW), Event.TOUCHED, NOW) == Standing()


def test_failures_wait_longer_and_longer_but_never_more_than_six_hours():
    standing, waits = Standing(), []
    for _ in range(12):
        found = after(standing, Event.FAILED, NOW)
        assert found is not None
        assert found.retry_after is not None
        waits.append((found.retry_after - NOW) // timedelta(minutes=1))
        standing = found
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360, 360]
    assert standing.attempts == 12
    assert block_states.wait(10**6) == 6 * HOUR
    stored = after(standing, Event.STORED, NOW)
    assert stored == Standing(State.DONE, 0, NOW)


def test_a_faulty_block_is_due_when_its_wait_is_over():
    faulty = Standing(State.FAULTY, 1, retry_after=NOW + HOUR)
    assert not due(faulty)
    assert due(faulty, now=NOW + HOUR)


def test_a_block_is_due_once_a_reading_proves_its_end():
    assert due(Standing(), proven_to=NOW)
    assert not due(Standing(), proven_to=NOW - timedelta(seconds=1))
    assert not due(Standing(), proven_to=None)


def test_a_claimed_block_is_nobody_elses_until_the_claim_has_run_out():
    claimed = Standing(busy_until=NOW + HOUR)
    assert not due(claimed)
    assert due(claimed, now=NOW + HOUR)


@pytest.mark.parametrize(("length_s", "hours"), [(60, 2), (900, 2), (86_400, 24)])
def test_a_done_block_is_processed_once_more_after_its_grace_then_closed_for_good(length_s, hours):
    done = Standing(State.DONE, done_at=NOW)
    assert not due(done, now=NOW + hours * HOUR - timedelta(seconds=1), length_s=length_s)
    assert due(done, now=NOW + hours * HOUR, length_s=length_s)
    closed = after(done, Event.UNCHANGED, NOW + hours * HOUR)
    assert closed == Standing(State.CLOSED, 0, NOW)
    assert not due(closed, now=NOW + 10_000 * HOUR, length_s=length_s)


def test_another_result_after_the_grace_begins_the_grace_again():
    again = after(Standing(State.DONE, done_at=NOW), Event.STORED, NOW + 2 * HOUR)
    assert again == Standing(State.DONE, 0, NOW + 2 * HOUR)


@given(st.lists(st.sampled_from(Event), max_size=30))
def test_only_the_table_closes_a_block_and_only_after_a_result(events):
    standing, path = Standing(), []
    for event in events:
        found = after(standing, event, NOW)
        if found is not None:
            path.append(event)
            standing = found
    if standing.state is State.CLOSED:
        assert path[-2:] == [Event.STORED, Event.UNCHANGED]
    assert (standing.retry_after is not None) == (standing.state is State.FAULTY)
