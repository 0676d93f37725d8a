"""The judgement of one source's rows in one batch: by time, the late ones first, plain stretches at once, all others one by one."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter

from energysite.counters import EARLIEST, Candidate, Limits, Outcome, Rule, Verdict
from energysite.registers import CounterCycle, Point, Reading, offset_at
from meters.counting import memory as remembered
from meters.counting import stored, suspects
from meters.counting.plain import FIRST, Row, registers, rising
from meters.counting.suspects import Held

DAY = timedelta(days=1)
Span = tuple[int, int]
Beside = tuple[stored.Stored | None, stored.Stored | None]
_time = itemgetter(1)


class Bench:
    """`judge`, then write `accepted` (by time), then `close`. `late`: spans (epoch s) that accepted late rows change.

    `again`: suspects themselves are judged once more.
    """

    def __init__(self, memory: remembered.Memory, limits: Sequence[Limits], now: datetime, *, again: bool = False) -> None:
        self.memory, self.limits, self.now = memory, limits, now
        self.accepted: list[Row] = memory.near.batch
        self.duplicates = 0
        self.late: list[Span] = []
        self._counter = memory.counter(limits)
        self._width = len(limits)
        self._held: dict[tuple[Rule, int], Held] = {}
        self._cycles: list[CounterCycle] = []
        self._asked = _asked(memory.state.candidate)
        self._known: set[suspects.Key] | None = set() if again else None
        self._batch: Sequence[Row] = ()
        self._stale = False
        self._again = again

    @property
    def held(self) -> int:
        return sum(len(held.rows) for held in self._held.values())

    @property
    def episodes(self) -> list[Held]:
        return list(self._held.values())

    def judge(self, rows: Sequence[Row]) -> None:
        """In any order; within a batch the times order them."""
        if any(row[1].microsecond for row in rows):
            rows = [(row[0], row[1].replace(microsecond=0), *row[2:]) for row in rows]
        self._batch = rows = sorted(rows, key=_time)
        split = 0
        newest = self.memory.state.time
        if newest is not None and rows[0][1] <= (at := stored.instant(newest)):
            split = next((place for place, row in enumerate(rows) if row[1] > at), len(rows))
            self._judge_late(rows[:split])
        self._judge_new(rows[split:])
        self.memory.accepted(len(self.accepted))

    def close(self) -> None:
        """Write what lies aside and what is to be remembered."""
        memory, now = self.memory, _asked(self.memory.state.candidate)
        if self._held:
            suspects.keep(memory.kind, memory.source_id, self._held.values())
        if self._asked is not None and now != self._asked:
            suspects.asks_no_more(memory.source_id, *self._asked)
        if self._cycles:
            remembered.store_cycles(memory, self._cycles)
        remembered.save(memory, changed=bool(self._cycles) or self._stale)
        remembered.keep(memory)

    def spans(self) -> list[tuple[datetime, datetime]]:
        """Of the late rows, merged where they touch."""
        merged: list[list[int]] = []
        for low, high in sorted(self.late):
            if merged and low <= merged[-1][1]:
                merged[-1][1] = max(merged[-1][1], high)
            else:
                merged.append([low, high])
        return [(stored.instant(low), stored.instant(high)) for low, high in merged]

    # Newer than everything

    def _judge_new(self, rows: Sequence[Row]) -> None:
        place, latest = 0, self.now + DAY
        while place < len(rows):
            row = rows[place]
            place += 1
            if not self._feed(row) or self.memory.state.candidate is not None or place == len(rows):
                continue
            end = rising(rows, place, self.limits, latest)
            if end > place:
                self.accepted.extend(rows[place:end])
                self._advance(rows[end - 1])
                place = end

    def _advance(self, row: Row) -> None:
        state = self.memory.state
        state.time = stored.epoch(row[1])
        for register in range(self._width):
            value = row[FIRST + register]
            if value is not None:
                state.baseline[register] = Point(state.time, value)

    def _feed(self, row: Row) -> bool:
        """Whether it is accepted."""
        state = self.memory.state
        time = stored.epoch(row[1])
        values = registers(row, self._width)
        if self.accepted and self.accepted[-1][1] == row[1] and values == registers(self.accepted[-1], self._width):
            self.duplicates += 1  # twice in one batch
            return False
        reading = Reading(time, values)
        verdict = self._counter.feed(reading, int(self.now.timestamp()))
        if verdict.outcome is Outcome.ACCEPTED:
            self._cycles += verdict.cycles
            self.accepted.append(row)
            self.memory.group = None
            return True
        extends = state.candidate is not None and state.candidate.last == reading
        if verdict.outcome is Outcome.DUPLICATE or (not extends and self._is_known((time, values))):
            self.duplicates += 1
        else:
            self._hold(row, time, verdict, alone=not extends)
        return False

    def _is_known(self, key: suspects.Key) -> bool:
        if self._known is None:
            times = [stored.epoch(row[1]) for row in self._batch]
            self._known = suspects.known(self.memory.kind, self.memory.source_id, times)
        return key in self._known

    def _hold(self, row: Row, time: int, verdict: Verdict, *, alone: bool) -> None:
        """`alone`: belongs to no level in doubt; such rejects in a row for the same reason are one episode."""
        rule, first = verdict.rule, verdict.episode
        assert rule is not None
        assert first is not None
        if alone:
            group = self.memory.group
            if group is not None and group[0] is rule and group[1] <= time:
                first = group[1]
            else:
                self.memory.group = (rule, first)
            if (rule, first) == _level(self.memory.state.candidate):
                rule = Rule.CONFLICT  # two values at the time that a level in doubt begins
        held = self._held.get((rule, first))
        if held is None:
            held = self._held[rule, first] = Held(rule, first, suspects.figures(self.memory.kind, verdict.parameters), time)
        held.rows.append(row)
        held.last = max(held.last, time)
        held.asks = held.asks or verdict.asks
        if self._known is not None and not self._again:
            self._known.add((time, registers(row, self._width)))

    # Of the past

    def _judge_late(self, rows: list[Row]) -> None:
        """Rows not after the newest accepted one, by time."""
        kind, source_id, near = self.memory.kind, self.memory.source_id, self.memory.near
        times = [stored.epoch(row[1]) for row in rows]
        [outer] = stored.beside(kind, source_id, times[:1])
        if (outer[0] is None or outer[0].time < times[0]) and (outer[1] is None or outer[1].time > times[-1]):
            near.fetched.update(dict.fromkeys(times, outer))
            self._judge_stretch(outer, rows)
            return
        there = stored.at(kind, source_id, times)
        new = [row for row, time in zip(rows, times, strict=True) if not self._is_stored(row, there.get(time))]
        self.duplicates += len(rows) - len(new)
        times = [stored.epoch(row[1]) for row in new]
        beside = stored.beside(kind, source_id, times)
        near.fetched.update(zip(times, beside, strict=True))
        for between, several in groupby(zip(beside, new, strict=True), key=itemgetter(0)):
            self._judge_stretch(between, [row for _beside, row in several])

    def _is_stored(self, row: Row, found: stored.Values | None) -> bool:
        """A reading with these registers is there; what it does not say does not contradict."""
        if found is None:
            return False
        return all(value is None or value == other for value, other in zip(registers(row, self._width), found, strict=True))

    def _judge_stretch(self, beside: Beside, rows: list[Row]) -> None:
        """Rows between the same two stored readings."""
        said = [i for i in range(self._width) if any(row[FIRST + i] is not None for row in rows)]
        first, last = stored.epoch(rows[0][1]), stored.epoch(rows[-1][1])
        before = {i: _point(beside[0], i) or self.memory.near.near(i, first)[0] for i in said}
        after = {i: _point(beside[1], i) or self.memory.near.near(i, last)[1] for i in said}
        if self._is_plain(rows, beside, before, after):
            self.accepted.extend(rows)
            taken = rows
        else:
            taken = [row for row in rows if self._feed(row)]
        if taken:
            self._fill_in(taken)
            neighbours = [point.time for point in (*before.values(), *after.values(), *beside) if point is not None]
            ends = [stored.epoch(taken[0][1]), stored.epoch(taken[-1][1])]
            self.late.append((min(neighbours + ends), max(neighbours + ends)))

    def _is_plain(self, rows: list[Row], beside: Beside, before: Mapping[int, Point | None], after: Mapping[int, Point | None]) -> bool:
        """They go on from the reading before them, and the one after them goes on from them."""
        first, last = stored.epoch(rows[0][1]), stored.epoch(rows[-1][1])
        if first < EARLIEST or (beside[0] is not None and beside[0].time == first):
            return False
        for register in before:
            low, high, limits = before[register], after[register], self.limits[register]
            begin, end = rows[0][FIRST + register], rows[-1][FIRST + register]
            if begin is None or end is None:
                return False
            if low is not None and not limits.allow(low, Point(first, begin)):
                return False
            if high is not None and not limits.allow(Point(last, end), high):
                return False
            if low is not None and high is not None and self._offset(register, low) != self._offset(register, high):
                return False
        return rising(rows, 1, self.limits, None) == len(rows)

    def _offset(self, register: int, point: Point) -> int:
        return offset_at(self.memory.state.cycles, register, point.time)

    def _fill_in(self, taken: list[Row]) -> None:
        """A late row may say where a register stands that the newest rows lack."""
        state = self.memory.state
        for register, base in enumerate(state.baseline):
            if state.resume[register] is not None or (base is not None and base.time == state.time):
                continue
            last = next((row for row in reversed(taken) if row[FIRST + register] is not None), None)
            if last is not None and (base is None or base.time < stored.epoch(last[1])):
                state.baseline[register] = Point(stored.epoch(last[1]), last[FIRST + register])
                self._stale = True


def _point(near: stored.Stored | None, register: int) -> Point | None:
    value = None if near is None else near.values[register]
    return None if near is None or value is None else Point(near.time, value)


def _level(candidate: Candidate | None) -> tuple[Rule, int] | None:
    """The episode of a level in doubt."""
    return None if candidate is None else (candidate.rule, candidate.first.time)


def _asked(candidate: Candidate | None) -> tuple[Rule, int] | None:
    return _level(candidate) if candidate is not None and candidate.asked else None
