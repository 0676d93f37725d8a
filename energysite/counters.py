"""Counters that never invent energy: what each reading of a device is worth, and where its registers stand. Pure.

A device has one or more registers, always in the same order; a reading of it is taken or refused as a whole. Times are
whole epoch seconds, values whole units (Wh, l) as the device shows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from energysite.errors import BadReading
from energysite.registers import CounterCycle, Neighbours, Point, Reading, offset_at

EARLIEST = 1_199_145_600  # 2008-01-01: no smart meter is older
DAY_S = 86_400
# A new level is put to a person after this many readings in a row that agree on it, over at least this time.
ENOUGH_READINGS = 60
ENOUGH_S = 300


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one register: most units an hour (W for Wh; None: unknown), its last digit, and where it begins at 0 again."""

    per_hour: int | None = None
    resolution: int = 1
    modulus: int | None = None

    def allow(self, before: Point, after: Point) -> bool:
        """Not lower, and no faster than the limit x 1.2 + resolution."""
        rise = after.value - before.value
        if rise < 0:
            return False
        return self.per_hour is None or (rise - self.resolution) * 3600 * 10 <= self.per_hour * (after.time - before.time) * 12

    def rolled_over(self, before: Point, after: Point) -> bool:
        return self.modulus is not None and self.allow(before, Point(after.time, after.value + self.modulus))


class Rule(StrEnum):
    TIME = "time"  # before 2008 or more than a day ahead
    DROP = "drop"  # lower than the last accepted reading
    RISE = "rise"  # higher than the connection allows in that time
    CONFLICT = "conflict"  # another value at a time that has one
    SERIAL = "serial"  # late, and of another device than the one of that time
    SEAM = "seam"  # late, and between two cycles: nothing says what it would add


class Outcome(StrEnum):
    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"  # known already: nothing to do
    REJECTED = "rejected"
    QUARANTINED = "quarantined"  # a rise that the following readings confirm or refute
    PENDING = "pending"  # held until a person has answered


@dataclass(frozen=True, slots=True)
class Verdict:
    """`parameters` say the rule in figures. Readings of one `episode` (the time of its first) belong together.

    `asks`: with this reading a person is to be asked, once. `cycles`: those that begin here.
    """

    outcome: Outcome
    rule: Rule | None = None
    parameters: dict[str, int] = field(default_factory=dict)
    episode: int | None = None
    asks: bool = False
    cycles: tuple[CounterCycle, ...] = ()


ACCEPTED = Verdict(Outcome.ACCEPTED)
DUPLICATE = Verdict(Outcome.DUPLICATE)


@dataclass(slots=True)
class Candidate:
    """Readings in a row that agree with each other but not with the baseline."""

    rule: Rule
    first: Reading
    last: Reading
    count: int = 1
    asked: bool = False
    dismissed: bool = False

    @property
    def pending(self) -> tuple[int | None, ...]:
        """What each register has counted since the first of them: held until a person confirms."""
        pairs = zip(self.first.values, self.last.values, strict=True)
        return tuple(None if low is None or high is None else high - low for low, high in pairs)


@dataclass(slots=True)
class State:
    """All that a Counter remembers: plain values, to be kept between two runs.

    `baseline`: the last accepted point of each register, None before the first of its cycle; `resume`: the continuous value
    that such a cycle goes on from, None where it begins at what it shows.
    """

    baseline: list[Point | None]
    resume: list[int | None]
    time: int | None = None
    serials: list[tuple[int, str]] = field(default_factory=list)  # (since, serial), oldest first
    cycles: list[CounterCycle] = field(default_factory=list)  # oldest first
    candidate: Candidate | None = None


