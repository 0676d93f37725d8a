"""Raw readings that are old enough go, and only those that lie behind closed blocks (see `meters.blocks.behind`); so do old minutes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from meters.blocks import chunks
from meters.blocks.behind import FOR_EVER_S, Archive, archive, condensing, interval_sql, open_sql
from meters.counting.memory import LOCK_CLASS
from meters.models import DataManager

STEP_ROWS = 50_000  # of one transaction: some ten megabytes of WAL, a lock of a second or less
MOST_STEPS = 200  # of one run; the next one goes on


@dataclass(frozen=True, slots=True)
class Thinned:
    """`rows`: readings that went, `before`: None where everything is kept, `blocks`: short blocks that went.

    `kept_back`: readings old enough to go that an open block still needs. `more`: there is more to do in the next run.
    """

    rows: int = 0
    before: datetime | None = None
    kept_back: int = 0
    blocks: int = 0
    more: bool = False


def thin(manager: DataManager, now: datetime, *, step_rows: int = STEP_ROWS, most_steps: int = MOST_STEPS) -> Thinned:
    """One run of an archive manager. Not in a transaction: each step is one, under the lock that every writer of the source takes.

    Raises ValueError for a manager that condenses, django.db.Error.
    """
    if manager.algorithm != DataManager.Algorithm.ARCHIVE:
        raise ValueError(f"{manager.name} is no archive")
    blocks = sum(_thin_blocks(one, now, step_rows) for one in condensing(manager.source_id))
    task = archive(manager, now)
    if task is None:
        return Thinned(blocks=blocks)
    rows = chunks.drop(task, now)
    kept_back = steps = 0
    after, more = None, True
    while more and steps < most_steps:
        after, gone, kept, more = _step(task, after, step_rows)
        rows, kept_back, steps = rows + gone, kept_back + kept, steps + 1
    return Thinned(rows, task.before, kept_back, blocks, more)


def _step(task: Archive, after: datetime | None, step_rows: int) -> tuple[datetime | None, int, int, bool]:
    """The next readings after `after`: how far it came, how many went, how many an open block keeps, whether there are more."""
    with transaction.atomic(), connection.cursor() as cursor:
        # Lost with the server, it is done again.
        cursor.execute("SET LOCAL synchronous_commit TO off")
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_CLASS, task.source_id])
        cursor.execute(_slice_sql(task), task.parameters | {"after": after, "rows": step_rows})
        upto, rows = cursor.fetchone()
        if not rows:
            return after, 0, 0, False
        cursor.execute(_delete_sql(task), task.parameters | {"after": after, "upto": upto})
        gone, stay = cursor.fetchone()
        return upto, gone, rows - gone - stay, rows == step_rows


# From where the step begins, and where the archive does.
BEYOND = "time > coalesce(%(after)s::timestamptz, '-infinity') AND time >= coalesce(%(since)s::timestamptz, '-infinity')"


def _slice_sql(task: Archive) -> str:
    return f"""
        SELECT max(time), count(*) FROM (
            SELECT time FROM {task.table} WHERE source_id = %(source)s AND {BEYOND} AND time < %(before)s ORDER BY time LIMIT %(rows)s
        ) AS slice"""  # noqa: S608


def _delete_sql(task: Archive) -> str:
    """One statement: what is open is read in the snapshot that deletes. Gives how many readings went, how many stay for their interval.

    `free`: the ranges between open blocks, each as the two readings that are the neighbours of those blocks; all between them go.
    """
    stays = f"{interval_sql('time', task)} IS DISTINCT FROM {interval_sql('next', task)}" if task.keep_each_s else "false"
    return f"""
        WITH {open_sql(task)}, island AS (
            SELECT lower(span) AS low, upper(span) AS high FROM unnest((SELECT range_agg(span) FROM open)) AS span
        ), gap AS (
            SELECT lag(high) OVER (ORDER BY low) AS low, low AS high FROM island UNION ALL (SELECT max(high), NULL FROM island)
        ), free AS MATERIALIZED (
            SELECT CASE WHEN gap.low IS NULL THEN '-infinity' ELSE (SELECT min(time) FROM seen WHERE time >= gap.low) END AS low,
                CASE WHEN gap.high IS NULL THEN 'infinity' ELSE (SELECT max(time) FROM seen WHERE time <= gap.high) END AS high
            FROM gap
        ), doomed AS MATERIALIZED (
            SELECT time, {stays} AS stays FROM free JOIN seen ON time > low AND time < high WHERE {BEYOND} AND time <= %(upto)s
        ), gone AS (
            DELETE FROM {task.table} AS reading USING doomed
            WHERE reading.source_id = %(source)s AND reading.time = doomed.time AND NOT doomed.stays RETURNING 1
        ) SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM doomed WHERE stays)"""  # noqa: S608


def _thin_blocks(manager: DataManager, now: datetime, step_rows: int) -> int:
    """Closed blocks older than their manager keeps them; never quarters and days, which all totals are made of."""
    if manager.keep_days is None or manager.length_s in FOR_EVER_S:
        return 0
    sql = """
        DELETE FROM meters_block WHERE state = 'closed' AND id IN (
            SELECT id FROM meters_block WHERE source_id = %s AND length_s = %s AND state = 'closed' AND start < %s AND "end" <= %s
            ORDER BY start LIMIT %s FOR UPDATE
        )"""
    before = now - timedelta(days=manager.keep_days)
    gone = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(sql, [manager.source_id, manager.length_s, before, before, step_rows])
            gone += cursor.rowcount
            if cursor.rowcount < step_rows:
                return gone
