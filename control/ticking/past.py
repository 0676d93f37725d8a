"""What only the database knows of the grid: the month's peak of a meter that tells none, and where its counters stood."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from energysite import house, timegrid
from energysite.kept import Kept
from meters.boundaries import boundaries
from meters.kinds import KINDS
from meters.models import Source
from meters.totals import peaks

FRESH_S = 300.0
IMPORT = ("import_t1_wh", "import_t2_wh")


def month_peak_w(source_ids: Sequence[int | None], now: datetime) -> int | None:
    """The highest measured quarter of the month so far, of several meters the highest; None before a first one."""
    zone = ZoneInfo(house.current().zone)
    today = timegrid.local_day(now, zone)
    found = [
        month.own_w
        for source in Source.objects.filter(pk__in=[pk for pk in source_ids if pk is not None])
        for month in peaks.months(source, today, today + timedelta(days=1), zone)
        if month.own_w is not None
    ]
    return max(found, default=None)


class MonthPeak:
    """The same, asked again every few minutes: a quarter is closed no more often."""

    def __init__(self) -> None:
        self._sources: Sequence[int | None] = ()
        self._now = datetime.now(UTC)
        self._kept = Kept(lambda: month_peak_w(self._sources, self._now), FRESH_S)

    def get(self, source_ids: Sequence[int | None], now: datetime) -> int | None:
        self._sources, self._now = source_ids, now
        return self._kept.get()


def import_wh(source_ids: Sequence[int | None], start: int) -> int | None:
    """The import counters as the meters showed them at the begin of a quarter (epoch), added up; None where that is not known."""
    ids = [pk for pk in source_ids if pk is not None]
    if len(ids) < len(source_ids) or not ids:
        return None
    at = datetime.fromtimestamp(start, UTC)
    registers = KINDS[Source.Kind.ELECTRICITY].registers
    total = 0
    for boundary in boundaries([(source, at) for source in Source.objects.filter(pk__in=ids)]):
        values = [
            value - boundary.offset(register, at)
            for register, name in enumerate(registers)
            if name in IMPORT and (value := boundary.value(register)) is not None
        ]
        if not values:
            return None
        total += sum(values)
    return total
