"""Counters at the edges of blocks, in SQL: R(t) of every register, and the reading that proves it.

A common table expression `near`: (at, before, proof, r1 .. rn). `before`: the newest reading at or before the edge; `proof`: the
first at or after it; r: continuous values. One look-up on the key for an edge that has a reading, two for one that has none; more
only where a register is missing from the reading that was found.
"""

from meters.blocks.columns import floored, listed, places, seconds
from meters.kinds import Kind

# A register that the nearest reading lacks is looked for in this many more, never in the whole history.
REACH_ROWS = 300
PROOF = "CASE WHEN before = at THEN at WHEN after IS NOT NULL THEN after WHEN %(retired)s THEN before END AS proof"


def near(kind: Kind, *, cycles: bool, kept: bool) -> str:
    """`cycles`: the source has counter cycles. `kept`: stored end counters stand in for readings that are gone."""
    points = _kept_points(kind, cycles) if kept else _points(kind, cycles)
    columns = listed(("at", "before", PROOF, *(f"{_value(i)} AS r{i}" for i, _register in places(kind.registers))))
    return f"""
        edges AS (SELECT start AS at FROM claimed UNION SELECT "end" FROM claimed),
        points AS MATERIALIZED ({points}),
        near AS MATERIALIZED (
            SELECT {columns} FROM points
        )"""  # noqa: S608


def _offset(register: str, time: str, cycles: bool) -> str:
    if not cycles:
        return ""
    return f""" + coalesce((SELECT cycle."offset" FROM meters_countercycle AS cycle WHERE cycle.source_id = %(source)s
        AND cycle.register = '{register}' AND cycle.since <= {time} ORDER BY cycle.since DESC LIMIT 1), 0)"""  # noqa: S608


def _readings(kind: Kind) -> str:
    """Of an edge: b at or before it, a after it (where b is not at it)."""
    names = listed(("time", *kind.registers))
    rows = f"SELECT {names} FROM {kind.table} WHERE source_id = %(source)s"  # noqa: S608
    return f"""
        LEFT JOIN LATERAL ({rows} AND time <= e.at ORDER BY time DESC LIMIT 1) AS b ON true
        LEFT JOIN LATERAL ({rows} AND time > e.at AND b.time IS DISTINCT FROM e.at ORDER BY time LIMIT 1) AS a ON true"""


def _points(kind: Kind, cycles: bool) -> str:
    """t, v: the point of a register at or before the edge; u, w: the one after it."""
    columns, joins = [], []
    for i, name in places(kind.registers):
        rows = f"SELECT time, {name} FROM {kind.table} WHERE source_id = %(source)s"  # noqa: S608
        joins.append(f"""
            LEFT JOIN LATERAL (SELECT * FROM (
                {rows} AND time < b.time AND b.{name} IS NULL ORDER BY time DESC LIMIT {REACH_ROWS}
            ) AS further WHERE {name} IS NOT NULL ORDER BY time DESC LIMIT 1) AS f{i} ON true
            LEFT JOIN LATERAL (SELECT * FROM (
                {rows} AND time > e.at AND a.{name} IS NULL AND (b.{name} IS NULL OR b.time <> e.at) ORDER BY time LIMIT {REACH_ROWS}
            ) AS further WHERE {name} IS NOT NULL ORDER BY time LIMIT 1) AS g{i} ON true""")  # noqa: S608
        t = f"CASE WHEN b.{name} IS NULL THEN f{i}.time ELSE b.time END"
        u = f"CASE WHEN a.{name} IS NULL THEN g{i}.time ELSE a.time END"
        columns += [
            f"{t} AS t{i}, coalesce(b.{name}, f{i}.{name})::bigint{_offset(name, t, cycles)} AS v{i}",
            f"{u} AS u{i}, coalesce(a.{name}, g{i}.{name})::bigint{_offset(name, u, cycles)} AS w{i}",
        ]
    return f"SELECT {listed(('e.at', 'b.time AS before', 'a.time AS after', *columns))} FROM edges AS e {_readings(kind)} {' '.join(joins)}"  # noqa: S608


def _value(i: int) -> str:
    between = floored(f"(w{i} - v{i}) * {seconds(f'(at - t{i})')}", seconds(f"(u{i} - t{i})"))
    return f"""CASE WHEN t{i} = at THEN v{i} WHEN t{i} IS NULL THEN w{i}
        WHEN u{i} IS NULL THEN (CASE WHEN %(retired)s THEN v{i} END) ELSE v{i} + {between} END"""


