"""The nightly check: what blocks add up to against the difference of the registers, for every day and month that changed.

Where readings prove both ends they are asked themselves; for older days the counters that the quarters at both ends have kept. A
difference is told on /health/, and its blocks are computed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from django.db import transaction
from django.db.models import Min, Q
from django.utils import timezone

from energysite import house
from energysite.block_states import DAY_S, State
from energysite.models import AgentState
from energysite.timegrid import QUARTER_S, Period
from energysite.timegrid import Span as Grain
from meters.blocks import days, touch
from meters.boundaries import Boundary, boundaries
from meters.kinds import KINDS
from meters.models import Block, DataManager, Source
from meters.totals import totals
from meters.totals.sums import Span, Sums, add_up

log = structlog.get_logger(__name__)

NAME = "totals check"
AT = time(4, 30)  # local; after the backup
LONGEST = timedelta(hours=2)  # then another worker may try
OVERLAP = timedelta(minutes=10)  # a block's time is that of its computation: it may commit later
PERIODS_AT_ONCE = 200
MOST_TOLD = 50
# What a retention run takes away tonight must not be taken for a proof.
MARGIN = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Difference:
    """Wh or l. `counted`: what the blocks add up to, `proven`: what the counters say."""

    source: int
    name: str
    span: str
    first: str  # ISO date
    register: str
    counted: int
    proven: int

    @property
    def period(self) -> Period:
        return Period.of(Grain(self.span), date.fromisoformat(self.first))


def state() -> dict[str, Any]:
    """The last check: at (epoch), periods, differences; {} before the first."""
    return AgentState.objects.filter(pk=NAME).values_list("state", flat=True).first() or {}


def is_due(now: datetime, zone: ZoneInfo, last: float | None) -> bool:
    """Whether the last 04:30 of the house has not been followed by a check."""
    at = now.astimezone(zone).replace(hour=AT.hour, minute=AT.minute, second=0, microsecond=0, fold=0)
    if at > now:
        at -= timedelta(days=1)  # the wall clock of the day before
    return last is None or last < at.timestamp()


def look() -> None:
    """What the worker does every quarter of an hour."""
    now, zone = timezone.now(), ZoneInfo(house.current().zone)
    if Source.objects.exists() and is_due(now, zone, state().get("at")) and _claimed(now):
        days.rebuild(now)  # where the house moved to another zone and nobody made its days
        run(now, zone)


def _claimed(now: datetime) -> bool:
    AgentState.objects.get_or_create(pk=NAME, defaults={"kind": "check"})
    free = AgentState.objects.filter(Q(busy_until=None) | Q(busy_until__lte=now), pk=NAME)
    return bool(free.update(busy_until=now + LONGEST))


def run(now: datetime, zone: ZoneInfo) -> list[Difference]:
    """Checks what changed since the last time, and once more what differed then; keeps and returns the differences."""
    before = state()
    since = datetime.fromtimestamp(before["at"], now.tzinfo) if "at" in before else None
    again = [Difference(**row) for row in before.get("differences", ())]
    periods, found = 0, []
    for source in Source.objects.order_by("pk"):
        if not KINDS[source.kind].registers:
            continue
        wanted = _touched(source, since, now, zone, [one.period for one in again if one.source == source.pk])
        periods += len(wanted)
        for i in range(0, len(wanted), PERIODS_AT_ONCE):
            found += differences(source, wanted[i : i + PERIODS_AT_ONCE], now, zone)
    for one in found[:MOST_TOLD]:
        log.error("a total differs from its counters", **asdict(one))
    told = {"at": now.timestamp(), "periods": periods, "number": len(found), "differences": [asdict(one) for one in found[:MOST_TOLD]]}
    AgentState.objects.update_or_create(pk=NAME, defaults={"kind": "check", "state": told, "busy_until": None})
    return found


def _touched(source: Source, since: datetime | None, now: datetime, zone: ZoneInfo, again: Iterable[Period]) -> list[Period]:
    """The days whose values changed, and the months they lie in, as far as they are over."""
    changed = Block.objects.filter(source=source, length_s=DAY_S, state__in=[State.DONE, State.CLOSED])
    if since is not None:
        changed = changed.filter(done_at__gte=since - OVERLAP)
    days = {Period.of(Grain.DAY, day) for day in changed.values_list("local_date", flat=True) if day is not None}
    periods = days | {Period.of(Grain.MONTH, day.first) for day in days} | set(again)
    return sorted(period for period in periods if period.bounds(zone)[1] <= now)


def differences(source: Source, periods: Sequence[Period], now: datetime, zone: ZoneInfo) -> list[Difference]:
    """Those of these periods whose blocks do not add up to what their counters prove; their blocks are to be computed again."""
    wrong = _compared(source, periods, now, zone)
    if wrong:  # a reading may have come between two statements: only what differs twice does differ
        wrong = _compared(source, sorted({one.period for one in wrong}), now, zone)
    if wrong:
        with transaction.atomic():
            touch.reopen(source.pk, [one.period.bounds(zone) for one in wrong])
    return wrong


@dataclass(frozen=True, slots=True)
class Edge:
    """The counters at an edge: `measured` by readings that are all still there, else as the quarter that ends there has `kept` them."""

    measured: Boundary | None
    kept: Boundary

    def value(self, register: int) -> int | None:
        if self.measured is not None:
            return self.measured.value(register)
        return self.kept.ended[register] if self.kept.ended else None


def _compared(source: Source, periods: Sequence[Period], now: datetime, zone: ZoneInfo) -> list[Difference]:
    bounds = [period.bounds(zone) for period in periods]
    counted = [total for [total] in totals.ranges([source], bounds, now=now, zone=zone)]
    quarters: dict[int, Sums] = {}
    uncovered = {hole.key for hole in add_up([Span(i, source.pk, *edges) for i, edges in enumerate(bounds)], QUARTER_S, quarters)}
    instants = [(source, at) for edges in bounds for at in edges]
    floor = _raw_from(source, now)
    edges = [
        Edge(measured if floor is None or measured.at >= floor else None, kept)
        for measured, kept in zip(boundaries(instants, blocks=False), boundaries(instants), strict=True)
    ]
    wrong: list[Difference] = []
    for i, total in enumerate(counted):
        sums = None if i in uncovered else quarters.get(i)
        for register, name in enumerate(KINDS[source.kind].registers):
            proven = _other_than(total, register, name, edges[2 * i], edges[2 * i + 1], sums)
            if proven is not None:
                label = (source.pk, source.name, str(periods[i].span), periods[i].first.isoformat(), name)
                wrong.append(Difference(*label, total.registers[name], proven))
    return wrong


def _other_than(total: totals.Total, register: int, name: str, low: Edge, high: Edge, quarters: Sums | None) -> int | None:
    """What the counters or the quarters say of a register where that is not what was counted."""
    if name not in total.registers:
        return None
    proofs: list[int] = []
    begun, ended = low.value(register), high.value(register)
    if begun is not None and ended is not None:
        proofs.append(ended - begun)
    if quarters is not None and (energy := quarters.energies[register]) is not None:
        proofs.append(energy)
    corrected = total.corrected.get(name, 0)
    return next((proof + corrected for proof in proofs if proof + corrected != total.registers[name]), None)


def _raw_from(source: Source, now: datetime) -> datetime | None:
    """From when on every reading is still there; None: they are all kept."""
    archives = DataManager.objects.filter(source=source, algorithm=DataManager.Algorithm.ARCHIVE, enabled=True)
    kept = archives.aggregate(days=Min("keep_days"))["days"]
    return None if kept is None else now - timedelta(days=kept) + MARGIN
