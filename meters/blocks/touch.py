"""Blocks back to to-do: a late, imported, overruled or removed reading changes every block between its accepted neighbours."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from energysite import timegrid
from energysite.block_states import DAY_S
from meters.blocks import outbox
from meters.blocks.house_zone import house_zone
from meters.models import DataManager
from meters.models.blocks import QUARTER_S

SECOND = timedelta(seconds=1)
LENGTHS_S = [length for length, _name in DataManager.LENGTHS_S if length]
# A local day has 25 hours at most, and an hour more where a country changes its mind.
LONGEST_DAY_S = DAY_S + 2 * 3600

# Every block that overlaps a span, locked in the order of all who lock several blocks: the shorter first, then by time.
# Also those that are to-do already: a worker may not claim and compute one before this transaction's readings are there.
LOCK_SQL = """
    SELECT id FROM meters_block WHERE id IN (
        SELECT block.id FROM unnest(%(low)s::timestamptz[], %(high)s::timestamptz[]) AS span(low, high)
        CROSS JOIN unnest(%(lengths)s::int[], %(reaches)s::interval[]) AS of(length_s, reach)
        JOIN meters_block AS block ON block.source_id = %(source)s AND block.length_s = of.length_s
        AND block.start > span.low - of.reach AND block.start < span.high AND block."end" > span.low
    ) ORDER BY length_s, start FOR UPDATE"""

# A statement of its own: its snapshot sees who claimed a block while this transaction waited for the lock.
REOPEN_SQL = """
    WITH before AS (SELECT id, state FROM meters_block WHERE id = ANY(%(ids)s)), opened AS (
        UPDATE meters_block AS block
        SET state = 'todo', busy_until = NULL, done_at = NULL, retry_after = NULL, attempts = 0, reason = NULL
        FROM before WHERE block.id = before.id AND (block.state <> 'todo' OR block.busy_until IS NOT NULL OR block.attempts <> 0)
        RETURNING block.length_s, block.start, block.local_date, before.state
    ) SELECT length_s, start, local_date FROM opened WHERE state <> 'todo'"""

# A counter that was proven by a reading in here has to be proven anew: that reading may be one that was taken away.
FORGET_SQL = """
    UPDATE meters_block AS block SET proof = NULL
    FROM unnest(%(low)s::timestamptz[], %(high)s::timestamptz[]) AS span(low, high)
    WHERE block.id = ANY(%(ids)s) AND block.proof > span.low AND block.proof < span.high"""


def span(before: datetime | None, time: datetime, after: datetime | None) -> tuple[datetime, datetime]:
    """What a reading between its accepted neighbours changes. Without a neighbour the reading itself is the edge."""
    return (time - SECOND if before is None else before), (time + SECOND if after is None else after)


def reopen(source_id: int, spans: Iterable[tuple[datetime, datetime]], *, removed: bool = False, lengths: Sequence[int] = LENGTHS_S) -> int:
    """Every block of every length (or of these) that overlaps an open interval (from, to), its days among them, is to-do again.

    In the caller's transaction, once for each source in it. Values stay until they are computed again. `removed`: readings in
    the spans were taken away, so what they proved is no longer proven. Returns how many were not to-do before.
    """
    merged = _merged(spans)
    if not merged:
        return 0
    parameters: dict[str, Any] = {
        "source": source_id,
        "low": [low for low, _high in merged],
        "high": [high for _low, high in merged],
        "lengths": list(lengths),
        "reaches": [timedelta(seconds=LONGEST_DAY_S if length == DAY_S else length) for length in lengths],
    }
    with connection.cursor() as cursor:
        cursor.execute(LOCK_SQL, parameters)
        parameters["ids"] = [block for (block,) in cursor.fetchall()]
        if not parameters["ids"]:
            return 0
        if removed:
            cursor.execute(FORGET_SQL, parameters)
        cursor.execute(REOPEN_SQL, parameters)
        opened = cursor.fetchall()
    outbox.mark(source_id, _days(opened))
    return len(opened)


def _merged(spans: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """In order, without overlap: an import of ten thousand late readings is one span."""
    merged: list[tuple[datetime, datetime]] = []
    for low, high in sorted((low, high) if low < high else (low - SECOND, low + SECOND) for low, high in spans):
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


def _days(opened: Iterable[tuple[int, datetime, date | None]]) -> set[date]:
    zone = house_zone()
    return {
        day if day is not None else timegrid.local_day(start, zone)
        for length, start, day in opened
        if length == QUARTER_S or (length == DAY_S and day is not None)
    }
