"""A local day of every meter, as the page shows it: what was counted, from when, until when, and where the counters stand.

A day that runs ends at the latest reading: R(latest) - R(midnight), one statement with its corrections. A day that is over comes
from the totals, which are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from energysite import timegrid
from energysite.timegrid import Span
from meters.boundaries import DAWN, Boundary, boundaries
from meters.models import Source
from meters.totals import totals


@dataclass(slots=True)
class Totals:
    """What one medium of one meter counted in a day; Wh or l by register, corrections included.

    `unknown`: registers that went back, so that nothing can be said; one that the meter does not have is in neither.
    `counted_from`: the first reading where the day began without one, else None. `last`: the newest reading of the day,
    None where its energy comes from the readings around it alone. `counters`: what the newest device showed at its end.
    """

    registers: dict[str, int] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()
    counted_from: datetime | None = None
    last: datetime | None = None


@dataclass(slots=True)
class Day:
    """`totals` by (meter id, medium); without an entry nothing was counted. `others`: of sources without a meter, by their id; without
    registers where they counted nothing.
    `first`: the day of the oldest reading of all."""

    totals: dict[tuple[int, str], Totals]
    first: date | None
    others: dict[int, Totals] = field(default_factory=dict)


def day(which: date, zone: ZoneInfo, sources: Sequence[Source], now: datetime) -> Day:
    """The sources of a replaced device are summed."""
    start, end = timegrid.day_bounds(which, zone)
    found = boundaries([(source, at) for source in sources for at in (DAWN, start, end)], corrected=(start, end))
    over = None
    if end <= now and sources:
        [of_day] = totals.periods(sources, Span.DAY, which, which + timegrid.DAY, now=now, zone=zone).values()
        over = {total.source.pk: total for total in of_day}
    parts: dict[tuple[int, str], list[Totals]] = {}
    others: dict[int, Totals] = {}
    for source, low, high in zip(sources, found[1::3], found[2::3], strict=True):
        part = _running(source, low, high)
        if over is not None:
            part = _ended(over[source.pk], part)
        if source.meter_id is None:
            others[source.pk] = part or Totals(counters=_shown(high))
        elif part is not None:
            parts.setdefault((source.meter_id, source.medium), []).append(part)
    oldest = min((one.after[0][0] for one in found[::3] if one.after), default=None)
    return Day(
        totals={key: _summed(several) for key, several in parts.items()},
        first=None if oldest is None else timegrid.local_day(oldest, zone),
        others=others,
    )


def _running(source: Source, low: Boundary, high: Boundary) -> Totals | None:
    """From the readings and end counters around the day; None where nothing was counted in it."""
    counted = totals.between(low, high, retired=source.retired is not None)
    deltas: dict[str, int] = {}
    for register, _start, delta in low.corrections:
        deltas[register] = deltas.get(register, 0) + delta
    registers = {
        name: counted.energies.get(name, 0) + deltas.get(name, 0)
        for name in low.kind.registers
        if name not in counted.unknown and (name in counted.energies or name in deltas)
    }
    if not registers and not counted.unknown:
        return None
    begun = bool(low.ended or low.before)
    last = high.before[0][0] if high.before else None
    return Totals(
        registers=registers,
        counters=_shown(high),
        unknown=counted.unknown,
        counted_from=None if begun or not low.after else low.after[0][0],
        last=last if last is not None and last >= low.at else None,
    )


def _shown(high: Boundary) -> dict[str, int]:
    """R(end) as the newest device shows it: the live frame, which counts on from there, knows no cycles."""
    shown: dict[str, int] = {}
    for i, name in enumerate(high.kind.registers):
        newest = high.point_before(i)
        value = high.value(i) if high.after or newest is None or high.ended else newest[1]
        if value is not None:
            shown[name] = value - high.offset(i, high.at if newest is None else newest[0])
    return shown


def _ended(total: totals.Total, part: Totals | None) -> Totals | None:
    if not total.registers and not total.unknown:
        return None
    part = part or Totals()
    part.registers, part.unknown = total.registers, total.unknown
    return part


def _summed(parts: Sequence[Totals]) -> Totals:
    """Several devices one after the other."""
    whole_day = any(part.counted_from is None for part in parts)
    unknown = frozenset[str]().union(*(part.unknown for part in parts))
    names = {name for part in parts for name in part.registers} - unknown
    return Totals(
        registers={name: sum(part.registers.get(name, 0) for part in parts) for name in sorted(names)},
        counters=max(parts, key=lambda part: part.last or DAWN).counters,
        unknown=unknown,
        counted_from=None if whole_day else min(part.counted_from for part in parts if part.counted_from),
        last=max((part.last for part in parts if part.last), default=None),
    )