def gone(kind: Kind, block: str) -> str:
    """A block whose end counter was proven by a reading that is not there any more: its counter is the only witness.

    Not where it was interpolated: inside a gap, which the blocks on both sides touch. Subqueries for one value each, so that they
    are look-ups of a key under any plan.
    """
    return f"""({block}.proof IS NOT NULL AND {block}."end" <= %(horizon)s
        AND (SELECT time FROM {kind.table} WHERE source_id = %(source)s AND time = {block}.proof) IS NULL
        AND ({block}.proof = {block}."end" OR NOT {block}.recovered OR NOT coalesce((SELECT later.recovered FROM meters_block AS later
            WHERE later.source_id = %(source)s AND later.length_s = %(length)s AND later.start = {block}."end"), true)))"""  # noqa: S608


def _kept_points(kind: Kind, cycles: bool) -> str:
    """As `_points`, from readings and from the end counters of blocks whose readings are gone. Slower, and seldom needed."""
    witness = "SELECT kept.* FROM meters_block AS kept WHERE kept.source_id = %(source)s AND kept.length_s = %(length)s"
    before, after = (
        f"{witness} AND kept.start {side} e.at - %(step)s AND {gone(kind, 'kept')} ORDER BY kept.start" for side in ("<=", ">")
    )
    columns = []
    joins = [
        f"LEFT JOIN LATERAL ({before} DESC LIMIT 1) AS kb ON true",
        f"LEFT JOIN LATERAL ({after} LIMIT 1) AS ka ON true",
        f"LEFT JOIN LATERAL ({witness} AND kept.start = e.at AND {_first(kind, 'kept')}) AS first ON true",
    ]
    for i, name in places(kind.registers):
        for side, compare, order in (("f", "<=", "DESC"), ("g", ">", "ASC")):
            joins.append(f"""
                LEFT JOIN LATERAL (
                    SELECT time, {name}::bigint{_offset(name, "time", cycles)} AS value FROM (
                        SELECT time, {name} FROM {kind.table} WHERE source_id = %(source)s AND time {compare} e.at
                        ORDER BY time {order} LIMIT {REACH_ROWS}
                    ) AS further WHERE {name} IS NOT NULL ORDER BY time {order} LIMIT 1) AS {side}{i} ON true""")  # noqa: S608
        started = f"first.end{i} - first.energy{i}"
        older, newer = f'(f{i}.time >= kb."end") IS NOT FALSE', f'(g{i}.time <= ka."end") IS NOT FALSE'
        columns += [
            f"""CASE WHEN f{i}.time IS NOT NULL AND (kb.end{i} IS NULL OR {older}) THEN f{i}.time WHEN kb.end{i} IS NOT NULL THEN kb."end"
                WHEN {started} IS NOT NULL THEN e.at END AS t{i}""",
            f"""CASE WHEN f{i}.time IS NOT NULL AND (kb.end{i} IS NULL OR {older}) THEN f{i}.value WHEN kb.end{i} IS NOT NULL THEN kb.end{i}
                ELSE {started} END AS v{i}""",
            f"""CASE WHEN g{i}.time IS NOT NULL AND (ka.end{i} IS NULL OR {newer}) THEN g{i}.time
                WHEN ka.end{i} IS NOT NULL THEN ka."end" END AS u{i}""",
            f"CASE WHEN g{i}.time IS NOT NULL AND (ka.end{i} IS NULL OR {newer}) THEN g{i}.value ELSE ka.end{i} END AS w{i}",
        ]
    return f"SELECT {listed(('e.at', 'b.time AS before', 'a.time AS after', *columns))} FROM edges AS e {_readings(kind)} {' '.join(joins)}"  # noqa: S608


def _first(kind: Kind, block: str) -> str:
    """The first block of a source, or the first after a hole, has no other to tell where it began: its own energy does."""
    earlier = (
        "SELECT start FROM meters_block AS earlier WHERE earlier.source_id = %(source)s AND earlier.length_s = %(length)s AND earlier.start"
    )
    return f"""{gone(kind, block)} AND (({earlier} < {block}.start LIMIT 1) IS NULL
        OR NOT {block}.recovered AND ({earlier} = {block}.start - %(step)s) IS NULL)"""
