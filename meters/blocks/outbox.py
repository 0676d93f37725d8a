"""Marks for those who keep something that was computed from blocks: this source's local day has changed.

A mark is made in the transaction that changes the block. A consumer takes marks, does its work and drops them; a mark that grew
meanwhile stays.
"""

from collections.abc import Iterable, Sequence
from datetime import date

from django.db import connection

from meters.totals import cache

CONSUMERS: tuple[str, ...] = ("cache",)

Mark = tuple[int, date, int]

# Sorted, so that two transactions that mark the same days wait for each other and never deadlock.
MARK_SQL = """
    INSERT INTO meters_dirty (consumer, source_id, local_date, generation)
    SELECT consumer, %s, day, 1 FROM unnest(%s::text[]) AS consumer CROSS JOIN unnest(%s::date[]) AS day ORDER BY consumer, day
    ON CONFLICT (consumer, source_id, local_date) DO UPDATE SET generation = meters_dirty.generation + 1"""

DROP_SQL = """
    WITH taken AS (
        SELECT dirty.id FROM meters_dirty AS dirty
        JOIN unnest(%s::smallint[], %s::date[], %s::bigint[]) AS seen(source_id, local_date, generation)
        USING (source_id, local_date, generation)
        WHERE dirty.consumer = %s ORDER BY dirty.source_id, dirty.local_date FOR UPDATE OF dirty
    ) DELETE FROM meters_dirty WHERE id IN (SELECT id FROM taken)"""


def mark(source_id: int, dates: Iterable[date]) -> None:
    """In the caller's transaction."""
    days = sorted(set(dates))
    if not days:
        return
    with connection.cursor() as cursor:
        cursor.execute(MARK_SQL, [source_id, sorted(CONSUMERS), days])
    cache.drop_on_commit(source_id, days)


def take(consumer: str, most: int) -> list[Mark]:
    """(source, local date, generation) of the oldest marks; they stay until they are dropped."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT source_id, local_date, generation FROM meters_dirty WHERE consumer = %s ORDER BY id LIMIT %s", [consumer, most]
        )
        return cursor.fetchall()


def drop(consumer: str, taken: Sequence[Mark]) -> int:
    """Remove what was taken, except what has been marked again since. Returns how many went."""
    if not taken:
        return 0
    sources, dates, generations = (list(column) for column in zip(*taken, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(DROP_SQL, [sources, dates, generations, consumer])
        return int(cursor.rowcount)
