"""Accepted readings around an instant: look-ups on the key (source, time), never a scan."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from django.db import connection

from energysite.registers import Point
from meters.kinds import Kind

# A register that a row lacks is looked for in this many more rows, never in the whole history.
REACH_ROWS = 300

Values = tuple[int | None, ...]


class Stored(NamedTuple):
    """A stored reading: epoch seconds, and its registers in the order of its kind."""

    time: int
    values: Values


def epoch(at: datetime) -> int:
    return int(at.timestamp())


def instant(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def _columns(kind: Kind) -> str:
    return ", ".join(("extract(epoch FROM time)::bigint", *kind.registers))


def at(kind: Kind, source_id: int, seconds: Sequence[int]) -> dict[int, Values]:
    """What is stored at these very seconds."""
    if not seconds:
        return {}
    sql = f"""
        SELECT {_columns(kind)} FROM unnest(%s::bigint[]) AS asked(second)
        JOIN {kind.table} ON source_id = %s AND time = to_timestamp(asked.second)"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [list(seconds), source_id])
        return {second: tuple(values) for second, *values in cursor.fetchall()}


def beside(kind: Kind, source_id: int, seconds: Sequence[int]) -> list[tuple[Stored | None, Stored | None]]:
    """For each second the newest row at or before it and the oldest after it."""
    if not seconds:
        return []
    names = ", ".join(kind.registers)
    inner = (
        f"SELECT extract(epoch FROM time)::bigint AS second{', ' if names else ''}{names} FROM {kind.table} WHERE source_id = %(source)s"  # noqa: S608
    )
    sql = f"""
        SELECT before.*, later.* FROM unnest(%(seconds)s::bigint[]) WITH ORDINALITY AS asked(second, i)
        LEFT JOIN LATERAL ({inner} AND time <= to_timestamp(asked.second) ORDER BY time DESC LIMIT 1) AS before ON true
        LEFT JOIN LATERAL ({inner} AND time > to_timestamp(asked.second) ORDER BY time LIMIT 1) AS later ON true
        ORDER BY asked.i"""  # noqa: S608
    width = 1 + len(kind.registers)
    with connection.cursor() as cursor:
        cursor.execute(sql, {"source": source_id, "seconds": list(seconds)})
        return [(_stored(row[:width]), _stored(row[width:])) for row in cursor.fetchall()]


def _stored(row: Sequence[int | None]) -> Stored | None:
    return None if row[0] is None else Stored(row[0], tuple(row[1:]))


def run(kind: Kind, source_id: int, second: int, side: str, rows: int) -> list[Stored]:
    """The rows nearest to a second: `side` "<=" or "<" newest first, ">" oldest first."""
    order = "ASC" if side.startswith(">") else "DESC"
    sql = f"""
        SELECT {_columns(kind)} FROM {kind.table} WHERE source_id = %s AND time {side} to_timestamp(%s)
        ORDER BY time {order} LIMIT %s"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [source_id, second, rows])
        return [Stored(row[0], tuple(row[1:])) for row in cursor.fetchall()]


def newest(kind: Kind, source_id: int) -> Stored | None:
    sql = f"SELECT {_columns(kind)} FROM {kind.table} WHERE source_id = %s ORDER BY time DESC LIMIT 1"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [source_id])
        row = cursor.fetchone()
    return None if row is None else Stored(row[0], tuple(row[1:]))


def point_in(rows: Iterable[Stored], register: int) -> Point | None:
    """The first of the rows that has this register."""
    return next((Point(row.time, value) for row in rows if (value := row.values[register]) is not None), None)


def point(kind: Kind, source_id: int, near: Stored | None, register: int, side: str) -> Point | None:
    """The register's own neighbour on the side ("<=" or ">") where the nearest row is `near`; looked for further where that lacks it."""
    if near is None:
        return None
    value = near.values[register]
    if value is not None:
        return Point(near.time, value)
    return point_in(run(kind, source_id, near.time, side, REACH_ROWS), register)
