"""The life of a block as a table: which event takes it from which state to which, and when it is due. Pure.

Every transition is meant to be one conditional UPDATE: `WHERE state IN sources(event)` and whatever claims it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

GRACE = timedelta(hours=2)
DAY_GRACE = timedelta(hours=24)
DAY_S = 86_400
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)


class State(StrEnum):
    TO_DO = "todo"
    FAULTY = "faulty"  # tried and failed, with its reason; tried again later
    DONE = "done"
    CLOSED = "closed"  # processed once more after DONE, and unchanged


class Event(StrEnum):
    STORED = "stored"  # computed for the first time, or with another result
    FAILED = "failed"
    UNCHANGED = "unchanged"  # computed once more after the grace, with the same result
    TOUCHED = "touched"  # a late, imported or overruled reading, or a correction of what it is computed from


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.TO_DO, Event.STORED): State.DONE,
    (State.TO_DO, Event.FAILED): State.FAULTY,
    (State.TO_DO, Event.TOUCHED): State.TO_DO,
    (State.FAULTY, Event.STORED): State.DONE,
    (State.FAULTY, Event.FAILED): State.FAULTY,
    (State.FAULTY, Event.TOUCHED): State.TO_DO,
    (State.DONE, Event.STORED): State.DONE,
    (State.DONE, Event.UNCHANGED): State.CLOSED,
    (State.DONE, Event.FAILED): State.FAULTY,
    (State.DONE, Event.TOUCHED): State.TO_DO,
    (State.CLOSED, Event.TOUCHED): State.TO_DO,
}


def sources(event: Event) -> frozenset[State]:
    """The states that an event is possible in."""
    return frozenset(state for state, possible in TRANSITIONS if possible is event)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a block is in its life. `done_at`: when its result last changed; `retry_after`: of a faulty one."""

    state: State = State.TO_DO
    attempts: int = 0  # failures in a row
    done_at: datetime | None = None
    retry_after: datetime | None = None
    busy_until: datetime | None = None


def after(standing: Standing, event: Event, now: datetime) -> Standing | None:
    """The standing that an event leads to, free for the next claim; None where it is not possible in this state.

    A reopened block begins anew: no failures, no waiting.
    """
    state = TRANSITIONS.get((standing.state, event))
    if state is None:
        return None
    if event is Event.FAILED:
        attempts = standing.attempts + 1
        return Standing(state, attempts, standing.done_at, now + wait(attempts))
    if event is Event.UNCHANGED:
        return Standing(state, 0, standing.done_at)
    return Standing(state, 0, now if event is Event.STORED else None)


def wait(attempts: int) -> timedelta:
    """Before the next try: 1, 2, 4 ... minutes after the first, second, third failure in a row, 6 hours at most."""
    return min(FIRST_WAIT * 2 ** min(attempts - 1, 20), LONGEST_WAIT)


def grace(length_s: int) -> timedelta:
    return DAY_GRACE if length_s >= DAY_S else GRACE


def due(standing: Standing, *, end: datetime, length_s: int, proven_to: datetime | None, now: datetime) -> bool:
    """Whether the block that ends at `end` is to be processed now.

    `proven_to`: the newest accepted reading of its source (or its last one, where the source is retired: then pass `end`); for
    a day, the end of its last quarter that is DONE or CLOSED. A claimed block is due again once its claim has run out.
    """
    if standing.busy_until is not None and now < standing.busy_until:
        return False
    if standing.state is State.FAULTY:
        return standing.retry_after is None or standing.retry_after <= now
    if standing.state is State.TO_DO:
        return proven_to is not None and proven_to >= end
    if standing.state is State.DONE:
        return standing.done_at is None or standing.done_at + grace(length_s) <= now
    return False
