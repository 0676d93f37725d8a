"""Hypertables: a chunk in which every source's archive lets everything go is dropped, which costs nothing; the rest is deleted.

A chunk holds all sources, and drop_chunks asks none of them: so each is asked here, under its lock.
"""

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from meters.blocks.behind import Archive, archive, open_sql
from meters.counting.memory import LOCK_CLASS
from meters.models import DataManager

SECOND = timedelta(seconds=1)


def drop(task: Archive, now: datetime) -> int:
    """Drop what chunks of this archive's table may go. Returns how many readings of its source went."""
    if not task.whole or not _has_timescale():
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT range_start, range_end FROM timescaledb_information.chunks"
            " WHERE hypertable_name = %s AND range_end <= %s ORDER BY range_start",
            [task.table, task.before],
        )
        found = cursor.fetchall()
    return sum(_drop(task, start, end, now) for start, end in found)


def _has_timescale() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')")
        return bool(cursor.fetchone()[0])


def _drop(task: Archive, start: datetime, end: datetime, now: datetime) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM meters_source AS source WHERE EXISTS (SELECT FROM {task.table} AS reading"  # noqa: S608
            " WHERE reading.source_id = source.id AND time >= %s AND time < %s) ORDER BY id",
            [start, end],
        )
        sources = [source_id for (source_id,) in cursor.fetchall()]
        cursor.execute("SELECT pg_advisory_xact_lock(%s, id) FROM unnest(%s::int[]) AS id", [LOCK_CLASS, sources])
        if not all(_may_go(cursor, source_id, start, end, now) for source_id in sources):
            return 0
        cursor.execute(
            f"SELECT count(*) FROM {task.table} WHERE source_id = %s AND time >= %s AND time < %s",  # noqa: S608
            [task.source_id, start, end],
        )
        rows = cursor.fetchone()[0]
        cursor.execute("SELECT drop_chunks(%s::regclass, older_than => %s, newer_than => %s)", [task.table, end, start])
        return int(rows)


def _may_go(cursor: CursorWrapper, source_id: int, start: datetime, end: datetime, now: datetime) -> bool:
    """Whether this source's archive lets all of its readings in [start, end) go."""
    manager = (
        DataManager.objects.filter(source_id=source_id, enabled=True, algorithm=DataManager.Algorithm.ARCHIVE, length_s=0)
        .select_related("source")
        .first()
    )
    task = None if manager is None else archive(manager, now)
    if task is None or not task.whole or task.before < end:
        return False
    cursor.execute(
        f"WITH {open_sql(task)} SELECT EXISTS (SELECT FROM open)",  # noqa: S608
        task.parameters | {"after": start - SECOND, "upto": end - SECOND},
    )
    return not cursor.fetchone()[0]
