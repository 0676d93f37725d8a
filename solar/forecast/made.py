"""What all inverters together really made, by the quarter: what forecasts are learned from and held against."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F, OuterRef, Subquery

from energysite.block_states import State
from energysite.timegrid import QUARTER, QUARTER_S
from meters.models import Block, Source

# A quarter with a gap is only believed where this much of it was seen: its part of a longer gap is a straight line, not the sun.
ENOUGH_S = QUARTER_S * 3 // 4

Edge = datetime | None


def quarters(start: datetime, end: datetime) -> list[int | None]:
    """Wh of each quarter of [start, end), which begin and end on quarters; None where it is not known of every inverter there was.

    An inverter is there from its first block until it is retired. Two statements.
    """
    number = (end - start) // QUARTER
    lives = _lives()
    if not lives or number <= 0:
        return [None] * max(0, number)
    known = _known(list(lives), start, end)
    first = min(begun for begun, _retired in lives.values())
    sums: list[int | None] = []
    for i in range(number):
        at = start + i * QUARTER
        there = [pk for pk, (begun, retired) in lives.items() if begun <= at and (retired is None or at < retired)]
        parts = [known.get((pk, at)) for pk in there]
        sums.append(None if at < first or not parts or None in parts else sum(part for part in parts if part is not None))
    return sums


def _lives() -> dict[int, tuple[datetime, Edge]]:
    """Source -> (start of its first quarter, when it was retired)."""
    earliest = Block.objects.filter(source_id=OuterRef("pk"), length_s=QUARTER_S).order_by("start").values("start")[:1]
    rows = (
        Source.objects.filter(kind=Source.Kind.PRODUCTION, medium=Source.Medium.SOLAR)
        .annotate(first=Subquery(earliest))
        .values_list("pk", "first", "retired")
    )
    return {pk: (first, retired) for pk, first, retired in rows if first is not None}


def _known(sources: list[int], start: datetime, end: datetime) -> dict[tuple[int, datetime], int]:
    """(source, start) -> Wh of the quarters that can be believed."""
    rows = Block.objects.filter(
        source_id__in=sources, length_s=QUARTER_S, start__gte=start - QUARTER, start__lt=end, state__in=(State.DONE, State.CLOSED)
    ).values_list("source_id", "start", "energy1", "recovered", "covered_s", F("proof") - F("end"))
    found: dict[tuple[int, datetime], int] = {}
    proven: set[tuple[int, datetime]] = set()  # edges at which a reading lies
    doubtful: list[tuple[int, datetime, int]] = []
    for source, at, energy, recovered, covered_s, late in rows:
        if late is not None and not late:
            proven.add((source, at + QUARTER))
        if energy is None:
            continue
        # A counter that stood still made nothing, however long nobody looked.
        if not recovered or energy == 0 or (covered_s or 0) >= ENOUGH_S:
            found[source, at] = energy
        else:
            doubtful.append((source, at, energy))
    for source, at, energy in doubtful:
        if (source, at) in proven and (source, at + QUARTER) in proven:  # read at both ends: exact, whatever lies between
            found[source, at] = energy
    return found
