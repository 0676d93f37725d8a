"""A chunk of blocks: rows made, due blocks claimed, computed and stored in SQL, freed. Python sees counts.

Any number of workers may do so at once, and each may be killed at any moment.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import structlog
from django.db import DataError, IntegrityError, InternalError, connection, transaction

from energysite import timegrid
from energysite.block_states import DAY_S
from meters.blocks import claims, condense, days, make, outbox
from meters.blocks.edges import gone
from meters.blocks.house_zone import house_zone
from meters.blocks.work import Work, work
from meters.counting.memory import LOCK_CLASS
from meters.models import DataManager
from meters.models.blocks import QUARTER_S

log = structlog.get_logger(__name__)

# What a block's own figures can cause. Anything else (a lost connection, a full disk) is not the block's fault, and is raised.
OWN_FAULT = (DataError, IntegrityError, InternalError)
OUT_OF_RANGE = "22003"
SECOND = timedelta(seconds=1)
MANY_ROWS = 1000
# Of the tables that a statement makes for itself the planner knows no sizes: joined row by row they take a minute for a year. What
# is looked up block by block stays so, since there is no other way. Compiling takes longer than the look-ups.
PLAN = "SET LOCAL enable_nestloop = off; SET LOCAL enable_memoize = off; SET LOCAL jit = off"
PLAN_NO_MORE = "RESET enable_nestloop; RESET enable_memoize; RESET jit"


@dataclass(frozen=True, slots=True)
class Counts:
    """Blocks: `claimed`, and what became of them. Those that nothing proves yet are none of the three."""

    claimed: int = 0
    done: int = 0
    closed: int = 0
    faulty: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.claimed + other.claimed, self.done + other.done, self.closed + other.closed, self.faulty + other.faulty)

    @property
    def settled(self) -> int:
        return self.done + self.closed + self.faulty


def prepare(manager: DataManager, now: datetime) -> Work | None:
    """The rows that are missing; what a run works on. None for a source of which nothing is known."""
    found = work(manager, now)
    if found is None:
        return None
    made = days.rows(found) if found.length_s == DAY_S else make.rows(found, now, manager.keep_days)
    if made >= MANY_ROWS:
        _tell_planner()
    return found


def _tell_planner() -> None:
    """The database itself looks at a table again after a minute: until then it takes one that was just filled for an empty one,
    and its plans for ten days of minutes take 15 s instead of 2."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE meters_block")


def claimed(found: Work, now: datetime, most: int) -> tuple[Counts, datetime | None]:
    """Claim, compute, store. Also the start of the last block that was claimed."""
    until, blocks = claims.claim(found, now, most)
    if not blocks:
        return Counts(), None
    _wait_for_writers(found)
    counts = _stored(found, blocks, until, now)
    if counts.settled < len(blocks):
        claims.free([pk for pk, _start, _end in blocks], until)
    return Counts(len(blocks)) + counts, blocks[-1][1]


def _wait_for_writers(found: Work) -> None:
    """Whoever is storing readings of this source at this moment may not have seen a row made just now, and would not reopen it."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s, %s)", [LOCK_CLASS, found.source])


def _stored(found: Work, blocks: claims.Claimed, until: datetime, now: datetime) -> Counts:
    """All in one statement; where that fails, each half, down to the one that cannot be computed."""
    try:
        with transaction.atomic():
            return _compute(found, blocks, until, now)
    except OWN_FAULT as error:
        if len(blocks) > 1:
            half = len(blocks) // 2
            return _stored(found, blocks[:half], until, now) + _stored(found, blocks[half:], until, now)
        log.error("a block cannot be computed", source=found.source, length_s=found.length_s, start=str(blocks[0][1]), why=str(error))
        return Counts(faulty=int(claims.put_off(blocks[0][0], until, now, json.dumps(_reason(error)))))


def _reason(error: Exception) -> dict[str, str]:
    state = getattr(error.__cause__, "sqlstate", None) or ""
    if state == OUT_OF_RANGE:
        return {"code": "out_of_range"}
    return {"code": "database", "sqlstate": state, "said": str(error).splitlines()[0][:200] if str(error) else ""}


def _compute(found: Work, blocks: claims.Claimed, until: datetime, now: datetime) -> Counts:
    low, high = blocks[0][1], max(end for _pk, _start, end in blocks)
    parameters = {**found.parameters, "ids": [pk for pk, _start, _end in blocks], "claim": until, "now": now}
    with connection.cursor() as cursor:
        if found.summed:
            sql = days.statement(found.kind.name)
        else:
            parameters["every_second"] = bool(found.kind.channels) and _every_second(found, high)
            sql = condense.statement(
                found.kind.name,
                cycles=found.cycles,
                kept=_readings_are_gone(found, low, high),
                set_cadence=found.cadence_s is not None,
                quarter=found.length_s == QUARTER_S,
            )
        cursor.execute(PLAN)
        cursor.execute(sql, parameters)
        done, closed, changed = cursor.fetchone() or (0, 0, None)
        cursor.execute(PLAN_NO_MORE)
    if changed and found.length_s in (QUARTER_S, DAY_S):
        if found.length_s == QUARTER_S:
            days.reopen_holding(found.source, changed)
        outbox.mark(found.source, _dates(changed))
    return Counts(0, done, closed)


def _dates(starts: Sequence[datetime]) -> set[date]:
    zone = house_zone()
    return {timegrid.local_day(start, zone) for start in starts}


def _every_second(found: Work, at: datetime) -> bool:
    """Whether complete blocks of one reading a second are worth looking for: the last ten intervals say so."""
    sql = f"SELECT time FROM {found.kind.table} WHERE source_id = %s AND time <= %s ORDER BY time DESC LIMIT 11"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [found.source, at])
        times = [time for (time,) in cursor.fetchall()]
    return len(times) > 1 and times[0] - times[-1] < 2 * (len(times) - 1) * SECOND


def _readings_are_gone(found: Work, low: datetime, high: datetime) -> bool:
    """Whether stored end counters have to stand in for readings that were thinned out, between the readings around these blocks."""
    if found.horizon is None or low >= found.horizon:
        return False
    table = found.kind.table
    sql = f"""
        SELECT EXISTS (SELECT FROM meters_block AS block WHERE source_id = %(source)s AND length_s = %(length)s
            AND start >= coalesce((SELECT time FROM {table} WHERE source_id = %(source)s AND time <= %(low)s
                ORDER BY time DESC LIMIT 1), '-infinity') - %(step)s
            AND "end" <= coalesce((SELECT time FROM {table} WHERE source_id = %(source)s AND time >= %(high)s
                ORDER BY time LIMIT 1), 'infinity') AND {gone(found.kind, "block")})"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, {**found.parameters, "low": low, "high": high})
        return bool((cursor.fetchone() or (False,))[0])
