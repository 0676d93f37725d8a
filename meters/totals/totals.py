"""Totals of any range, exact to 1 Wh and 1 l: the one place where energy is added up.

From the days of the range in one statement, then the quarters at its edges and of days that are not done; what no block has yet
(the running quarter, a backlog) is R(end) - R(start) by look-ups on the key. Never a scan of readings. Blocks count while they are
DONE or CLOSED, so that a total is right at any moment, whatever is being computed. Corrections are added.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Sum
from django.utils import timezone

from energysite import house, timegrid
from energysite.block_states import DAY_S
from energysite.blocks import Power
from energysite.timegrid import QUARTER_S, Period
from energysite.timegrid import Span as Grain
from meters.boundaries import Boundary, boundaries
from meters.kinds import KINDS
from meters.models import Correction, Source
from meters.totals import cache
from meters.totals.sums import Span, Sums, add_up
from meters.totals.total import Total

__all__ = ["Total", "of", "periods", "ranges"]


class Wanted(NamedTuple):
    source: Source
    start: datetime
    end: datetime


def of(
    sources: Sequence[Source], start: datetime, end: datetime, *, now: datetime | None = None, zone: ZoneInfo | None = None
) -> list[Total]:
    """One range that begins and ends on quarters of an hour; ValueError where it does not. In the order of the sources."""
    [found] = ranges(sources, [(start, end)], now=now, zone=zone)
    return found


def ranges(
    sources: Sequence[Source],
    wanted: Sequence[tuple[datetime, datetime]],
    *,
    now: datetime | None = None,
    zone: ZoneInfo | None = None,
) -> list[list[Total]]:
    """Several ranges in the same few statements; for each the totals in the order of the sources. `zone`: the house's."""
    found = _computed([Wanted(source, start, end) for start, end in wanted for source in sources], now or timezone.now(), _zone(zone))
    return [found[i * len(sources) : (i + 1) * len(sources)] for i in range(len(wanted))]


def periods(
    sources: Sequence[Source], grain: Grain, since: date, until: date, *, now: datetime | None = None, zone: ZoneInfo | None = None
) -> dict[Period, list[Total]]:
    """Every local day, week, month or year with a day in [since, until), whole, in order.

    What is over and complete is kept in Redis: asked again, it takes no SQL (give the zone: the house's row may be read for it).
    """
    zone, now = _zone(zone), now or timezone.now()
    bounds = {period: period.bounds(zone) for period in timegrid.periods(grain, since, until)}
    asked = [(source.pk, period) for period in bounds for source in sources]
    kept = cache.read(asked)
    found: dict[tuple[int, Period], Total] = {}
    missing: list[tuple[Source, Period]] = []
    for period in bounds:
        for source in sources:
            total = Total.restored(source, *bounds[period], kept.values.get((source.pk, period)))
            if total is None:
                missing.append((source, period))
            else:
                found[source.pk, period] = total
    if missing:
        made = _computed([Wanted(source, *bounds[period]) for source, period in missing], now, zone)
        for (source, period), total in zip(missing, made, strict=True):
            found[source.pk, period] = total
            if total.complete and total.end <= now:
                kept.keep(source.pk, period, total.plain())
        kept.store()
    return {period: [found[source.pk, period] for source in sources] for period in bounds}


def _zone(given: ZoneInfo | None) -> ZoneInfo:
    return given or ZoneInfo(house.current().zone)


def _computed(wanted: Sequence[Wanted], now: datetime, zone: ZoneInfo) -> list[Total]:
    """In the order given. Three statements at most, and one for the corrections."""
    days: list[Span] = []
    quarters: list[Span] = []
    today = timegrid.local_day(now, zone)
    for key, (source, start, end) in enumerate(wanted):
        if not KINDS[source.kind].registers and not KINDS[source.kind].channels:
            continue
        parts = timegrid.split(start, end, zone)
        first, until = parts.days[0], min(parts.days[1], today)  # today has no block that is done
        if first < until:
            morning, evening = timegrid.midnight(first, zone), timegrid.midnight(until, zone)
            days.append(Span(key, source.pk, morning, evening))
            edges = [(parts.head[0], morning), (evening, parts.tail[1])]
        else:
            edges = [(parts.head[0], parts.tail[1])]
        quarters += [Span(key, source.pk, low, high) for low, high in edges if low < high]
    sums: dict[int, Sums] = {}
    quarters += add_up(days, DAY_S, sums)
    holes = [hole for hole in add_up(quarters, QUARTER_S, sums) if KINDS[wanted[hole.key].source.kind].registers]
    looked = _looked_up(holes, wanted)
    corrected = _corrections(wanted)
    return [_total(one, sums.get(key, Sums()), looked.get(key, []), corrected[key]) for key, one in enumerate(wanted)]


