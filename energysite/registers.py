"""What the registers of a device show: points, cycles, the value at any boundary, the cadence. Pure.

Times are whole epoch seconds, values whole units (Wh, l). What a register shows plus the offset of its cycle is its
*continuous* value, which goes on across a new device, a reset and a roll-over.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Sequence
from statistics import median_low
from typing import NamedTuple, Protocol

INTERVALS = 20  # a cadence is learned from the last so many
GAP = 3  # neighbours further apart than this many cadences: what lies between is interpolated


class Reading(NamedTuple):
    time: int
    values: tuple[int | None, ...]  # None: the device did not say
    serial: str = ""  # "": unknown


class Point(NamedTuple):
    """One register at one time."""

    time: int
    value: int


class CounterCycle(NamedTuple):
    """From `since` on, `offset` is added to what this register shows. Before the first cycle nothing is."""

    register: int
    since: int
    offset: int


class Neighbours(Protocol):
    """The accepted readings of a device, for those that come late."""

    def near(self, register: int, time: int) -> tuple[Point | None, Point | None]:
        """The newest point of a register at or before a time and the oldest after it, as the device showed them."""


def offset_at(cycles: Sequence[CounterCycle], register: int, time: int) -> int:
    return next((cycle.offset for cycle in reversed(cycles) if cycle.register == register and cycle.since <= time), 0)


def between(before: Point, after: Point | None, at: int) -> int | None:
    """The boundary value R(at): the point at it, else linear between its neighbours, rounded down. None: nothing proves it."""
    if before.time == at:
        return before.value
    if after is None:
        return None
    return before.value + (after.value - before.value) * (at - before.time) // (after.time - before.time)


class History:
    """Accepted points of every register in memory, whatever the order they came in: Neighbours for an import or a replay."""

    def __init__(self, registers: int) -> None:
        self._times: list[list[int]] = [[] for _ in range(registers)]
        self._values: list[list[int]] = [[] for _ in range(registers)]

    def add(self, reading: Reading) -> None:
        for times, values, value in zip(self._times, self._values, reading.values, strict=True):
            if value is None:
                continue
            place = bisect_left(times, reading.time)
            if place == len(times) or times[place] != reading.time:
                times.insert(place, reading.time)
                values.insert(place, value)

    def near(self, register: int, time: int) -> tuple[Point | None, Point | None]:
        times, values = self._times[register], self._values[register]
        place = bisect_right(times, time)
        before = Point(times[place - 1], values[place - 1]) if place else None
        return before, Point(times[place], values[place]) if place < len(times) else None


class Cadence:
    """How often a source speaks: set by a person, else the median of its last 20 intervals; None before the first."""

    def __init__(self, set_s: int | None = None, intervals: Iterable[int] = ()) -> None:
        self._set_s = set_s
        self._last: int | None = None
        self.intervals: deque[int] = deque(intervals, maxlen=INTERVALS)

    def learn(self, time: int) -> None:
        """An accepted reading; a late one says nothing about the cadence."""
        if self._last is not None and time <= self._last:
            return
        if self._last is not None:
            self.intervals.append(time - self._last)
        self._last = time

    @property
    def seconds(self) -> int | None:
        return self._set_s or (median_low(self.intervals) if self.intervals else None)
