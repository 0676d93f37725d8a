"""How large the database is, what fills it, and how it goes on. Cheap: estimates and look-ups on keys, no count over years."""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from meters.kinds import KINDS
from meters.models import DataManager, Source
from meters.models.blocks import DAY_S

# Of a row with its key, until a table is large enough to be measured: a small one is mostly empty pages.
ROW_BYTES = {"electricity": 130, "volume": 80, "production": 85, "battery": 90, "analog": 80, "blocks": 330}
ENOUGH_ROWS = 50_000
BLOCKS = "meters_block"
YEAR = 365
SAMPLE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Table:
    """`rows` as PostgreSQL estimates them."""

    name: str  # a kind of readings, or "blocks"
    bytes: int
    rows: int

    @property
    def row_bytes(self) -> float:
        return self.bytes / self.rows if self.rows >= ENOUGH_ROWS else ROW_BYTES[self.name]


@dataclass(frozen=True, slots=True)
class Stream:
    """What comes in. `days`: after which as much goes as comes, since nothing is kept longer; inf: kept for ever."""

    rows_per_day: float
    bytes_per_day: float
    days: float


@dataclass(frozen=True, slots=True)
class Growth:
    database_bytes: int
    tables: Sequence[Table]  # the largest first
    streams: Sequence[Stream]

    @property
    def bytes_per_day(self) -> float:
        """As of today: what is in balance already adds nothing."""
        return sum(stream.bytes_per_day for stream in self.streams if stream.days > 0)

    def after(self, days: float) -> float:
        """Bytes of the database then."""
        return self.database_bytes + sum(stream.bytes_per_day * min(days, stream.days) for stream in self.streams)

    def lasts(self, free_bytes: float) -> float | None:
        """Days until so many bytes are full; None where they never are."""
        filled, day = 0.0, 0.0
        for end in sorted({stream.days for stream in self.streams if stream.days > 0}):
            rate = sum(stream.bytes_per_day for stream in self.streams if stream.days >= end)
            if rate and filled + rate * (end - day) >= free_bytes:
                return day + (free_bytes - filled) / rate
            filled, day = filled + (rate * (end - day) if rate else 0.0), end
        return None


def measure(now: datetime) -> Growth:
    tables = {table.name: table for table in _tables()}
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        size = int(cursor.fetchone()[0])
    streams = [*_readings(tables, now), *_blocks(tables["blocks"], now)]
    return Growth(size, sorted(tables.values(), key=lambda table: -table.bytes), streams)


def _tables() -> list[Table]:
    """A hypertable's own relation is empty: its chunks are what it takes."""
    names = {kind.table: name for name, kind in KINDS.items()} | {BLOCKS: "blocks"}
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')")
        hyper = bool(cursor.fetchone()[0])
        size, rows = "pg_total_relation_size(oid)", "reltuples::bigint"
        if hyper:
            size, rows = f"coalesce(hypertable_size(oid), {size})", "approximate_row_count(oid)"
        cursor.execute(
            f"SELECT relname, {size}, greatest({rows}, 0) FROM pg_class WHERE oid = ANY(%s::regclass[])",  # noqa: S608
            [list(names)],
        )
        return [Table(names[name], int(taken), int(number)) for name, taken, number in cursor.fetchall()]


def _readings(tables: dict[str, Table], now: datetime) -> Iterable[Stream]:
    kept = _kept_days(DataManager.objects.filter(algorithm=DataManager.Algorithm.ARCHIVE, length_s=0))
    for name, kind in KINDS.items():
        sql = f"""
            SELECT id, (SELECT count(*) FROM {kind.table} WHERE source_id = source.id AND time > %s),
                (SELECT min(time) FROM {kind.table} WHERE source_id = source.id)
            FROM meters_source AS source WHERE kind = %s AND retired IS NULL"""  # noqa: S608
        with connection.cursor() as cursor:
            cursor.execute(sql, [now - SAMPLE, name])
            found = cursor.fetchall()
        for source_id, rows, oldest in found:
            per_day = rows * (timedelta(days=1) / SAMPLE)
            keep, age = kept.get(source_id, math.inf), (now - oldest) / timedelta(days=1) if oldest else 0.0
            yield Stream(per_day, per_day * tables[name].row_bytes, max(0.0, keep - age))


def _blocks(table: Table, now: datetime) -> Iterable[Stream]:
    """Those of a source that speaks: the others get none."""
    speaking = set(_speaking(now))
    managers = DataManager.objects.filter(enabled=True, source__retired=None).exclude(algorithm=DataManager.Algorithm.ARCHIVE)
    for manager in managers.select_related("source"):
        if manager.source_id in speaking:
            per_day = DAY_S / manager.length_s
            keep = math.inf if manager.keep_days is None else float(manager.keep_days)
            yield Stream(per_day, per_day * table.row_bytes, keep)


def _speaking(now: datetime) -> Iterable[int]:
    for name, kind in KINDS.items():
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT id FROM meters_source AS source WHERE EXISTS (SELECT FROM {kind.table}"  # noqa: S608
                " WHERE source_id = source.id AND time > %s) AND kind = %s AND retired IS NULL",
                [now - timedelta(days=1), name],
            )
            yield from (source_id for (source_id,) in cursor.fetchall())


def _kept_days(archives: Iterable[DataManager]) -> dict[int, float]:
    return {one.source_id: float(one.keep_days) for one in archives if one.enabled and one.keep_days is not None}


# Blocks that wait


@dataclass(frozen=True, slots=True)
class Backlog:
    """Of one source: blocks that could be computed and are not yet, and those that failed, with the newest reason (code, parameters)."""

    source: Source
    waiting: int
    oldest: datetime | None
    faulty: int
    reason: dict[str, str] | None


PATIENCE = timedelta(minutes=15)  # a block that is due is taken within some minutes

BACKLOG_SQL = """
    WITH newest AS MATERIALIZED ({newest}), open AS MATERIALIZED (
        SELECT source_id, count(*) FILTER (WHERE state = 'faulty') AS faulty,
            count(*) FILTER (WHERE state = 'todo' AND "end" <= newest.time) AS waiting,
            min(start) FILTER (WHERE state = 'todo' AND "end" <= newest.time) AS oldest
        FROM meters_block JOIN newest ON newest.id = source_id WHERE state <> 'closed' GROUP BY source_id
    ) SELECT source_id, waiting, oldest, faulty, (
        SELECT reason FROM meters_block AS block WHERE block.source_id = open.source_id AND state <> 'closed' AND state = 'faulty'
        ORDER BY start DESC LIMIT 1
    ) FROM open WHERE waiting > 0 OR faulty > 0 ORDER BY source_id"""


def backlog(now: datetime) -> list[Backlog]:
    """Sources with blocks that wait for more than some minutes, or that failed. Reads only blocks that are not closed."""
    newest = " UNION ALL ".join(
        f"(SELECT id, least((SELECT max(time) FROM {kind.table} WHERE source_id = source.id), %(late)s) AS time"  # noqa: S608
        f" FROM meters_source AS source WHERE kind = '{name}')"
        for name, kind in KINDS.items()
    )
    with connection.cursor() as cursor:
        cursor.execute(BACKLOG_SQL.format(newest=newest), {"late": now - PATIENCE})
        rows = cursor.fetchall()
    sources = Source.objects.in_bulk([row[0] for row in rows])
    return [Backlog(sources[row[0]], row[1], row[2], row[3], _json(row[4])) for row in rows]


def _json(value: str | None) -> dict[str, str] | None:
    return None if value is None else dict(json.loads(value))
