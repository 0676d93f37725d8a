"""Blocks longer than a quarter: half hours, hours and local days, summed from quarters, which stay when readings are gone."""

from datetime import datetime, timedelta
from functools import cache

from django.db import connection, transaction

from energysite import timegrid
from meters.blocks import outbox
from meters.blocks.columns import energies, listed, places, rounded
from meters.blocks.house_zone import house_zone
from meters.blocks.make import ends
from meters.blocks.store import CLAIMED, store
from meters.blocks.work import Work
from meters.kinds import KINDS, Kind
from meters.models import DataManager
from meters.models.blocks import DAY_S, QUARTER_S

INSERT_SQL = """
    INSERT INTO meters_block (source_id, length_s, start, "end", local_date, state, attempts, recovered)
    SELECT %s, 86400, start, "end", day, 'todo', 0, false
    FROM unnest(%s::timestamptz[], %s::timestamptz[], %s::date[]) AS d(start, "end", day)
    ON CONFLICT DO NOTHING"""

# Longer blocks that hold a quarter whose value has changed; locked in the order of all who lock several blocks. An array and a
# lateral look-up: as a join the planner would compare every block there is with every quarter.
HOLDING_SQL = """
    SELECT block.id FROM meters_block AS block WHERE block.id = ANY(ARRAY(
        SELECT whole.id FROM unnest(%(starts)s::timestamptz[]) AS quarter(start)
        CROSS JOIN (VALUES (1800, interval '1800 s'), (3600, interval '3600 s'), (86400, interval '26 hours')) AS of(length_s, reach)
        CROSS JOIN LATERAL (
            SELECT id, "end" FROM meters_block WHERE source_id = %(source)s AND length_s = of.length_s
            AND start > quarter.start - of.reach AND start <= quarter.start OFFSET 0
        ) AS whole WHERE whole."end" > quarter.start
    )) ORDER BY block.length_s, block.start FOR UPDATE"""
REOPEN_SQL = """
    UPDATE meters_block SET state = 'todo', busy_until = NULL, done_at = NULL, retry_after = NULL, attempts = 0, reason = NULL
    WHERE id = ANY(%s) AND (state <> 'todo' OR busy_until IS NOT NULL OR attempts <> 0)"""


@cache
def statement(name: str) -> str:
    """As `condense.statement`, from quarters: `energysite.blocks.summed`. Nothing is stored while one of them is to be done."""
    kind = KINDS[name]
    return f"WITH {CLAIMED}, computed AS MATERIALIZED ({_computed(kind)}), {store(kind)}"


def _computed(kind: Kind) -> str:
    sums, columns = [], ["c.id"]
    for i, _register in places(kind.registers):
        sums.append(f"sum(energy{i})::bigint AS energy{i}")
        columns += [f"sums.energy{i}", f"latest.end{i}"]
    for i, _channel in places(kind.channels):
        known = f"mean{i} IS NOT NULL AND covered_s > 0"
        sums += [
            f"min(min{i}) AS min{i}, max(max{i}) AS max{i}",
            f"sum(mean{i}::bigint * covered_s) FILTER (WHERE {known})::bigint AS total{i}",
            f"sum(covered_s) FILTER (WHERE {known}) AS known{i}",
        ]
        columns.append(f"sums.min{i}, {rounded(f'sums.total{i}', f'sums.known{i}')} AS mean{i}, sums.max{i}")
    sums += ["sum(covered_s) AS covered_s", "bool_or(recovered) AS recovered", 'max("end") AS until']
    columns += ["sums.covered_s", "sums.recovered", "NULL::int AS meter_w", "latest.proof"]
    parts = f"FROM meters_block WHERE source_id = %(source)s AND length_s = {QUARTER_S}"
    return f"""
        SELECT {listed(columns)} FROM claimed AS c
        CROSS JOIN LATERAL (
            SELECT {listed(sums)}, bool_and(state = 'done' OR state = 'closed') AS complete {parts} AND start >= c.start AND start < c."end"
        ) AS sums
        CROSS JOIN LATERAL (SELECT {listed((*_ends(kind), "proof"))} {parts} AND start = sums.until - interval '900 s') AS latest
        WHERE sums.complete AND (sums.until = c."end" OR %(retired)s)"""  # noqa: S608


def _ends(kind: Kind) -> list[str]:
    return [name for name in energies(kind) if name.startswith("end")]


def rows(work: Work) -> int:
    """A row for every local day from the first quarter to the last; none for a day that the calendar left out."""
    first, last = ends(work.source, QUARTER_S)
    if first is None or last is None:
        return 0
    zone = house_zone()
    oldest, newest = (None if at is None else timegrid.local_day(at, zone) for at in ends(work.source, DAY_S))
    day, until = timegrid.local_day(max(first, work.since), zone), timegrid.local_day(min(last, work.until), zone)
    missing = []
    while day <= until:
        if oldest is not None and newest is not None and oldest <= day <= newest:
            day = newest  # contiguous in between
        else:
            start, end = timegrid.day_bounds(day, zone)
            if start < end:
                missing.append((start, end, day))
        day += timegrid.DAY
    if not missing:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(INSERT_SQL, [work.source, *(list(column) for column in zip(*missing, strict=True))])
        return int(cursor.rowcount)


def reopen_holding(source_id: int, starts: list[datetime]) -> None:
    """What is summed from these quarters is to be summed again: in the transaction that changed them."""
    with connection.cursor() as cursor:
        cursor.execute(HOLDING_SQL, {"source": source_id, "starts": starts})
        if ids := [block for (block,) in cursor.fetchall()]:
            cursor.execute(REOPEN_SQL, [ids])


def rebuild(now: datetime) -> int:
    """After House.zone has changed: days that are no days of the new zone go, the others are made and summed from their quarters.

    Returns how many went. A second call finds nothing to do.
    """
    from meters.blocks.process import drain

    zone = house_zone()
    gone = 0
    for manager in DataManager.objects.filter(length_s=DAY_S).exclude(algorithm="archive").select_related("source").order_by("source_id"):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                'SELECT id, start, "end", local_date FROM meters_block WHERE source_id = %s AND length_s = %s ORDER BY start FOR UPDATE',
                [manager.source_id, DAY_S],
            )
            wrong = [(pk, day) for pk, start, end, day in cursor.fetchall() if (start, end) != timegrid.day_bounds(day, zone)]
            cursor.execute("DELETE FROM meters_block WHERE id = ANY(%s)", [[pk for pk, _day in wrong]])
            outbox.mark(manager.source_id, (day + timedelta(days=by) for _pk, day in wrong for by in (-1, 0, 1)))
        gone += len(wrong)
    drain(DataManager.objects.filter(length_s=DAY_S, enabled=True).exclude(algorithm="archive").select_related("source"), now)
    return gone
