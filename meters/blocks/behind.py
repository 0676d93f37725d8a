"""Which readings lie behind closed blocks, in SQL.

An open block is one that is not CLOSED, or one that an enabled manager has yet to make for a reading that is there. It keeps the
readings of its [start, end], since a reading at an edge proves the blocks on both sides of it, and the nearest one beyond each
edge that has none of its own. So a reading stays exactly where an open block overlaps the open interval between the readings
beside it, and what has gone before changes nothing about that. The newest reading of a source stays until that is retired: the
blocks to come begin with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from energysite.block_states import DAY_S
from meters.blocks.house_zone import house_zone
from meters.kinds import KINDS
from meters.models import DataManager
from meters.models.blocks import QUARTER_S

FOR_EVER_S = (QUARTER_S, DAY_S)


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive manager's work on its source, with what does not change between two steps of it."""

    source_id: int
    table: str
    before: datetime  # older readings may go
    managers: tuple[DataManager, ...]  # those that condense
    keep_each_s: int  # the last reading of each such interval stays; 0: none
    whole: bool  # nothing is kept but what open blocks need
    parameters: dict[str, Any]


def archive(manager: DataManager, now: datetime) -> Archive | None:
    """None where nothing may go: kept for ever, or nothing condenses the readings."""
    managers = condensing(manager.source_id)
    lengths = {one.length_s for one in managers}
    if manager.keep_days is None or not lengths.issuperset(FOR_EVER_S):
        return None
    before = now - timedelta(days=manager.keep_days)
    if manager.until is not None:
        before = min(before, manager.until)
    source = manager.source
    parameters = {
        "source": source.pk,
        "before": before,
        "since": manager.since,
        "zone": house_zone().key,
        "lengths": sorted(lengths),
        "retired": source.retired is not None,
    } | _scopes(managers, now)
    whole = not manager.length_s and manager.since is None
    return Archive(source.pk, KINDS[source.kind].table, before, managers, manager.length_s, whole, parameters)


def condensing(source_id: int) -> tuple[DataManager, ...]:
    found = DataManager.objects.filter(source_id=source_id, enabled=True).exclude(algorithm=DataManager.Algorithm.ARCHIVE)
    return tuple(found.order_by("length_s"))


def _scopes(managers: Sequence[DataManager], now: datetime) -> dict[str, Any]:
    """Of when each manager makes blocks: not outside of its range, nor where it would drop them at once."""
    found: dict[str, Any] = {}
    for place, one in enumerate(managers):
        horizon = None if one.keep_days is None else now - timedelta(days=one.keep_days)
        starts = [at for at in (one.since, horizon) if at is not None]
        found |= {f"length{place}": one.length_s, f"from{place}": max(starts, default=None), f"to{place}": one.until}
    return found


def open_sql(task: Archive) -> str:
    """Common table expressions for the readings of (after, upto]: `edge` (low, high: the readings next to them on both sides),
    `seen` (time, next: they, and those two), `open` (span: of the open blocks that may need one of them, and the newest reading)."""
    rows = f"SELECT time FROM {task.table} WHERE source_id = %(source)s"  # noqa: S608
    missing = " UNION ALL ".join(_missing_sql(place, manager) for place, manager in enumerate(task.managers))
    return f"""
        first AS MATERIALIZED ({rows} ORDER BY time LIMIT 1), last AS MATERIALIZED ({rows} ORDER BY time DESC LIMIT 1),
        edge AS MATERIALIZED (
            SELECT ({rows} AND time <= coalesce(%(after)s::timestamptz, '-infinity') ORDER BY time DESC LIMIT 1) AS low,
                ({rows} AND time > %(upto)s ORDER BY time LIMIT 1) AS high
        ), seen AS MATERIALIZED (
            SELECT time, lead(time) OVER (ORDER BY time) AS next FROM (
                {rows} AND time >= coalesce((SELECT low FROM edge), '-infinity') AND time <= coalesce((SELECT high FROM edge), 'infinity')
            ) AS near
        ), open AS MATERIALIZED (
            SELECT tstzrange(start, "end") AS span FROM meters_block WHERE source_id = %(source)s AND length_s = ANY(%(lengths)s)
            AND state <> 'closed' AND start < coalesce((SELECT high FROM edge), 'infinity')
            AND "end" > coalesce((SELECT low FROM edge), '-infinity')
            UNION ALL {missing}
            UNION ALL (SELECT tstzrange(time, time + interval '1 s') FROM last WHERE NOT %(retired)s)
        )"""  # noqa: S608


def _missing_sql(place: int, manager: DataManager) -> str:
    """The blocks that a manager has not made yet although it will: those with a reading of `seen` in their (start, end].

    A first reading at the end of a block is in none: the blocks of its source begin with it.
    """
    start, end = block_sql("(time - interval '1 s')", manager.length_s)
    return f"""
        SELECT tstzrange(start, "end") FROM (
            SELECT DISTINCT {start} AS start, {end} AS "end" FROM seen
            WHERE time > coalesce(%(from{place})s::timestamptz, '-infinity') AND time <= coalesce(%(to{place})s::timestamptz, 'infinity')
        ) AS wanted WHERE NOT EXISTS (
            SELECT FROM meters_block AS made
            WHERE made.source_id = %(source)s AND made.length_s = %(length{place})s AND made.start = wanted.start
        ) AND "end" > (SELECT time FROM first)"""  # noqa: S608


def block_sql(time: str, length_s: int) -> tuple[str, str]:
    """SQL of the start and the end of the block that holds an instant: of a local day, or of a grid in UTC."""
    if length_s == DAY_S:
        start = f"date_trunc('day', {time}, %(zone)s)"
        return start, f"((({start}) AT TIME ZONE %(zone)s + interval '1 day') AT TIME ZONE %(zone)s)"
    start = f"date_bin(interval '{length_s} s', {time}, 'epoch'::timestamptz)"
    return start, f"({start} + interval '{length_s} s')"


def interval_sql(time: str, task: Archive) -> str:
    """SQL of the (start, end] that an instant lies in; readings have whole seconds."""
    return block_sql(f"({time} - interval '1 s')", task.keep_each_s)[0]
