"""Block rows: contiguous from the first reading's block to the newest reading's, so that a missing one is never a gap in time.

Shorter than a quarter only where a quarter holds readings, and no older than they are kept.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from meters.blocks.work import DAWN, DUSK, Work
from meters.models.blocks import QUARTER_S

# At once, so that a history of many years is no statement of minutes.
MOST_ROWS = 50_000

INSERT = """INSERT INTO meters_block (source_id, length_s, start, "end", state, attempts, recovered)
    SELECT %(source)s, %(length)s, begun, begun + %(step)s, 'todo', 0, false FROM """
ROWS_SQL = INSERT + "generate_series(%(low)s::timestamptz, %(high)s::timestamptz, %(step)s::interval) AS begun ON CONFLICT DO NOTHING"

ENDS_SQL = """
    SELECT (SELECT start FROM meters_block WHERE source_id = %(source)s AND length_s = %(length)s ORDER BY start LIMIT 1),
        (SELECT start FROM meters_block WHERE source_id = %(source)s AND length_s = %(length)s ORDER BY start DESC LIMIT 1)"""

# Quarters between two, with a reading inside, cut into blocks that end after `low` and begin before `high`. A reading on an edge
# alone, as in a history of quarters, has nothing finer to tell.
SHORT_SQL = (
    INSERT
    + """generate_series(%(first)s::timestamptz, %(last)s::timestamptz, interval '900 s') AS quarter
    CROSS JOIN LATERAL generate_series(quarter, quarter + interval '900 s' - %(step)s, %(step)s) AS begun
    WHERE begun >= %(low)s AND begun < %(high)s AND EXISTS (
        SELECT FROM {table} WHERE source_id = %(source)s AND time > quarter AND time < quarter + interval '900 s')
    ON CONFLICT DO NOTHING"""
)
# Readings that came into an empty stretch between others: their quarters are being computed, and have no short blocks yet.
FILL_SQL = (
    INSERT  # noqa: S608
    + """meters_block AS quarter
    CROSS JOIN LATERAL generate_series(quarter.start, quarter."end" - %(step)s, %(step)s) AS begun
    WHERE quarter.source_id = %(source)s AND quarter.length_s = 900 AND quarter.state <> 'closed'
    AND quarter.start > %(first)s AND quarter."end" <= %(last)s AND begun >= %(low)s AND begun < %(high)s
    AND NOT EXISTS (SELECT FROM meters_block AS short WHERE short.source_id = %(source)s AND short.length_s = %(length)s
        AND short.start = quarter."end" - %(step)s)
    AND EXISTS (SELECT FROM {table} WHERE source_id = %(source)s AND time > quarter.start AND time < quarter."end")
    ON CONFLICT DO NOTHING"""
)


def rows(work: Work, now: datetime, keep_days: int | None) -> int:
    """Make what is missing, at most MOST_ROWS at either end. Returns how many rows are new."""
    if work.proven_to <= work.first:
        return 0
    if work.length_s < QUARTER_S:
        return _short(work, DAWN if keep_days is None else now - timedelta(days=keep_days))
    return _contiguous(work, *(_quarters(work) if work.summed else (work.first, work.proven_to)))


def floor(time: datetime, step_s: int) -> datetime:
    epoch = int(time.timestamp())
    return time - timedelta(seconds=epoch % step_s, microseconds=time.microsecond)


def ends(source: int, length_s: int) -> tuple[datetime | None, datetime | None]:
    """The starts of the first and the last block of a length."""
    with connection.cursor() as cursor:
        cursor.execute(ENDS_SQL, {"source": source, "length": length_s})
        first, last = cursor.fetchone() or (None, None)
    return first, last


def _execute(sql: str, parameters: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.rowcount)


def _quarters(work: Work) -> tuple[datetime, datetime]:
    """From the first quarter to the end of the last: what a longer block can be summed from."""
    first, last = ends(work.source, QUARTER_S)
    if first is None or last is None:
        return DAWN, DAWN
    return first, last + timedelta(seconds=QUARTER_S)


def _contiguous(work: Work, first: datetime, until: datetime) -> int:
    """Every block that begins before `until`, from the one that holds `first`."""
    if until <= first:
        return 0
    step = timedelta(seconds=work.length_s)
    low = max(floor(first, work.length_s), DAWN if work.since == DAWN else floor(work.since - timedelta(seconds=1), work.length_s) + step)
    high = min(until - timedelta(seconds=1), DUSK if work.until == DUSK else work.until - step)
    oldest, newest = ends(work.source, work.length_s)
    made = 0
    if oldest is None or newest is None:
        stretches = [(low, min(high, low + MOST_ROWS * step))]
    else:
        stretches = [
            (newest + step, min(high, newest + MOST_ROWS * step)),
            (max(low, oldest - MOST_ROWS * step), min(high, oldest - step)),
        ]
    for begin, end in stretches:
        if begin <= end:
            made += _execute(ROWS_SQL, {"source": work.source, "length": work.length_s, "step": step, "low": begin, "high": end})
    return made


def _short(work: Work, kept_from: datetime) -> int:
    step = timedelta(seconds=work.length_s)
    low = max(floor(work.first, work.length_s), work.since, kept_from)
    high = min(work.proven_to, DUSK if work.until == DUSK else work.until - step + timedelta(seconds=1))
    parameters: dict[str, Any] = {"source": work.source, "length": work.length_s, "step": step, "low": low, "high": high}
    reach = timedelta(seconds=QUARTER_S * (MOST_ROWS * work.length_s // QUARTER_S))
    oldest, newest = ends(work.source, work.length_s)
    if oldest is None or newest is None:
        begin = _inside(work, low, DUSK, "ASC")
        return 0 if begin is None else _stretch(work, parameters, begin, begin + reach)
    made = 0
    after = _inside(work, newest + step, DUSK, "ASC")
    if after is not None:
        made += _stretch(work, parameters, max(after, newest + step), after + reach)
    before = _inside(work, low, oldest, "DESC")
    if before is not None:
        made += _stretch(work, parameters, max(low, before - reach), oldest)
    filled = {**parameters, "first": floor(oldest, QUARTER_S), "last": floor(newest, QUARTER_S)}
    return made + _execute(FILL_SQL.format(table=work.kind.table), filled)


def _stretch(work: Work, parameters: dict[str, Any], begin: datetime, end: datetime) -> int:
    given = {**parameters, "first": floor(begin - timedelta(seconds=1), QUARTER_S), "last": min(end, work.proven_to)}
    return _execute(SHORT_SQL.format(table=work.kind.table), given)


def _inside(work: Work, low: datetime, high: datetime, order: str) -> datetime | None:
    """The first (or last) reading between two times that does not lie on the edge of a quarter; `order`: ASC, DESC."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT time FROM {work.kind.table} WHERE source_id = %s AND time > %s AND time < %s
                AND date_bin('900 s', time, '2000-01-01Z') <> time ORDER BY time {order} LIMIT 1""",  # noqa: S608
            [work.source, low, high],
        )
        row = cursor.fetchone()
    return row[0] if row else None
