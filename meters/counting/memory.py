"""What is remembered of a source between two batches, and the lock under which it is read and changed.

The table CounterState holds what the stored readings do not say: a level in doubt, device serials. Where each register stands is
looked up among the readings, so a clean live batch writes nothing here. In this process the whole memory is kept too; it is
believed while the stored version and the newest stored reading are the ones that it knows. It is put back after the commit:
a transaction that is rolled back leaves nothing behind.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db import connection, transaction

from energysite.counters import Candidate, Counter, Limits, Rule, State
from energysite.registers import CounterCycle, Point, Reading
from meters import models
from meters.counting import stored
from meters.counting.near import Near
from meters.kinds import KINDS, Kind

LOCK_CLASS = 0x636E74  # of pg_advisory_xact_lock(class, source id)
# A register that the last so many readings lacked is noted down, before it is out of reach of the look-up at load.
NOTED_AFTER = 100


class Standing(NamedTuple):
    """What the database says of a source under the lock. `newest`: epoch second of its newest reading."""

    version: int
    newest: int | None


@dataclass(slots=True)
class Memory:
    """`state` as a Counter wants it. `group`: (rule, first) of late rejects in a row. `saved`: what CounterState holds."""

    source_id: int
    kind: Kind
    state: State
    version: int
    near: Near
    group: tuple[Rule, int] | None = None
    noted: dict[str, list[int]] = field(default_factory=dict)
    lacking: list[int] = field(default_factory=list)  # readings in a row without each register
    saved: dict[str, Any] = field(default_factory=dict)

    def counter(self, limits: Sequence[Limits]) -> Counter:
        return Counter(limits, self.near, self.state)

    def accepted(self, readings: int) -> None:
        """After a batch with so many accepted readings."""
        for register, base in enumerate(self.state.baseline):
            lacks = base is not None and self.state.time is not None and base.time < self.state.time
            self.lacking[register] = self.lacking[register] + readings if lacks else 0
            if base is not None and self.lacking[register] > NOTED_AFTER:
                self.noted[self.kind.registers[register]] = list(base)

    def to_save(self) -> dict[str, Any]:
        state = self.state
        found: dict[str, Any] = {}
        if any(value is not None for value in state.resume):
            found["resume"] = list(state.resume)
        if state.serials:
            found["serials"] = [list(pair) for pair in state.serials]
        if state.candidate is not None:
            found["candidate"] = _candidate_to_json(state.candidate)
        if self.noted:
            found["noted"] = {name: list(point) for name, point in self.noted.items()}
        return found


_kept: dict[int, Memory] = {}


def forget() -> None:
    """All memories of this process: the next batch reads them from the database."""
    _kept.clear()


def lock(kinds: Mapping[str, Iterable[int]], *, durable: bool = True) -> dict[int, Standing]:
    """Lock sources (ids by kind) until the transaction ends, and say where they stand. One round trip.

    Not `durable`: the commit will not wait for the disk. RuntimeError outside of a transaction.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("Readings are judged in a transaction.")
    by_kind = {kind: sorted(set(ids)) for kind, ids in kinds.items()}
    every = sorted({source_id for ids in by_kind.values() for source_id in ids})
    if not every:
        return {}
    # Each statement has a snapshot of its own, so what is read is what there is under the lock. Written out for each source: the
    # server plans it in half the time of a look-up for a list.
    locks = ", ".join(f"pg_advisory_xact_lock({LOCK_CLASS}, {source_id:d})" for source_id in every)
    standings = " UNION ALL ".join(_standing_sql(KINDS[kind], source_id) for kind, ids in by_kind.items() for source_id in ids)
    statements = ["" if durable else "SET LOCAL synchronous_commit TO off", f"SELECT {locks}", standings]
    with connection.cursor() as cursor:
        cursor.execute("; ".join(filter(None, statements)))
        while cursor.nextset():
            pass
        return {source_id: Standing(version, newest) for source_id, version, newest in cursor.fetchall()}


def _standing_sql(kind: Kind, source_id: int) -> str:
    return f"""
        SELECT {source_id:d}, coalesce((SELECT version FROM meters_counterstate WHERE source_id = {source_id:d}), 0),
        (SELECT extract(epoch FROM time)::bigint FROM {kind.table} WHERE source_id = {source_id:d} ORDER BY time DESC LIMIT 1)"""  # noqa: S608


