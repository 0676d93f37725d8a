"""Where the registers of a source stood at an instant: look-ups on the key, in one statement for any number of instants.

A boundary value R(t) is the reading at t, else linear between its two neighbours, rounded down to the unit; all of it in
continuous values, which go on across a new device. A quarter that is DONE or CLOSED has kept R of its end, also when the readings
around it are long gone.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection

from energysite.timegrid import QUARTER_S
from meters.kinds import KINDS, Kind
from meters.models import Source

# A register that its row lacks is looked for in this many more rows, never in the whole history.
REACH_ROWS = 300
DAWN = datetime(1970, 1, 1, tzinfo=UTC)  # before any reading
MICROSECOND = timedelta(microseconds=1)
BEFORE, AFTER, ENDED, BEGUN = range(4)

Row = tuple[Any, ...]  # time, then each register as the device showed it


class Cycle(NamedTuple):
    register: str
    since: datetime
    offset: int


class Corrected(NamedTuple):
    """A person's word on a quarter: `delta` (Wh, l) is added to every total that holds its begin."""

    register: str
    start: datetime
    delta: int


@dataclass(slots=True)
class Boundary:
    """The readings around an instant: `before` has those at or before it, newest first, `after` those later, oldest first.

    `ended`, `begun`: the continuous counters of the quarters that end and begin there and are DONE or CLOSED. `corrections`:
    those of the source in the range that was asked for.
    """

    at: datetime
    kind: Kind
    before: list[Row] = field(default_factory=list)
    after: list[Row] = field(default_factory=list)
    ended: Row = ()
    begun: Row = ()
    cycles: Sequence[Cycle] = ()
    corrections: Sequence[Corrected] = ()

    def value(self, register: int) -> int | None:
        """R(at) of the register with this place in its kind; Wh or l, continuous."""
        for counters in (self.ended, self.begun):
            if counters and counters[register] is not None:
                return int(counters[register])
        before, after = self.point_before(register), self.point_after(register)
        if before is None:
            return None
        if before[0] == self.at:
            return before[1]
        return None if after is None else interpolate(before, after, self.at)

    def point_before(self, register: int) -> tuple[datetime, int] | None:
        return self._first_with(self.before, register)

    def point_after(self, register: int) -> tuple[datetime, int] | None:
        return self._first_with(self.after, register)

    def offset(self, register: int, time: datetime) -> int:
        """What is added to the register as it was shown at a time."""
        name = self.kind.registers[register]
        return next((cycle.offset for cycle in reversed(self.cycles) if cycle.register == name and cycle.since <= time), 0)

    def _first_with(self, rows: Iterable[Row], register: int) -> tuple[datetime, int] | None:
        found = next(((row[0], row[1 + register]) for row in rows if row[1 + register] is not None), None)
        return None if found is None else (found[0], found[1] + (self.offset(register, found[0]) if self.cycles else 0))


