"""Power and coverage of a block, in SQL: the same as `energysite.blocks.condense`, read once.

A block in which every second has its reading is a plain aggregate. Any other looks at the time between readings, which costs twice
as much a row; its cadence is learned where it lies.
"""

from meters.blocks.columns import listed, places, rounded, seconds
from meters.kinds import Kind

INTERVALS = 20
LONGEST_CADENCE = "interval '3600 s'"
GAP = 3  # cadences


def every_second(kind: Kind) -> str:
    """n and, of each channel, lo, hi, total, known; NULL where the block cannot be complete. Only tried at a cadence of 1 s.

    Readings have whole seconds and distinct times, so as many as the block has seconds are one a second; the one before the first
    of them may not lie further back than a gap.
    """
    columns = listed(
        f"min({c}) AS lo{i}, max({c}) AS hi{i}, sum({c}) AS total{i}, count({c}) AS known{i}" for i, c in places(kind.channels)
    )
    return f"""LEFT JOIN LATERAL (
            SELECT count(*) AS n, {columns} FROM {kind.table}
            WHERE source_id = %(source)s AND time > c.start AND time <= c."end"
            AND %(every_second)s AND s.before >= c.start - interval '2 s' AND e.before = c."end"
        ) AS whole ON true"""  # noqa: S608


def cadence(kind: Kind, set_s: bool) -> str:
    """The interval of the source at the end of the block c, whose edge there is e."""
    if set_s:
        return "%(cadence)s"
    rows = f"SELECT time FROM {kind.table} WHERE source_id = %(source)s"  # noqa: S608
    learned = "SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY d) FROM (SELECT time - lag(time) OVER (ORDER BY time) AS d FROM"
    return f"""least(coalesce(
            ({learned} ({rows} AND time <= c."end" ORDER BY time DESC LIMIT {INTERVALS + 1}) AS near) AS intervals),
            ({learned} ({rows} AND time >= coalesce(e.before, '-infinity') ORDER BY time LIMIT {INTERVALS + 1}) AS near) AS intervals),
            {LONGEST_CADENCE}), {LONGEST_CADENCE})"""


def spans(kind: Kind, unless: str, set_s: bool) -> str:
    """covered_s, gap and, of each channel, lo, hi, total (W s), known (s): from each reading and the time since the one before.

    Most readings lie one cadence after the other, inside the block: `extra` is by how many seconds the others differ, NULL for
    those, so that whole seconds are worked out for few. `unless`: not for these blocks.
    """
    names = listed(("time", *kind.channels))
    columns = [
        f"min({c}) FILTER (WHERE time <= c.\"end\") AS lo{i}, max({c}) FILTER (WHERE time <= c.\"end\") AS hi{i},"
        f" (sum({c}) * k.s + coalesce(sum({c} * extra), 0))::bigint AS total{i},"
        f" (count({c}) * k.s + coalesce(sum(extra) FILTER (WHERE {c} IS NOT NULL), 0))::bigint AS known{i}"
        for i, c in places(kind.channels)
    ]  # fmt: skip
    covered = "(count(*) * k.s + coalesce(sum(extra), 0))::int AS covered_s"
    gap = f"coalesce(bool_or(time - earlier > {GAP} * k.cadence) FILTER (WHERE extra IS NOT NULL), false) AS gap"
    alone = f"CASE WHEN time - earlier > {GAP} * k.cadence THEN time - k.cadence END"  # speaks for no more than its own cadence
    weight = seconds(f"greatest(least(time, c.\"end\") - greatest(earlier, c.start, {alone}), interval '0')")  # fmt: skip
    return f"""LEFT JOIN LATERAL (
            SELECT cadence, {seconds("cadence")} AS s
            FROM (SELECT CASE WHEN {unless} THEN NULL ELSE {cadence(kind, set_s)} END AS cadence) AS one
        ) AS k ON true
        LEFT JOIN LATERAL (
            SELECT {listed((covered, gap, *columns))} FROM (
                SELECT {names}, earlier, CASE WHEN time - earlier = k.cadence AND earlier >= c.start AND time <= c."end" THEN NULL
                    ELSE {weight} - k.s END AS extra
                FROM (
                    SELECT {names}, lag(time) OVER (ORDER BY time) AS earlier FROM {kind.table}
                    WHERE source_id = %(source)s AND time >= coalesce(s.before, c.start) AND time <= e.proof AND NOT ({unless})
                ) AS pairs WHERE earlier IS NOT NULL OFFSET 0
            ) AS weighed
        ) AS part ON true"""  # noqa: S608


def columns(kind: Kind, whole: str) -> list[str]:
    """min, mean, max of each channel, covered_s, recovered. `whole`: which blocks `every_second` found complete."""
    found = []
    for i, _channel in places(kind.channels):
        mean = [f"CASE WHEN {side}.known{i} > 0 THEN {rounded(f'{side}.total{i}', f'{side}.known{i}')} END" for side in ("whole", "part")]
        found += [
            f"CASE WHEN {whole} THEN whole.lo{i} WHEN NOT part.gap THEN part.lo{i} END AS min{i}",
            f"CASE WHEN {whole} THEN {mean[0]} ELSE {mean[1]} END AS mean{i}",
            f"CASE WHEN {whole} THEN whole.hi{i} WHEN NOT part.gap THEN part.hi{i} END AS max{i}",
        ]
    return [
        *found,
        f"CASE WHEN {whole} THEN %(length)s ELSE part.covered_s END AS covered_s",
        f"CASE WHEN {whole} THEN false ELSE part.gap END AS recovered",
    ]
