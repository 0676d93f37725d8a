"""Who works on which blocks: claimed until a time, freed, put off when they cannot be computed. Each is one conditional UPDATE."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from energysite.block_states import DAY_S, FIRST_WAIT, LONGEST_WAIT, grace
from meters.blocks.work import Work

# A chunk takes a second or two; a worker that was killed keeps the others from its blocks for this long at most.
CLAIM = timedelta(minutes=10)

READY_FROM_READINGS = """(%(retired)s OR "end" <= %(proven_to)s)"""
# Summed from quarters: those there are have a value, and the last one reaches its end.
READY_FROM_QUARTERS = """(
    NOT EXISTS (SELECT FROM meters_block AS part WHERE part.source_id = %(source)s AND part.length_s = 900
        AND part.start >= whole.start AND part.start < whole."end" AND part.state <> 'closed' AND part.state <> 'done')
    AND EXISTS (SELECT FROM meters_block AS part WHERE part.source_id = %(source)s AND part.length_s = 900
        AND part.start >= CASE WHEN %(retired)s THEN whole.start ELSE whole."end" - interval '900 s' END AND part.start < whole."end"))"""

DUE = """source_id = %(source)s AND length_s = %(length)s AND state <> 'closed' AND start >= %(since)s AND "end" <= %(until)s
    AND (busy_until IS NULL OR busy_until <= %(now)s)
    AND CASE state WHEN 'done' THEN done_at IS NULL OR done_at <= %(settled)s
        WHEN 'faulty' THEN retry_after IS NULL OR retry_after <= %(now)s ELSE true END
    AND CASE WHEN state = 'todo' THEN {ready} ELSE true END"""

# MATERIALIZED: read once, whatever the plan, so never more than `most` are claimed.
CLAIM_SQL = """
    WITH free AS MATERIALIZED (
        SELECT id FROM meters_block AS whole WHERE {due} ORDER BY start LIMIT %(most)s FOR UPDATE SKIP LOCKED
    ) UPDATE meters_block SET busy_until = %(claim)s WHERE id IN (SELECT id FROM free) RETURNING id, start, "end" """

FREE_SQL = "UPDATE meters_block SET busy_until = NULL WHERE id = ANY(%(ids)s) AND busy_until = %(claim)s"

PUT_OFF_SQL = """
    UPDATE meters_block SET state = 'faulty', reason = %(reason)s::jsonb, busy_until = NULL, attempts = least(attempts + 1, 1000),
        retry_after = %(now)s + least(%(first)s * power(2, least(attempts, 20)), %(longest)s)
    WHERE id = %(id)s AND busy_until = %(claim)s AND state <> 'closed' RETURNING id"""


Claimed = list[tuple[int, datetime, datetime]]


def _due(work: Work) -> str:
    return DUE.format(ready=READY_FROM_QUARTERS if work.summed else READY_FROM_READINGS)


def _parameters(work: Work, now: datetime) -> dict[str, Any]:
    return {**work.parameters, "now": now, "settled": now - grace(work.length_s)}


def claim(work: Work, now: datetime, most: int) -> tuple[datetime, Claimed]:
    """Until when, and (id, start, end) of the oldest `most` due blocks, in order. They are nobody else's until then."""
    until = now + CLAIM
    with connection.cursor() as cursor:
        cursor.execute(CLAIM_SQL.format(due=_due(work)), {**_parameters(work, now), "claim": until, "most": most})
        return until, sorted(cursor.fetchall(), key=lambda row: row[1])


def count_due(work: Work, now: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM meters_block AS whole WHERE {_due(work)}", _parameters(work, now))  # noqa: S608
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def free(ids: Sequence[int], until: datetime) -> None:
    """Those that are still claimed by this: nothing proves their end yet."""
    with connection.cursor() as cursor:
        cursor.execute(FREE_SQL, {"ids": list(ids), "claim": until})


def put_off(block: int, until: datetime, now: datetime, reason: str) -> bool:
    """FAULTY with its reason (JSON), to be tried again later and later: 1, 2, 4 ... minutes, 6 hours at most."""
    parameters: dict[str, Any] = {"id": block, "claim": until, "now": now, "reason": reason, "first": FIRST_WAIT, "longest": LONGEST_WAIT}
    with connection.cursor() as cursor:
        cursor.execute(PUT_OFF_SQL, parameters)
        return cursor.fetchone() is not None


def is_summed(length_s: int) -> bool:
    """Longer than a quarter: made of quarters, which are kept when readings are not."""
    return 900 < length_s <= DAY_S
