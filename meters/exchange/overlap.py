"""Where readings of a source lie already: what was measured finer is left as it is."""

from datetime import UTC, datetime

import numpy as np
from django.db import connection

from meters.exchange.times import Bools, Ints
from meters.kinds import KINDS

MARGIN_S = 4000  # more than the coarsest cadence that counts
GAPS = """
    SELECT extract(epoch FROM earlier)::bigint, extract(epoch FROM time)::bigint
    FROM (SELECT time, lag(time) OVER (ORDER BY time) AS earlier FROM {table} WHERE source_id = %s AND time BETWEEN %s AND %s) AS pairs
    WHERE earlier IS NULL OR time - earlier >= make_interval(secs => %s) ORDER BY time"""
LAST = "SELECT extract(epoch FROM max(time))::bigint FROM {table} WHERE source_id = %s AND time BETWEEN %s AND %s"
ANY = "SELECT EXISTS (SELECT FROM {table} WHERE source_id = %s AND time BETWEEN %s AND %s)"


def cadence(times: Ints) -> int | None:
    """The low median of the steps between distinct times; None with fewer than two."""
    steps = np.diff(np.unique(times))
    return int(np.sort(steps)[(len(steps) - 1) // 2]) if len(steps) else None


def measured_finer(kind: str, source_id: int, times: Ints, step_s: int) -> Bools:
    """Which times lie between two stored readings that are less than `step_s` apart: what is imported at that step adds nothing there.

    Where readings are missing for longer, an import fills the hole.
    """
    covered = np.zeros(len(times), np.bool_)
    if not len(times):
        return covered
    table = KINDS[kind].table
    low, high = int(times.min()) - MARGIN_S, int(times.max()) + MARGIN_S
    span = (source_id, datetime.fromtimestamp(low, UTC), datetime.fromtimestamp(high, UTC))
    with connection.cursor() as cursor:
        cursor.execute(ANY.format(table=table), span)
        if not cursor.fetchone()[0]:
            return covered
        cursor.execute(GAPS.format(table=table), (*span, step_s))
        gaps = cursor.fetchall()
        cursor.execute(LAST.format(table=table), span)
        [last] = cursor.fetchone()
    # A run of readings that follow each other closely begins after each gap and ends before the next one.
    begins = np.array([after for _before, after in gaps], np.int64)
    ends = np.array([before for before, _after in gaps[1:]] + [last], np.int64)
    place = np.searchsorted(begins, times, side="right") - 1
    inside = place >= 0
    covered[inside] = (times[inside] <= ends[place[inside]]) & (begins[place[inside]] < ends[place[inside]])
    return covered
