"""Which telegrams become readings: every one, or one for each slot. Pure.

A slot is (start, end]: aligned to UTC and a divisor of 900 s, so that every quarter-hour ends with a slot. A telegram
stamped exactly at a slot's end closes it, and its counters are the boundary's own.
"""

from collections.abc import Callable
from dataclasses import dataclass

Momentary = tuple[int | None, ...]


@dataclass(slots=True)
class Sample:
    """One electricity telegram. `time`: epoch seconds, UTC. `counters` (Wh), `state` (quarter demand, tariff) and `momentary`
    (W, dV, cA) hold their columns in the order of `meters.ingest`."""

    time: int
    counters: tuple[int | None, ...]
    state: tuple[int | None, ...]
    momentary: Momentary
    flags: int = 0


Choice = Callable[[list[tuple[int, Sample]]], Momentary]


def _first(slot: list[tuple[int, Sample]]) -> Momentary:
    return slot[0][1].momentary


def _last(slot: list[tuple[int, Sample]]) -> Momentary:
    return slot[-1][1].momentary


def _mean(slot: list[tuple[int, Sample]]) -> Momentary:
    """Weighted by time: a telegram's values hold for the seconds since the telegram before it."""
    means: list[int | None] = []
    for column in range(len(slot[0][1].momentary)):
        total = seconds = 0
        for weight, sample in slot:
            value = sample.momentary[column]
            if value is not None:
                total += weight * value
                seconds += weight
        means.append(round(total / seconds) if seconds else None)
    return tuple(means)


CHOICES: dict[str, Choice] = {"first": _first, "last": _last, "mean": _mean}


class Taker:
    """`add` each sample; what comes back is to be stored. `flush` gives the slot begun so far."""

    def __init__(self, strategy: str, slot_s: int) -> None:
        if strategy != "all":
            if 900 % slot_s:
                raise ValueError(f"A slot of {slot_s} s does not divide a quarter-hour.")
            self._choose = CHOICES[strategy]
        self._all = strategy == "all"
        self._slot_s = slot_s
        self._slot: list[tuple[int, Sample]] = []  # weight in seconds, sample
        self._end = 0
        self._previous: int | None = None

    def add(self, sample: Sample) -> list[Sample]:
        if self._all:
            return [sample]
        end = -(-sample.time // self._slot_s) * self._slot_s
        done = self.flush() if end != self._end else []
        self._end = end
        self._slot.append((self._weight(sample.time), sample))
        self._previous = sample.time
        return done + self.flush() if sample.time == end else done

    def _weight(self, time: int) -> int:
        since = time - 1 if self._previous is None else max(self._previous, self._end - self._slot_s)
        return max(time - since, 1)

    def flush(self) -> list[Sample]:
        if not self._slot:
            return []
        last = self._slot[-1][1]
        flags = 0
        for _weight, sample in self._slot:
            flags |= sample.flags
        taken = Sample(last.time, last.counters, last.state, self._choose(self._slot), flags)
        self._slot = []
        return [taken]