class Found(NamedTuple):
    """What look-ups say of a hole: energies of those registers that both ends prove."""

    energies: dict[str, int]
    unknown: frozenset[str]
    interpolated: bool  # no reading lies in it
    open: bool  # blocks may still come to lie there


def _looked_up(holes: Sequence[Span], wanted: Sequence[Wanted]) -> dict[int, list[Found]]:
    places: dict[tuple[int, datetime], int] = {}
    asked: list[tuple[Source, datetime]] = []
    for hole in holes:
        for at in (hole.low, hole.high):
            if (hole.source_id, at) not in places:
                places[hole.source_id, at] = len(asked)
                asked.append((wanted[hole.key].source, at))
    near = boundaries(asked)
    found: dict[int, list[Found]] = {}
    for hole in holes:
        low, high = (near[places[hole.source_id, at]] for at in (hole.low, hole.high))
        found.setdefault(hole.key, []).append(between(low, high, retired=wanted[hole.key].source.retired is not None))
    return found


def between(low: Boundary, high: Boundary, *, retired: bool) -> Found:
    """The energy between two instants, clipped to what the source has counted at all."""
    begun = bool(low.ended or low.before)
    if not begun and not (high.before and high.before[0][0] < high.at):
        return Found({}, frozenset(), interpolated=False, open=False)  # it had not begun yet
    last = high.before[0][0] if high.before else None
    if not high.begun and not high.ended and not high.after and (last is None or last < low.at):
        return Found({}, frozenset(), interpolated=False, open=not retired)  # it has told nothing since
    energies: dict[str, int] = {}
    unknown: set[str] = set()
    for i, name in enumerate(low.kind.registers):
        start = low.value(i)
        if start is None and not begun and (first := low.point_after(i)) is not None:
            start = first[1]
        end = high.value(i)
        if end is None and not high.after and (newest := high.point_before(i)) is not None:
            end = newest[1]
        if start is None or end is None:
            continue
        if end < start:
            unknown.add(name)
        else:
            energies[name] = end - start
    return Found(energies, frozenset(unknown), interpolated=last is None or last <= low.at, open=True)


def _corrections(wanted: Sequence[Wanted]) -> list[dict[str, int]]:
    """Of each range: what people added to its registers."""
    if not wanted:
        return []
    rows = (
        Correction.objects.filter(
            source__in={one.source.pk for one in wanted},
            undone=None,
            start__gte=min(one.start for one in wanted),
            start__lt=max(one.end for one in wanted),
        )
        .order_by()
        .values_list("source_id", "register", "start")
        .annotate(delta=Sum("delta"))
    )
    found: list[dict[str, int]] = [{} for _one in wanted]
    for source_id, register, start, delta in rows:
        for one, corrected in zip(wanted, found, strict=True):
            if one.source.pk == source_id and one.start <= start < one.end:
                corrected[register] = corrected.get(register, 0) + delta
    return found


def _total(one: Wanted, sums: Sums, holes: Sequence[Found], corrected: dict[str, int]) -> Total:
    kind = KINDS[one.source.kind]
    registers = {name: energy for name, energy in zip(kind.registers, sums.energies, strict=False) if energy is not None}
    unknown = frozenset[str]().union(*(hole.unknown for hole in holes))
    for energies in (*(hole.energies for hole in holes), corrected):
        for name, energy in energies.items():
            registers[name] = registers.get(name, 0) + energy
    mean = (2 * sums.mean_ws + sums.mean_s) // (2 * sums.mean_s) if sums.mean_s else None
    return Total(
        source=one.source,
        start=one.start,
        end=one.end,
        registers={name: registers[name] for name in kind.registers if name in registers and name not in unknown},
        coverage=sums.covered_s / (one.end - one.start).total_seconds() if one.end > one.start else 0.0,
        recovered=sums.recovered or any(hole.interpolated for hole in holes),
        corrected=corrected,
        complete=sums.closed and not any(hole.open for hole in holes),
        unknown=unknown,
        power=Power(sums.least, mean, sums.most),
        blocks=sums.blocks,
    )
