"""What a run of a data manager works on: its source as the database knows it now."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from meters.kinds import KINDS, Kind
from meters.models import DataManager
from meters.models.blocks import QUARTER_S

DAWN = datetime(1, 1, 2, tzinfo=UTC)
DUSK = datetime(9999, 12, 30, tzinfo=UTC)
# Later than any archive begins by default: younger blocks are always computed from readings alone.
YOUNGEST_ARCHIVED = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Work:
    """One manager's blocks. `first`, `proven_to`: the oldest and newest reading. `horizon`: raw readings before it may be gone."""

    kind: Kind
    source: int
    length_s: int
    summed: bool
    retired: bool
    cadence_s: int | None
    cycles: bool
    first: datetime
    proven_to: datetime
    since: datetime
    until: datetime
    horizon: datetime | None

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "length": self.length_s,
            "step": timedelta(seconds=self.length_s),
            "retired": self.retired,
            "cadence": None if self.cadence_s is None else timedelta(seconds=self.cadence_s),
            "proven_to": self.proven_to,
            "since": self.since,
            "until": self.until,
            "horizon": self.horizon or DAWN,
        }


def work(manager: DataManager, now: datetime) -> Work | None:
    """None for a source of which nothing is known yet. A handful of look-ups on keys."""
    source = manager.source
    kind = KINDS[source.kind]
    # Each is the first or last entry of an index. Table names come from the kinds.
    sql = f"""
        SELECT (SELECT time FROM {kind.table} WHERE source_id = %(source)s ORDER BY time LIMIT 1),
            (SELECT time FROM {kind.table} WHERE source_id = %(source)s ORDER BY time DESC LIMIT 1),
            EXISTS (SELECT FROM meters_countercycle WHERE source_id = %(source)s),
            (SELECT min(keep_days) FROM meters_datamanager WHERE source_id = %(source)s AND algorithm = 'archive'),
            (SELECT start FROM meters_block WHERE source_id = %(source)s AND length_s = {QUARTER_S} ORDER BY start LIMIT 1)"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, {"source": source.pk})
        row: tuple[Any, ...] = cursor.fetchone() or (None,) * 5
        first, last, cycles, keep_days, first_quarter = row
    if last is None:
        if first_quarter is None:
            return None
        # All its readings are archived: what there is can still be summed.
        first, last = first_quarter, DAWN
    return Work(
        kind=kind,
        source=source.pk,
        length_s=manager.length_s,
        summed=manager.length_s > QUARTER_S,
        retired=source.retired is not None,
        cadence_s=source.cadence_s,
        cycles=cycles,
        first=first,
        proven_to=last,
        since=manager.since or DAWN,
        until=manager.until or DUSK,
        horizon=None if keep_days is None else now - min(timedelta(days=keep_days), YOUNGEST_ARCHIVED),
    )
