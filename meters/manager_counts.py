"""How many blocks of each state a data manager has, for a list of managers: one query, never a scan of years of blocks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from meters.models import DataManager
from meters.models.blocks import QUARTER_S

# Of blocks shorter than a quarter no more are counted: 50 days of minutes.
MOST = 72_000

# Those that are not closed have an index of their own. Quarters and longer follow each other without a gap, so that the first and
# the last tell how many there are; shorter ones are counted as far as MOST.
COUNTS_SQL = """
    SELECT m.id, open.todo, open.faulty, open.done, whole.number
    FROM unnest(%(ids)s::bigint[], %(sources)s::int[], %(lengths)s::int[]) AS m(id, source_id, length_s)
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE state = 'todo') AS todo, count(*) FILTER (WHERE state = 'faulty') AS faulty,
            count(*) FILTER (WHERE state = 'done') AS done
        FROM meters_block AS b WHERE b.source_id = m.source_id AND b.length_s = m.length_s AND b.state <> 'closed') AS open
    CROSS JOIN LATERAL (
        SELECT CASE WHEN m.length_s >= %(quarter)s THEN (
            SELECT coalesce(round(extract(epoch FROM max(b.start) - min(b.start)) / m.length_s) + 1, 0)
            FROM meters_block AS b WHERE b.source_id = m.source_id AND b.length_s = m.length_s)
        ELSE (
            SELECT count(*) FROM (
                SELECT FROM meters_block AS b WHERE b.source_id = m.source_id AND b.length_s = m.length_s LIMIT %(most)s) AS few)
        END AS number) AS whole"""


@dataclass(frozen=True, slots=True)
class States:
    """Blocks by state. `capped`: there are more closed ones than `closed`."""

    todo: int = 0
    faulty: int = 0
    done: int = 0
    closed: int = 0
    capped: bool = False


def of(managers: Sequence[DataManager]) -> dict[int, States]:
    """By id; an archive makes no blocks and is not among them."""
    chosen = [manager for manager in managers if manager.algorithm != DataManager.Algorithm.ARCHIVE]
    if not chosen:
        return {}
    parameters: dict[str, Any] = {
        "ids": [manager.pk for manager in chosen],
        "sources": [manager.source_id for manager in chosen],
        "lengths": [manager.length_s for manager in chosen],
        "quarter": QUARTER_S,
        "most": MOST,
    }
    with connection.cursor() as cursor:
        cursor.execute(COUNTS_SQL, parameters)
        rows = cursor.fetchall()
    return {
        pk: States(todo, faulty, done, max(0, int(number) - todo - faulty - done), number == MOST)
        for pk, todo, faulty, done, number in rows
    }
