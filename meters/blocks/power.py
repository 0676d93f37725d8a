"""Power and coverage of a block, in SQL: the same as `energysite.blocks.condense`, read once.

Looking at the time between readings costs twice as much a row as a plain aggregate. A block in which every second has its reading
needs none of it; one that lacks a few needs it for the minutes that lack one; any other for all its readings. The cadence is learned
where the block lies.
"""

from meters.blocks.columns import listed, places, rounded, seconds
from meters.kinds import Kind

INTERVALS = 20
LONGEST_CADENCE = "interval '3600 s'"
GAP = 3  # cadences
MINUTE = "interval '60 s'"

# Readings have whole seconds and distinct times, so as many as the block has seconds are one a second; the one before the first of
# them may not lie further back than a gap.
COMPLETE = "coalesce(whole.n = %(length)s AND s.before >= c.start - interval '2 s', false)"
MENDED = f"coalesce(NOT {COMPLETE} AND whole.n * 10 > %(length)s * 9 AND k.s = 1, false)"


def joins(kind: Kind, *, set_cadence: bool) -> str:
    """What `columns` reads: whole, k, mend, part, for the block c between its edges s and e (of `edges.near`)."""
    if not kind.channels:  # there is nothing that a plain aggregate could save
        return f"{_cadence(kind, 'false', set_cadence)} {_spans(kind, 'false')}"
    return f"{_every_second(kind)} {_cadence(kind, COMPLETE, set_cadence)} {_mend(kind)} {_spans(kind, f'{COMPLETE} OR {MENDED}')}"


def columns(kind: Kind) -> list[str]:
    """min, mean, max of each channel, covered_s, recovered."""
    if not kind.channels:
        return ["part.covered_s", "part.gap AS recovered"]
    found = []
    for i, _channel in places(kind.channels):
        total = f"whole.total{i} + CASE WHEN {COMPLETE} THEN 0 ELSE mend.total{i} END"
        known = f"whole.known{i} + CASE WHEN {COMPLETE} THEN 0 ELSE mend.known{i} END"
        found += [
            f"CASE WHEN {COMPLETE} OR ({MENDED} AND NOT mend.gap) THEN whole.lo{i} WHEN NOT part.gap THEN part.lo{i} END AS min{i}",
            f"""CASE WHEN {COMPLETE} OR {MENDED} THEN (CASE WHEN {known} > 0 THEN {rounded(total, known)} END)
                WHEN part.known{i} > 0 THEN {rounded(f"part.total{i}", f"part.known{i}")} END AS mean{i}""",
            f"CASE WHEN {COMPLETE} OR ({MENDED} AND NOT mend.gap) THEN whole.hi{i} WHEN NOT part.gap THEN part.hi{i} END AS max{i}",
        ]
    covered = f"CASE WHEN {COMPLETE} THEN %(length)s WHEN {MENDED} THEN whole.n + mend.known_s ELSE part.covered_s END AS covered_s"
    return [*found, covered, f"CASE WHEN {COMPLETE} THEN false WHEN {MENDED} THEN mend.gap ELSE part.gap END AS recovered"]


def _every_second(kind: Kind) -> str:
    """whole: n and, of each channel, lo, hi, total, known. Only tried at a cadence of 1 s, with a reading at the very end."""
    found = listed(f"min({c}) AS lo{i}, max({c}) AS hi{i}, sum({c}) AS total{i}, count({c}) AS known{i}" for i, c in places(kind.channels))
    return f"""LEFT JOIN LATERAL (
            SELECT count(*) AS n, {found} FROM {kind.table}
            WHERE source_id = %(source)s AND time > c.start AND time <= c."end"
            AND %(every_second)s AND s.before IS NOT NULL AND e.before = c."end"
        ) AS whole ON true"""  # noqa: S608


def _cadence(kind: Kind, unless: str, set_cadence: bool) -> str:
    """k: the interval of the source at the end of the block, and its seconds s."""
    rows = f"SELECT time FROM {kind.table} WHERE source_id = %(source)s"  # noqa: S608
    learned = "SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY d) FROM (SELECT time - lag(time) OVER (ORDER BY time) AS d FROM"
    local = f"""least(coalesce(
            ({learned} ({rows} AND time <= c."end" ORDER BY time DESC LIMIT {INTERVALS + 1}) AS near) AS intervals),
            ({learned} ({rows} AND time >= coalesce(e.before, '-infinity') ORDER BY time LIMIT {INTERVALS + 1}) AS near) AS intervals),
            {LONGEST_CADENCE}), {LONGEST_CADENCE})"""
    cadence = "%(cadence)s" if set_cadence else local
    return f"""LEFT JOIN LATERAL (
            SELECT cadence, {seconds("cadence")} AS s
            FROM (SELECT CASE WHEN {unless} THEN NULL ELSE {cadence} END AS cadence OFFSET 0) AS one OFFSET 0
        ) AS k ON true"""  # noqa: S608