class Counter:
    """One device. Feed its readings in the order they arrive; what is not ACCEPTED leaves no trace in its energy."""

    def __init__(self, limits: Sequence[Limits], neighbours: Neighbours, state: State | None = None) -> None:
        self._limits = tuple(limits)
        self._neighbours = neighbours
        self.state = state or State([None] * len(self._limits), [None] * len(self._limits))

    def feed(self, reading: Reading, now: int) -> Verdict:
        """The worth of one reading; `now` is the epoch second it is judged at. ValueError: not as many values as registers."""
        if len(reading.values) != len(self._limits):
            raise ValueError(f"{len(reading.values)} values for {len(self._limits)} registers")
        if not EARLIEST <= reading.time <= now + DAY_S:
            return Verdict(Outcome.REJECTED, Rule.TIME, {"time": reading.time}, reading.time)
        state = self.state
        if state.time is None:
            return self._accept(reading)
        if reading.time <= state.time:
            return self._late(reading)
        if self._other_serial(reading, reading.time):
            return self._swapped(reading)
        candidate = state.candidate
        if candidate is not None and candidate.asked and self._agrees(candidate, reading):
            return self._doubt(reading, candidate.rule, {})
        found = self._against_baseline(reading)
        if found is not None:
            return self._doubt(reading, *found)
        if candidate is not None and reading.time > candidate.first.time:
            state.candidate = None
        return self._accept(reading)

    def feed_all(self, readings: Iterable[Reading], now: int) -> list[tuple[int, Verdict]]:
        """Many in a row: (place, verdict) of those alone that were not simply accepted."""
        verdicts = ((place, self.feed(reading, now)) for place, reading in enumerate(readings))
        return [(place, verdict) for place, verdict in verdicts if verdict is not ACCEPTED]

    def continuous(self, register: int, point: Point) -> int:
        return point.value + offset_at(self.state.cycles, register, point.time)

    def confirm(self, *, counted: bool = False) -> tuple[CounterCycle, ...]:
        """A person says that the level asked about is real: its readings, first to last, are accepted.

        Registers that the baseline does not explain begin a new cycle there, without energy between; a roll-over counts
        exactly. `counted`: a rise was energy, and no cycle begins. Raises BadReading where nothing was asked.
        """
        state, candidate = self.state, self._asked()
        begun: list[CounterCycle] = []
        for register, value in enumerate(candidate.first.values):
            base = state.baseline[register]
            if value is None or base is None:
                continue
            first, limits = Point(candidate.first.time, value), self._limits[register]
            if limits.allow(base, first) or (counted and value >= base.value):
                continue
            state.baseline[register] = None
            if limits.rolled_over(base, first):
                offset = offset_at(state.cycles, register, base.time) + (limits.modulus or 0)
                begun.append(CounterCycle(register, first.time, offset))
            else:
                state.resume[register] = self.continuous(register, base)
        state.cycles.extend(begun)
        for reading in (candidate.first, candidate.last):
            begun.extend(self._accept(reading).cycles)
        state.candidate = None
        return tuple(begun)

    def dismiss(self) -> None:
        """A person says that the level is not real: it stays rejected, and nobody is asked about it again."""
        self._asked().dismissed = True

    def replaced(self, time: int, last: Sequence[int], first: Sequence[int], serial: str = "") -> tuple[CounterCycle, ...]:
        """At `time` the device ended at `last` and its successor began at `first`: totals stay exact.

        Raises BadReading where `last` cannot be, or newer readings are there already.
        """
        state = self.state
        if state.time is not None and time <= state.time:
            raise BadReading("There are readings after the replacement. Give a later time, or reject those readings first.")
        if self._against_baseline(Reading(time, tuple(last))) is not None:
            raise BadReading("The last value does not follow from the last reading of the old meter. Check the value and the time.")
        offsets = [value + offset_at(state.cycles, register, time) for register, value in enumerate(last)]
        begun = tuple(CounterCycle(i, time, end - new) for i, (end, new) in enumerate(zip(offsets, first, strict=True)))
        state.cycles.extend(begun)
        state.baseline = [Point(time, value) for value in first]
        state.resume = [None] * len(first)
        state.serials.append((time, serial))
        state.time, state.candidate = time, None
        return begun

    def _asked(self) -> Candidate:
        candidate = self.state.candidate
        if candidate is None or not candidate.asked:
            raise BadReading("Nothing is waiting for an answer any more. Load the page again.")
        return candidate

    def _serial_at(self, time: int) -> str:
        return next((serial for since, serial in reversed(self.state.serials) if since <= time), "")

    def _other_serial(self, reading: Reading, time: int) -> bool:
        known = self._serial_at(time)
        return bool(reading.serial and known and reading.serial != known)

    def _accept(self, reading: Reading) -> Verdict:
        state = self.state
        begun: list[CounterCycle] = []
        for register, value in enumerate(reading.values):
            if value is None:
                continue
            resume = state.resume[register]
            if state.baseline[register] is None and resume is not None:
                begun.append(CounterCycle(register, reading.time, resume - value))
                state.resume[register] = None
            state.baseline[register] = Point(reading.time, value)
        state.time = reading.time
        if reading.serial and self._serial_at(reading.time) != reading.serial:
            state.serials.append((reading.time, reading.serial))
        state.cycles.extend(begun)
        return Verdict(Outcome.ACCEPTED, cycles=tuple(begun)) if begun else ACCEPTED

    def _swapped(self, reading: Reading) -> Verdict:
        """Another device: every register goes on from where it stood, without energy between the two."""
        state = self.state
        for register, base in enumerate(state.baseline):
            if base is not None:
                state.resume[register] = self.continuous(register, base)
                state.baseline[register] = None
        state.candidate = None
        return self._accept(reading)

    def _against_baseline(self, reading: Reading) -> tuple[Rule, dict[str, int]] | None:
        """The rule that the reading breaks, with its figures; a drop of one register before a rise of another."""
        worst: tuple[Rule, dict[str, int]] | None = None
        for register, (value, base) in enumerate(zip(reading.values, self.state.baseline, strict=True)):
            if value is None or base is None or self._limits[register].allow(base, Point(reading.time, value)):
                continue
            figures = {"register": register, "before": base.value, "value": value, "seconds": reading.time - base.time}
            if value < base.value:
                return Rule.DROP, figures
            worst = worst or (Rule.RISE, figures)
        return worst

    def _agrees(self, candidate: Candidate, reading: Reading) -> bool:
        """It goes on from the candidate: not below its last, no faster than allowed since that, nor since its first."""
        if reading.time <= candidate.last.time:
            return False
        for limits, first, last, value in zip(self._limits, candidate.first.values, candidate.last.values, reading.values, strict=True):
            if value is None:
                continue
            if last is not None and not limits.allow(Point(candidate.last.time, last), Point(reading.time, value)):
                return False
            if first is not None and not limits.allow(Point(candidate.first.time, first), Point(reading.time, value)):
                return False
        return True

    def _doubt(self, reading: Reading, rule: Rule, figures: dict[str, int]) -> Verdict:
        """Count a reading that the baseline does not explain; the baseline stays where it is."""
        state, candidate = self.state, self.state.candidate
        asks = False
        if candidate is not None and reading == candidate.last:
            return DUPLICATE
        if candidate is not None and self._agrees(candidate, reading):
            candidate.last = reading
            candidate.count += 1
            if not candidate.asked and candidate.count >= ENOUGH_READINGS and reading.time - candidate.first.time >= ENOUGH_S:
                asks = candidate.asked = True
        elif candidate is not None and (candidate.asked or reading.time <= candidate.last.time):
            return Verdict(Outcome.REJECTED, rule, figures, reading.time)
        else:
            candidate = state.candidate = Candidate(rule, reading, reading)
        outcome = Outcome.QUARANTINED if candidate.rule is Rule.RISE else Outcome.REJECTED
        if candidate.asked:
            outcome = Outcome.REJECTED if candidate.dismissed else Outcome.PENDING
        return Verdict(outcome, candidate.rule, figures, candidate.first.time, asks)

    def _late(self, reading: Reading) -> Verdict:
        """A reading of the past must fit between its accepted neighbours: nothing follows that could confirm it."""
        if self._other_serial(reading, reading.time):
            return Verdict(Outcome.REJECTED, Rule.SERIAL, {}, reading.time)
        verdict = ACCEPTED
        for register, value in enumerate(reading.values):
            if value is None:
                continue
            before, after = self._neighbours.near(register, reading.time)
            here, limits = Point(reading.time, value), self._limits[register]
            if before is not None and before.time == here.time:
                if before.value != value:
                    return _refused(Rule.CONFLICT, register, before, here)
                verdict = DUPLICATE
            elif before is not None and not limits.allow(before, here):
                return _refused(Rule.DROP if value < before.value else Rule.RISE, register, before, here)
            elif after is None:
                continue
            elif before is not None and self._cycle(register, before) != self._cycle(register, after):
                return _refused(Rule.SEAM, register, before, here)
            elif not limits.allow(here, after):
                return _refused(Rule.RISE if value > after.value else Rule.DROP, register, after, here)
        return verdict

    def _cycle(self, register: int, point: Point) -> int:
        return offset_at(self.state.cycles, register, point.time)


def _refused(rule: Rule, register: int, near: Point, here: Point) -> Verdict:
    figures = {"register": register, "before": near.value, "value": here.value, "seconds": here.time - near.time}
    return Verdict(Outcome.REJECTED, rule, figures, here.time)
