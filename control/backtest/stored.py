"""The house's own past as a history: from blocks of a minute where they are, of a quarter elsewhere, the load's own share taken out."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import isnan, nan
from zoneinfo import ZoneInfo

from django.db import connection

from control import models
from control.backtest.csv_file import BadHistory
from control.backtest.history import STEP_S, History
from energysite import place, sun, timegrid
from energysite.models import House
from meters.models import Source

MINUTE_S, QUARTER_S, HOUR_S = 60, 900, 3600
# What a house uses is what comes in and what its devices make or give.
PARTS = (Source.Kind.ELECTRICITY, Source.Kind.PRODUCTION, Source.Kind.BATTERY)
# While it was on and the house took less than this share of its power, it drew nothing.
DREW = 0.6
BLOCKS = """
    SELECT extract(epoch FROM start)::bigint, mean1, energy1,
        coalesce(energy1, 0) + coalesce(energy2, 0) - coalesce(energy3, 0) - coalesce(energy4, 0),
        coalesce(energy2, 0) - coalesce(energy1, 0)
    FROM meters_block WHERE source_id = %s AND length_s = %s AND start >= %s AND start < %s AND state IN ('done', 'closed')
        AND NOT (recovered AND covered_s = 0) ORDER BY start"""


@dataclass(frozen=True, slots=True)
class Range:
    """Minutes from `start` (epoch, on a quarter) on."""

    start: int
    minutes: int

    @property
    def begin(self) -> datetime:
        return datetime.fromtimestamp(self.start, UTC)

    @property
    def end(self) -> datetime:
        return datetime.fromtimestamp(self.start + self.minutes * STEP_S, UTC)


def read(since: date | None, until: date | None, house: House, controller: models.Controller | None, now: datetime) -> History:
    """Local days from `since` up to and with `until`; without them the last 365 days that hold something. Raises BadHistory where
    nothing is stored, and django.db.Error."""
    zone = ZoneInfo(house.zone)
    sources = list(Source.objects.filter(kind__in=PARTS).order_by("pk"))
    grid = [source for source in sources if source.kind == Source.Kind.ELECTRICITY]
    if not grid:
        raise BadHistory("No meter is stored here: there is no history to try anything on. Give a file with --csv.")
    last = until or timegrid.local_day(now, zone)
    first = since or _first_day(grid, zone, last)
    if first is None or first > last:
        raise BadHistory(f"Nothing was measured from {first or last} to {last}.")
    start = int(timegrid.midnight(first, zone).timestamp())
    end = min(int(timegrid.midnight(last + timedelta(days=1), zone).timestamp()), int(now.timestamp()) // QUARTER_S * QUARTER_S)
    span = Range(start, max(0, end - start) // STEP_S)
    net, quarters = _sum([_watts(source, span) for source in grid])
    solar, _spread = _sum([_watts(source, span) for source in sources if source.kind == Source.Kind.PRODUCTION])
    battery, _spread = _sum([_watts(source, span) for source in sources if source.kind == Source.Kind.BATTERY])
    _dark(solar, span, house)
    known = any(source.kind == Source.Kind.PRODUCTION for source in sources)
    used = _used(net, solar if known else None, battery)
    notes = []
    if quarters:
        notes.append(f"{100 * quarters:.0f} % of it is known by the quarter of an hour only, and is held level in it.")
    if controller is not None:
        notes += _without(used, span, controller)
    if not any(watts is not None for watts in used):
        raise BadHistory(f"Nothing was measured from {first} to {last}.")
    made = [None if used[i] is None else (solar[i] if known else 0.0) for i in range(span.minutes)]
    return History(start, used, made, house.zone, tuple(notes))


def _first_day(grid: list[Source], zone: ZoneInfo, last: date) -> date | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(start) FROM meters_block WHERE source_id = ANY(%s::smallint[]) AND length_s = %s AND state IN ('done', 'closed')",
            [[source.pk for source in grid], QUARTER_S],
        )
        [[found]] = cursor.fetchall()
    if found is None:
        return None
    return max(timegrid.local_day(found, zone), last - timedelta(days=364))


def _watts(source: Source, span: Range) -> tuple[array[float], array[float]]:
    """(of each minute, NaN where nothing is known; the same from quarters only)."""
    by_minute, by_quarter = array("d", [nan]) * span.minutes, array("d", [nan]) * span.minutes
    for target, length_s in ((by_quarter, QUARTER_S), (by_minute, MINUTE_S)):
        for at, watts in _rows(source, span, length_s):
            minute = (at - span.start) // STEP_S
            for i in range(minute, min(span.minutes, minute + length_s // STEP_S)):
                target[i] = watts
    return by_minute, by_quarter


def _rows(source: Source, span: Range, length_s: int) -> Iterator[tuple[int, float]]:
    """(epoch, W) of its blocks: of the counters where they are fine enough to say it, else the mean power."""
    with connection.cursor() as cursor:
        cursor.execute(BLOCKS, [source.pk, length_s, span.begin, span.end])
        for at, mean, known, taken, given in cursor.fetchall():
            counted = given if source.kind == Source.Kind.BATTERY else taken
            if length_s >= QUARTER_S and known is not None:
                yield int(at), counted * HOUR_S / length_s
            elif mean is not None:
                yield int(at), float(mean)
            elif known is not None:
                yield int(at), counted * HOUR_S / length_s


def _sum(parts: list[tuple[array[float], array[float]]]) -> tuple[list[float | None], float]:
    """(of each minute the sum of the sources that were there then, None where nobody was; the share that came from quarters)."""
    if not parts:
        return [], 0.0
    total: list[float | None] = [None] * len(parts[0][0])
    spread = known = 0
    for by_minute, by_quarter in parts:
        for i, watts in enumerate(by_minute):
            if isnan(watts):
                watts = by_quarter[i]
                if isnan(watts):
                    continue
                spread += 1
            known += 1
            total[i] = watts + (total[i] or 0.0)
    return total, spread / known if known else 0.0


def _dark(solar: list[float | None], span: Range, house: House) -> None:
    """Inverters that are off at night make nothing then."""
    where = place.of(house)
    if where is None:
        return
    for first in range(0, len(solar), QUARTER_S // STEP_S):
        piece = range(first, min(len(solar), first + QUARTER_S // STEP_S))
        if any(solar[i] is None for i in piece) and sun.is_night(where, span.start + first * STEP_S):
            for i in piece:
                if solar[i] is None:
                    solar[i] = 0.0


def _used(net: list[float | None], solar: list[float | None] | None, battery: list[float | None]) -> list[float | None]:
    """What the house used: net + sun + what the battery gave; a battery's work belongs to the house that is tried on."""
    used: list[float | None] = []
    for i, watts in enumerate(net):
        sun_w = 0.0 if solar is None else solar[i]
        used.append(None if watts is None or sun_w is None else max(0.0, watts + sun_w + (battery[i] or 0.0 if battery else 0.0)))
    return used


