"""The clock-quarter demand, from quarter blocks, and whether the meter says the same.

Demand = import of the quarter x 4, both registers. Only quarters that were measured count: not recovered, and covered to 99 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from energysite import house, timegrid
from energysite.timegrid import QUARTER, QUARTER_S, Period, Span
from meters.models import MeterPeak, Source

ENOUGH_S = QUARTER_S * 99 // 100
# Each of two registers is read at both ends to 1 Wh, and what is lost there counts four times in the demand.
ROUNDING_W = 8
# The meter's running average, heard some seconds before the quarter's end, lacks these.
UNHEARD = 0.02


@dataclass(frozen=True, slots=True)
class MonthPeak:
    """W. `own_*`: of our quarters (`own_start`: its begin), None without a measured one. `meter_*`: as the meter told.

    `agrees`: whether a quarter of ours at the meter's stamp has the meter's value, and none of ours is higher; None where the
    meter told nothing, or where we did not measure that quarter.
    """

    month: date
    own_w: int | None
    own_start: datetime | None
    meter_w: int | None
    meter_time: datetime | None
    agrees: bool | None


@dataclass(frozen=True, slots=True)
class Demand:
    """A measured quarter: W by its registers, and by the meter's own 1-0:1.4.0 at its end."""

    start: datetime
    own_w: int
    meter_w: int | None

    @property
    def agrees(self) -> bool | None:
        return None if self.meter_w is None else abs(self.meter_w - self.own_w) <= ROUNDING_W + UNHEARD * self.own_w


DEMAND = "4 * (coalesce(energy1, 0) + coalesce(energy2, 0))"
MEASURED = f"""meters_block WHERE source_id = %(source)s AND length_s = {QUARTER_S} AND state IN ('done', 'closed')
    AND NOT recovered AND covered_s >= {ENOUGH_S} AND (energy1 IS NOT NULL OR energy2 IS NOT NULL)"""

HIGHEST_SQL = f"""
    SELECT asked.i, best.start, best.w
    FROM unnest(%(lows)s::timestamptz[], %(highs)s::timestamptz[]) WITH ORDINALITY AS asked(low, high, i)
    CROSS JOIN LATERAL (
        SELECT start, {DEMAND} AS w FROM {MEASURED} AND start >= asked.low AND start < asked.high ORDER BY w DESC, start LIMIT 1
    ) AS best"""  # noqa: S608

AT_SQL = f"SELECT start, {DEMAND} FROM {MEASURED} AND start = ANY(%(starts)s::timestamptz[])"  # noqa: S608

QUARTERS_SQL = f"SELECT start, {DEMAND}, meter_w FROM {MEASURED} AND start >= %(low)s AND start < %(high)s ORDER BY start"  # noqa: S608


def months(source: Source, since: date, until: date, zone: ZoneInfo | None = None) -> list[MonthPeak]:
    """Each local month with a day in [since, until), in order. Three statements, whatever the length."""
    zone = zone or ZoneInfo(house.current().zone)
    periods = list(timegrid.periods(Span.MONTH, since, until))
    own = _highest(source, periods, zone)
    told = {peak.month: peak for peak in MeterPeak.objects.filter(source=source, month__gte=since.replace(day=1), month__lt=until)}
    stamps = [start for peak in told.values() if peak.time is not None for start in _starts(peak.time)]
    measured = _at(source, stamps) if stamps else {}
    found = []
    for period in periods:
        start, w = own.get(period, (None, None))
        peak = told.get(period.first)
        found.append(
            MonthPeak(
                month=period.first,
                own_w=w,
                own_start=start,
                meter_w=None if peak is None else peak.w,
                meter_time=None if peak is None else peak.time,
                agrees=None if peak is None or w is None else _agrees(w, peak, measured),
            )
        )
    return found


def _agrees(own_w: int, peak: MeterPeak, measured: dict[datetime, int]) -> bool | None:
    if own_w > peak.w + ROUNDING_W:
        return False
    if peak.time is None:
        return True if abs(own_w - peak.w) <= ROUNDING_W else None
    there = [measured[start] for start in _starts(peak.time) if start in measured]
    if any(abs(w - peak.w) <= ROUNDING_W for w in there):
        return True
    return False if len(there) == len(_starts(peak.time)) else None


def _starts(stamp: datetime) -> list[datetime]:
    """The quarters that a stamp may mean: the one that ends there and the one that begins there, by model of meter."""
    start = timegrid.quarter_start(stamp)
    return [start - QUARTER, start] if start == stamp else [start]


def _highest(source: Source, periods: list[Period], zone: ZoneInfo) -> dict[Period, tuple[datetime, int]]:
    bounds = [period.bounds(zone) for period in periods]
    values: dict[str, Any] = {"source": source.pk, "lows": [low for low, _high in bounds], "highs": [high for _low, high in bounds]}
    with connection.cursor() as cursor:
        cursor.execute(HIGHEST_SQL, values)
        return {periods[i - 1]: (start, w) for i, start, w in cursor.fetchall()}


def _at(source: Source, starts: list[datetime]) -> dict[datetime, int]:
    with connection.cursor() as cursor:
        cursor.execute(AT_SQL, {"source": source.pk, "starts": starts})
        return dict(cursor.fetchall())


def quarters(source: Source, start: datetime, end: datetime) -> list[Demand]:
    """The measured quarters that begin in [start, end), with the meter's own demand beside each."""
    with connection.cursor() as cursor:
        cursor.execute(QUARTERS_SQL, {"source": source.pk, "low": start, "high": end})
        return [Demand(*row) for row in cursor.fetchall()]
