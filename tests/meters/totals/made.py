"""A history made in SQL: irregular readings, and the blocks that they make, for decades in seconds."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from django.db import connection

from energysite import timegrid
from meters.models import Source

DAY_S = 86_400

READINGS = """
    INSERT INTO meters_electricityreading (source_id, time, import_t1_wh, import_t2_wh, export_t1_wh, power_w, flags)
    SELECT %(source)s, to_timestamp(at), 1000 + counted, counted / 3, at / 900 - %(since)s / 900, 100, 0
    FROM (SELECT at, (sum(step) OVER (ORDER BY at))::int AS counted FROM (
        SELECT %(since)s + i * %(every)s + (i * 7919) %% (%(every)s / 2) AS at, (i * 104729) %% 977 AS step
        FROM generate_series(0::bigint, (%(until)s - %(since)s) / %(every)s) AS i) AS steps) AS made"""

# R at every quarter's edge: linear between two readings, rounded down.
QUARTERS = """
    INSERT INTO meters_block (source_id, length_s, start, "end", state, attempts, recovered, covered_s, proof,
        energy1, energy2, energy3, end1, end2, end3, min1, mean1, max1)
    SELECT %(source)s, 900, to_timestamp(edge - 900), to_timestamp(edge), 'closed', 0, false, 900, to_timestamp(edge),
        r1 - lag(r1) OVER edges, r2 - lag(r2) OVER edges, r3 - lag(r3) OVER edges, r1, r2, r3, 10, 100, 1000
    FROM (SELECT edge, v1 + (w1 - v1) * (edge - t) / (u - t) AS r1, v2 + (w2 - v2) * (edge - t) / (u - t) AS r2,
            v3 + (w3 - v3) * (edge - t) / (u - t) AS r3
        FROM (SELECT extract(epoch FROM time)::bigint AS t,
                import_t1_wh::bigint AS v1, import_t2_wh::bigint AS v2, export_t1_wh::bigint AS v3,
                lead(extract(epoch FROM time)::bigint) OVER near AS u, lead(import_t1_wh) OVER near AS w1,
                lead(import_t2_wh) OVER near AS w2, lead(export_t1_wh) OVER near AS w3
            FROM meters_electricityreading WHERE source_id = %(source)s WINDOW near AS (ORDER BY time)) AS pairs
        CROSS JOIN LATERAL generate_series((t + 899) / 900 * 900, u - 1, 900) AS edge) AS points
    WINDOW edges AS (ORDER BY edge) OFFSET 1"""

DAYS = """
    INSERT INTO meters_block (source_id, length_s, start, "end", local_date, state, attempts, recovered, covered_s, proof,
        energy1, energy2, energy3, end1, end2, end3, min1, mean1, max1)
    SELECT %(source)s, 86400, low, high, day, 'closed', 0, false, part.*, 10, 100, 1000
    FROM unnest(%(days)s::date[], %(lows)s::timestamptz[], %(highs)s::timestamptz[]) AS asked(day, low, high)
    CROSS JOIN LATERAL (SELECT sum(covered_s), max(proof), sum(energy1), sum(energy2), sum(energy3), max(end1), max(end2), max(end3)
        FROM meters_block WHERE source_id = %(source)s AND length_s = 900 AND start >= low AND start < high HAVING count(*) > 0) AS part"""


def run(statement: str, **values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)  # type: ignore[arg-type]


def readings(source: Source, since: datetime, until: datetime, every_s: int) -> None:
    run(READINGS, source=source.pk, since=int(since.timestamp()), until=int(until.timestamp()), every=every_s)


def quarters(source: Source) -> None:
    """All that the readings prove, CLOSED."""
    run(QUARTERS, source=source.pk)


def days(source: Source, periods: Sequence[timegrid.Period], zone: ZoneInfo) -> None:
    bounds = [period.bounds(zone) for period in periods]
    run(
        DAYS,
        source=source.pk,
        days=[period.first for period in periods],
        lows=[low for low, _high in bounds],
        highs=[high for _low, high in bounds],
    )


def forget(source: Source, length_s: int) -> None:
    run("DELETE FROM meters_block WHERE source_id = %(source)s AND length_s = %(length)s", source=source.pk, length=length_s)


def analyze() -> None:
    run("ANALYZE meters_block; ANALYZE meters_electricityreading")


def truth(source: Source) -> dict[datetime, tuple[int, ...]]:
    """R(t) of the three registers at each edge of a quarter, by the definition, from all readings."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM time)::bigint, import_t1_wh, import_t2_wh, export_t1_wh FROM meters_electricityreading"
            " WHERE source_id = %s ORDER BY time",
            [source.pk],
        )
        rows = cursor.fetchall()
    found: dict[datetime, tuple[int, ...]] = {}
    for (t, *low), (u, *high) in pairwise(rows):
        for edge in range(-(-t // 900) * 900, u, 900):
            found[datetime.fromtimestamp(edge, UTC)] = tuple(v + (w - v) * (edge - t) // (u - t) for v, w in zip(low, high, strict=True))
    return found