def _weight() -> str:
    """The seconds of the block that a reading speaks for; after a gap no more than its own cadence."""
    alone = f"CASE WHEN time - earlier > {GAP} * k.cadence THEN time - k.cadence END"
    low, high = f"greatest(earlier, c.start, {alone})", 'least(time, c."end")'
    return seconds(f"greatest({high} - {low}, interval '0')")


def _extra(kind: Kind) -> list[str]:
    """Sums of what readings weigh beyond one cadence each."""
    return [
        f"coalesce(sum({c} * extra), 0)::bigint AS total{i}, coalesce(sum(extra) FILTER (WHERE {c} IS NOT NULL), 0)::bigint AS known{i}"
        for i, c in places(kind.channels)
    ]


def _mend(kind: Kind) -> str:
    """mend: what the readings after a missing one weigh beyond their second; only minutes that lack one are looked at."""
    rows = f"FROM {kind.table} WHERE source_id = %(source)s"
    names = listed(("time", *kind.channels))
    return f"""LEFT JOIN LATERAL (
            SELECT {listed(_extra(kind))}, coalesce(sum(extra), 0)::int AS known_s,
                coalesce(bool_or(time - earlier > {GAP} * k.cadence), false) AS gap
            FROM (
                SELECT pairs.*, {_weight()} - 1 AS extra
                FROM generate_series(c.start, c."end" - {MINUTE}, {MINUTE}) AS minute
                CROSS JOIN LATERAL (SELECT count(*) AS n {rows} AND time >= minute AND time <= minute + {MINUTE}) AS seen
                CROSS JOIN LATERAL (
                    SELECT {names}, lag(time) OVER (ORDER BY time) AS earlier {rows} AND seen.n <> 61 AND time <= minute + {MINUTE}
                    AND time >= (SELECT time {rows} AND time <= minute ORDER BY time DESC LIMIT 1)
                ) AS pairs
                WHERE {MENDED} AND earlier IS NOT NULL AND time > minute AND time - earlier <> k.cadence OFFSET 0
            ) AS weighed
        ) AS mend ON true"""  # noqa: S608


def _spans(kind: Kind, unless: str) -> str:
    """part: covered_s, gap and, of each channel, lo, hi, total (W s), known (s), from every reading and the time since the one before.

    Most readings lie one cadence after the other, inside the block: `extra` is by how many seconds the others differ, NULL for
    those, so that whole seconds are worked out for few. `unless`: not for these blocks.
    """
    names = listed(("time", *kind.channels))
    inside = 'FILTER (WHERE time <= c."end")'
    found = [
        f"min({c}) {inside} AS lo{i}, max({c}) {inside} AS hi{i},"
        f" (sum({c}) * k.s + coalesce(sum({c} * extra), 0))::bigint AS total{i},"
        f" (count({c}) * k.s + coalesce(sum(extra) FILTER (WHERE {c} IS NOT NULL), 0))::bigint AS known{i}"
        for i, c in places(kind.channels)
    ]
    covered = "(count(*) * k.s + coalesce(sum(extra), 0))::int AS covered_s"
    gap = f"coalesce(bool_or(time - earlier > {GAP} * k.cadence) FILTER (WHERE extra IS NOT NULL), false) AS gap"
    return f"""LEFT JOIN LATERAL (
            SELECT {listed((covered, gap, *found))} FROM (
                SELECT {names}, earlier, CASE WHEN time - earlier = k.cadence AND earlier >= c.start AND time <= c."end" THEN NULL
                    ELSE {_weight()} - k.s END AS extra
                FROM (
                    SELECT {names}, lag(time) OVER (ORDER BY time) AS earlier FROM {kind.table}
                    WHERE source_id = %(source)s AND time >= coalesce(s.before, c.start) AND time <= e.proof AND NOT ({unless})
                ) AS pairs WHERE earlier IS NOT NULL OFFSET 0
            ) AS weighed
        ) AS part ON true"""  # noqa: S608