def recall(kind: Kind, source_id: int, standing: Standing) -> Memory:
    """The memory of a locked source. It belongs to the caller until `keep`."""
    memory = _kept.pop(source_id, None)
    if memory is not None and memory.version == standing.version and memory.state.time == standing.newest:
        return memory
    return load(kind, source_id, standing)


def keep(memory: Memory) -> None:
    """For the next batch, once this transaction is committed."""
    memory.near.clear()
    transaction.on_commit(lambda: _kept.__setitem__(memory.source_id, memory))


def load(kind: Kind, source_id: int, standing: Standing) -> Memory:
    """From the database: the cost of a few look-ups."""
    row = models.CounterState.objects.filter(source_id=source_id).values_list("state", flat=True).first() or {}
    width = len(kind.registers)
    newest = stored.newest(kind, source_id) if standing.newest is not None else None
    state = State([None] * width, list(row.get("resume") or [None] * width))
    state.serials = [(since, serial) for since, serial in row.get("serials", [])]
    state.cycles = cycles_of(kind, source_id)
    if "candidate" in row:
        state.candidate = _candidate_from_json(row["candidate"])
    noted = dict(row.get("noted", {}))
    memory = Memory(source_id, kind, state, standing.version, Near(kind, source_id), noted=noted, lacking=[0] * width, saved=row)
    if newest is not None:
        state.time = newest.time
        _find_baseline(memory, newest)
    return memory


def _find_baseline(memory: Memory, newest: stored.Stored) -> None:
    beyond: list[stored.Stored] | None = None
    for register, value in enumerate(newest.values):
        if memory.state.resume[register] is not None:
            continue
        if value is not None:
            memory.state.baseline[register] = Point(newest.time, value)
            continue
        if beyond is None:
            beyond = stored.run(memory.kind, memory.source_id, newest.time, "<=", stored.REACH_ROWS)
        point = stored.point_in(beyond, register)
        if point is not None:
            memory.lacking[register] = NOTED_AFTER  # how long already nobody knows: noted with the next reading
        else:
            note = memory.noted.get(memory.kind.registers[register])
            point = Point(*note) if note is not None and note[0] <= newest.time else None
        memory.state.baseline[register] = point


def cycles_of(kind: Kind, source_id: int) -> list[CounterCycle]:
    """Oldest first."""
    rows = models.CounterCycle.objects.filter(source_id=source_id).order_by("since", "id").values_list("register", "since", "offset")
    return [CounterCycle(kind.registers.index(register), stored.epoch(since), offset) for register, since, offset in rows]


def save(memory: Memory, *, changed: bool = False) -> None:
    """Write what a reading in the tables does not say, where it is not written yet. `changed`: other processes must load anew."""
    found = memory.to_save()
    if found == memory.saved and not changed:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO meters_counterstate (source_id, version, state) VALUES (%s, 1, %s)"
            " ON CONFLICT (source_id) DO UPDATE SET version = meters_counterstate.version + 1, state = excluded.state RETURNING version",
            [memory.source_id, json.dumps(found)],
        )
        [memory.version] = cursor.fetchone()
    memory.saved = found


def store_cycles(memory: Memory, cycles: Iterable[CounterCycle], episode_id: int | None = None) -> None:
    models.CounterCycle.objects.bulk_create(
        models.CounterCycle(
            source_id=memory.source_id,
            register=memory.kind.registers[cycle.register],
            since=stored.instant(cycle.since),
            offset=cycle.offset,
            episode_id=episode_id,
        )
        for cycle in cycles
    )


def _candidate_to_json(candidate: Candidate) -> dict[str, Any]:
    return {
        "rule": candidate.rule.value,
        "first": [candidate.first.time, list(candidate.first.values), candidate.first.serial],
        "last": [candidate.last.time, list(candidate.last.values), candidate.last.serial],
        "count": candidate.count,
        "asked": candidate.asked,
        "dismissed": candidate.dismissed,
    }


def _candidate_from_json(kept: Mapping[str, Any]) -> Candidate:
    first, last = (Reading(time, tuple(values), serial) for time, values, serial in (kept["first"], kept["last"]))
    return Candidate(Rule(kept["rule"]), first, last, kept["count"], kept["asked"], kept["dismissed"])