def interpolate(before: tuple[datetime, int], after: tuple[datetime, int], at: datetime) -> int:
    """The counter at an instant between two readings (time, value), rounded down. Exact: whole microseconds and units."""
    (earlier, low), (later, high) = before, after
    return low + (high - low) * ((at - earlier) // MICROSECOND) // ((later - earlier) // MICROSECOND)


def boundaries(
    wanted: Sequence[tuple[Source, datetime]], *, blocks: bool = True, corrected: tuple[datetime, datetime] | None = None
) -> list[Boundary]:
    """The surroundings of each instant of a source, in the order asked.

    `blocks`: False to hear the readings alone. `corrected`: the range whose corrections are wanted too.
    """
    found = _look(wanted, 1, blocks, corrected)
    by_source: dict[int, list[int]] = {}
    for i, one in enumerate(found):
        if any(None in row for row in (*one.before, *one.after)):
            by_source.setdefault(wanted[i][0].pk, []).append(i)
    # A register that is missing is looked for further off at two instants; where it shows at neither, the device has none.
    edges = _look_again(found, [i for places in by_source.values() for i in {places[0], places[-1]}], wanted, blocks, corrected)
    having = {wanted[i][0].pk for i in edges if _registers_in(found[i]) > edges[i]}
    inner = [i for source, places in by_source.items() if source in having for i in places[1:-1]]
    _look_again(found, inner, wanted, blocks, corrected)
    return found


def _look_again(
    found: list[Boundary],
    places: Sequence[int],
    wanted: Sequence[tuple[Source, datetime]],
    blocks: bool,
    corrected: tuple[datetime, datetime] | None,
) -> dict[int, int]:
    """Further rows around these; how many registers each had before."""
    had = {i: _registers_in(found[i]) for i in places}
    for i, one in zip(places, _look([wanted[i] for i in places], REACH_ROWS, blocks, corrected), strict=True):
        found[i] = one
    return had


def _registers_in(boundary: Boundary) -> int:
    """The registers that are to be seen on each side, both counted."""
    sides = (boundary.point_before, boundary.point_after)
    return sum(side(i) is not None for side in sides for i in range(len(boundary.kind.registers)))


WIDEST = max(len(kind.registers) for kind in KINDS.values())
# Where a quarter's registers stood when it ended, and when it began.
QUARTER_SQL = (
    (ENDED, f"interval '{QUARTER_S} s'", ", ".join(f"end{i + 1}" for i in range(WIDEST))),
    (BEGUN, "interval '0 s'", ", ".join(f"end{i + 1} - energy{i + 1}" for i in range(WIDEST))),
)


def _parts(kinds: Sequence[str], blocks: bool) -> Iterable[str]:
    for place, name in enumerate(kinds):
        kind = KINDS[name]
        columns = ", ".join((*(f"{register}::bigint" for register in kind.registers), *["NULL::bigint"] * (WIDEST - len(kind.registers))))
        for side, comparison, order in ((BEFORE, "<=", "DESC"), (AFTER, ">", "ASC")):
            yield (
                f"(SELECT {side} AS side, time, {columns} FROM {kind.table} WHERE asked.kind = {place} AND source_id = asked.source_id"  # noqa: S608
                f" AND time {comparison} asked.at ORDER BY time {order} LIMIT %(rows)s)"
            )
    for side, earlier, columns in QUARTER_SQL if blocks else ():
        yield (
            f"(SELECT {side}, start, {columns} FROM meters_block WHERE source_id = asked.source_id AND length_s = {QUARTER_S}"  # noqa: S608
            f" AND start = asked.at - {earlier} AND state IN ('done', 'closed'))"
        )


# Hardly any source has ever had one of these: they come with the look-up, worth no statement of their own.
BESIDES = """
    (SELECT array_agg(ARRAY[source_id::text, register, extract(epoch FROM since)::bigint::text, "offset"::text] ORDER BY since)
        FROM meters_countercycle WHERE source_id = ANY(%(sources)s::smallint[])),
    (SELECT array_agg(ARRAY[source_id::text, register, extract(epoch FROM start)::bigint::text, delta::text])
        FROM meters_correction WHERE source_id = ANY(%(sources)s::smallint[]) AND undone IS NULL
        AND start >= %(from)s::timestamptz AND start < %(until)s::timestamptz)"""


@functools.cache
def _near_sql(kinds: tuple[str, ...], blocks: bool) -> str:
    """One look-up on the key for each side of each instant; an instant with nothing around it has a row of its own too."""
    return f"""
        SELECT asked.i, {BESIDES}, near.* FROM unnest(%(sources)s::smallint[], %(times)s::timestamptz[], %(kinds)s::smallint[])
        WITH ORDINALITY AS asked(source_id, at, kind, i) LEFT JOIN LATERAL ({" UNION ALL ".join(_parts(kinds, blocks))}) AS near
        ON true"""  # noqa: S608


def _look(
    wanted: Sequence[tuple[Source, datetime]], rows: int, blocks: bool, corrected: tuple[datetime, datetime] | None
) -> list[Boundary]:
    found = [Boundary(at, KINDS[source.kind]) for source, at in wanted]
    kinds = sorted({one.kind.name for one in found if one.kind.registers})
    if not kinds:
        return found
    since, until = corrected or (DAWN, DAWN)
    asked: dict[str, Any] = {
        "sources": [source.pk for source, _at in wanted],
        "times": [at for _source, at in wanted],
        "kinds": [kinds.index(one.kind.name) if one.kind.registers else -1 for one in found],
        "rows": rows,
        "from": since,
        "until": until,
    }
    with connection.cursor() as cursor:
        cursor.execute(_near_sql(tuple(kinds), blocks), asked)
        answer = cursor.fetchall()
    cycles, corrections = ({source: list(rows) for source, rows in _by_source(answer[0][i])} for i in (1, 2))
    for (source, _at), boundary in zip(wanted, found, strict=True):
        boundary.cycles = [Cycle(*row) for row in cycles.get(source.pk, ())]
        boundary.corrections = [Corrected(*row) for row in corrections.get(source.pk, ())]
    for i, _cycles, _corrections, side, *row in answer:
        _take(found[i - 1], side, tuple(row))
    for boundary in found:
        boundary.before.sort(key=lambda row: row[0], reverse=True)
        boundary.after.sort(key=lambda row: row[0])
    return found


def _take(boundary: Boundary, side: int | None, row: Row) -> None:
    near = row[: 1 + len(boundary.kind.registers)]
    if side == ENDED:
        boundary.ended = near[1:]
    elif side == BEGUN:
        boundary.begun = near[1:]
    elif side is not None:
        (boundary.before if side == BEFORE else boundary.after).append(near)


def _by_source(rows: Sequence[Sequence[str]] | None) -> Iterable[tuple[int, Iterable[tuple[str, datetime, int]]]]:
    """(source, [(register, instant, number), ...]) of what `BESIDES` gives, in its order."""
    by_source: dict[int, list[tuple[str, datetime, int]]] = {}
    for source, register, epoch, number in rows or ():
        by_source.setdefault(int(source), []).append((register, datetime.fromtimestamp(int(epoch), UTC), int(number)))
    return by_source.items()


def registers_at(source: Source, at: datetime) -> dict[str, int | None]:
    """R(at) of each of the source's registers."""
    [boundary] = boundaries([(source, at)])
    return {name: boundary.value(i) for i, name in enumerate(boundary.kind.registers)}