def _without(used: list[float | None], span: Range, controller: models.Controller) -> list[str]:
    """Take the load's own past out of the house: in the minutes in which it was on and drew, what it drew on that day."""
    minutes = {i: share for first, until in _on(span, controller) for i, share in _shares(first, until, span)}
    drew = {i: share for i, share in minutes.items() if (used[i] or 0.0) >= DREW * controller.load_w * share}
    zone = ZoneInfo(House.objects.values_list("zone", flat=True).first() or "UTC")
    energies = dict(models.ControllerDay.objects.filter(controller=controller).values_list("local_date", "energy_wh"))
    days: dict[date, float] = {}
    of: dict[int, date] = {}
    for i, share in drew.items():
        of[i] = timegrid.local_day(datetime.fromtimestamp(span.start + i * STEP_S, UTC), zone)
        days[of[i]] = days.get(of[i], 0.0) + share
    taken_wh = 0.0
    for i, share in drew.items():
        measured_w = energies.get(of[i], 0.0) * 60 / days[of[i]] if days[of[i]] else 0.0
        watts = min(used[i] or 0.0, share * (min(measured_w, 1.2 * controller.load_w) or controller.load_w))
        used[i] = (used[i] or 0.0) - watts
        taken_wh += watts / 60
    if not taken_wh:
        return []
    return [f"{taken_wh / 1000:.1f} kWh that {controller.name} drew itself were taken out."]


def _on(span: Range, controller: models.Controller) -> Iterator[tuple[float, float]]:
    """(from, until) epochs at which its output was on."""
    before = models.Switch.objects.filter(output=controller.output_id, time__lt=span.begin).order_by("-time").first()
    since = float(span.start) if before is not None and before.level > 0 else None
    rows: Iterable[tuple[datetime, float]] = (
        models.Switch.objects.filter(output=controller.output_id, time__gte=span.begin, time__lt=span.end)
        .order_by("time")
        .values_list("time", "level")
    )
    for time, level in rows:
        at = time.timestamp()
        if level > 0 and since is None:
            since = at
        elif level <= 0 and since is not None:
            yield since, at
            since = None
    if since is not None:
        yield since, span.end.timestamp()


def _shares(first: float, until: float, span: Range) -> Iterator[tuple[int, float]]:
    """(minute, how much of it) of a stretch."""
    low = int((first - span.start) // STEP_S)
    high = int(-(-(until - span.start) // STEP_S))
    for i in range(max(0, low), min(span.minutes, high)):
        begin = span.start + i * STEP_S
        share = (min(until, begin + STEP_S) - max(first, begin)) / STEP_S
        if share > 0:
            yield i, share
