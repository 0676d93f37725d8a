"""How the readings of one episode enter the history and leave it again."""

from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.translation import gettext as _

from energysite.counters import ENOUGH_READINGS, ENOUGH_S, Candidate, Rule
from energysite.errors import BadReading
from energysite.registers import Reading
from meters import storage
from meters.blocks.touch import reopen
from meters.counting import limits, moving, refusals, stored, suspects
from meters.counting import memory as remembered
from meters.counting.bench import Bench
from meters.counting.plain import Row, registers
from meters.models import CounterCycle, RejectEpisode

# In RejectEpisode.parameters["taken"]: how an overruled episode entered.
LEVEL, LATE, REPLACED = "level", "late", "replaced"


@dataclass(frozen=True, slots=True)
class Change:
    """`readings` that entered (negative: left) the history; `span`: the time they change; `reopened` blocks."""

    readings: int = 0
    span: tuple[datetime, datetime] | None = None
    reopened: int = 0


class Desk:
    """One episode under the lock of its source. Changes `episode` without saving it. `memory`: fresh from the database."""

    def __init__(self, episode: RejectEpisode, memory: remembered.Memory, now: datetime) -> None:
        self.episode, self.memory, self.now = episode, memory, now
        self.kind, self.source_id = memory.kind, memory.source_id
        self.limits = limits.of([self.source_id])[self.source_id]

    def leave_out(self) -> Change:
        if self._is_live():
            candidate = self.memory.state.candidate
            assert candidate is not None
            candidate.asked = candidate.dismissed = True
            remembered.save(self.memory, changed=True)
        return Change()

    def take_in(self, *, counted: bool) -> Change:
        if not self.kind.suspects:
            raise BadReading(_("The values of this signal were not kept."))
        if self._is_live():
            change, how = self._take_level(counted=counted), LEVEL
        elif self.episode.rule == Rule.CONFLICT:
            change, how = self._swap(), LATE
        else:
            change, how = self._take_again(), LATE
        self.episode.parameters = {**self.episode.parameters, "taken": how}
        return change

    def undo(self) -> Change:
        how = self.episode.parameters.get("taken")
        change = Change()
        if self.episode.decision == RejectEpisode.Decision.ACCEPTED:
            self._doubt_again()
        elif how == REPLACED:
            raise BadReading(_("These readings entered when the meter was replaced: they cannot leave again."))
        elif how == LEVEL:
            change = self._put_level_back()
        elif self.episode.rule == Rule.CONFLICT:
            change = self._swap()
            change = replace(change, readings=-change.readings)
        else:
            change = self._take_out()
        self.episode.parameters = {name: value for name, value in self.episode.parameters.items() if name != "taken"}
        return change

    # A level that the counter has kept

    def _is_live(self) -> bool:
        candidate = self.memory.state.candidate
        first = stored.epoch(self.episode.first)
        return candidate is not None and candidate.first.time == first and candidate.rule == self.episode.rule

    def _take_level(self, *, counted: bool) -> Change:
        state = self.memory.state
        assert state.candidate is not None
        candidate, base = state.candidate, state.time
        candidate.asked = True  # a person's word is worth more than sixty readings
        cycles = self.memory.counter(self.limits).confirm(counted=counted)
        readings = moving.take_in(self.kind, self.episode.pk, self.source_id)
        remembered.store_cycles(self.memory, cycles, self.episode.pk)
        remembered.save(self.memory, changed=True)
        return self._changed(readings, candidate.first.time if base is None else base, candidate.last.time)

    def _put_level_back(self) -> Change:
        first = stored.epoch(self.episode.first)
        later = CounterCycle.objects.filter(source_id=self.source_id, since__gte=self.episode.first).exclude(episode_id=self.episode.pk)
        decided = RejectEpisode.objects.filter(
            source_id=self.source_id, first__gt=self.episode.first, decision=RejectEpisode.Decision.OVERRULED, parameters__taken=LEVEL
        )
        if later.exists() or decided.exists():
            raise BadReading(_("A later decision or replacement stands on these readings: undo that one first."))
        if not stored.at(self.kind, self.source_id, [first]):
            raise BadReading(_("The readings themselves have been thinned out since: this can no longer be undone."))
        newest = stored.newest(self.kind, self.source_id)
        assert newest is not None
        readings = moving.put_back(self.kind, self.episode.pk, self.source_id, first)
        CounterCycle.objects.filter(episode_id=self.episode.pk).delete()
        opened = moving.taken_away(self.kind, self.source_id, first, newest.time)
        self._doubt_from_suspects()
        before = self.memory.state.time
        span = (stored.instant(first if before is None else before), stored.instant(newest.time))
        return Change(-readings, span, opened)

    def _doubt_from_suspects(self) -> None:
        """The counter goes on from the newest reading that is left, and doubts this level again."""
        rows = moving.suspects_of(self.kind, self.episode.pk, self.source_id)
        newest = stored.newest(self.kind, self.source_id)
        standing = remembered.Standing(self.memory.version, None if newest is None else newest.time)
        self.memory = remembered.load(self.kind, self.source_id, standing)
        first, last = (Reading(stored.epoch(row[1]), registers(row, len(self.limits))) for row in (rows[0], rows[-1]))
        asked = len(rows) >= ENOUGH_READINGS and last.time - first.time >= ENOUGH_S
        self.memory.state.candidate = Candidate(Rule(self.episode.rule), first, last, len(rows), asked)
        self.episode.count, self.episode.last, self.episode.asks = len(rows), rows[-1][1], asked
        remembered.save(self.memory, changed=True)

    def _doubt_again(self) -> None:
        if self._is_live():
            candidate = self.memory.state.candidate
            assert candidate is not None
            candidate.dismissed = False
            candidate.asked = self.episode.asks
            remembered.save(self.memory, changed=True)

    # Single readings of the past

    def _take_again(self) -> Change:
        rows = moving.suspects_of(self.kind, self.episode.pk, self.source_id)
        return self._judged(rows, len(rows))

    def _swap(self) -> Change:
        """Another value at the same time: what is there and what is aside change places. Twice is as before."""
        rows = moving.suspects_of(self.kind, self.episode.pk, self.source_id)
        beneath = moving.stored_beneath(self.kind, self.episode.pk, self.source_id)
        if not beneath:
            raise BadReading(_("The readings themselves have been thinned out since: this can no longer be decided."))
        moving.delete(self.kind, self.source_id, [stored.epoch(row[1]) for row in beneath])
        newest = stored.newest(self.kind, self.source_id)
        standing = remembered.Standing(self.memory.version, None if newest is None else newest.time)
        self.memory = remembered.load(self.kind, self.source_id, standing)
        change = self._judged(rows, len(rows))
        moving.clear_suspects(self.kind, self.episode.pk)
        suspects.insert(self.kind, self.episode.pk, beneath)
        self.episode.count = len(beneath)
        return change

    def _judged(self, rows: list[Row], expected: int) -> Change:
        """Judge once more, on a person's word that no rise is too fast. Raises BadReading where it still cannot be."""
        trusting = self.limits if self.episode.rule == Rule.TIME else tuple(replace(one, per_hour=None) for one in self.limits)
        base = self.memory.state.time
        bench = Bench(self.memory, trusting, self.now, again=True)
        if rows:
            bench.judge(rows)
        if bench.episodes:
            raise BadReading(refusals.sentence(bench.episodes[0]))
        readings = storage.put(self.kind.name, bench.accepted)
        if not rows or len(bench.accepted) + bench.duplicates != expected:
            raise BadReading(_("The readings themselves are no longer there."))
        ends = [stored.epoch(rows[0][1]), stored.epoch(rows[-1][1])]
        low = min([ends[0], *(low for low, _high in bench.late), *([base] if base is not None and base < ends[0] else [])])
        high = max([ends[1], *(high for _low, high in bench.late)])
        bench.close()
        remembered.save(self.memory, changed=True)
        return self._changed(readings, low, high)

    def _take_out(self) -> Change:
        rows = moving.suspects_of(self.kind, self.episode.pk, self.source_id)
        readings = moving.take_out(self.kind, self.episode.pk, self.source_id)
        if not readings:
            raise BadReading(_("The readings themselves have been thinned out since: this can no longer be undone."))
        low, high = stored.epoch(rows[0][1]), stored.epoch(rows[-1][1])
        opened = moving.taken_away(self.kind, self.source_id, low, high)
        remembered.save(self.memory, changed=True)
        return Change(-readings, self._around(low, high), opened)

    def _around(self, low: int, high: int) -> tuple[datetime, datetime]:
        before = stored.run(self.kind, self.source_id, low, "<", 1)
        after = stored.run(self.kind, self.source_id, high, ">", 1)
        return stored.instant(before[0].time if before else low), stored.instant(after[0].time if after else high)

    def _changed(self, readings: int, low: int, high: int) -> Change:
        span = (stored.instant(low), stored.instant(high))
        return Change(readings, span, reopen(self.source_id, [span]))
