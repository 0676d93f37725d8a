"""What was counted in each slot of a period, by medium. Everything comes from `meters.totals`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dashboard.energy import balances
from dashboard.energy.asked import Asked, Grain
from dashboard.energy.daylight import daylight
from dashboard.energy.slots import Slot, slots
from energysite import house, place
from energysite.block_states import State
from energysite.timegrid import QUARTER_S, Span
from meters.balance import Balance
from meters.models import Block, Source
from meters.totals import totals
from meters.totals.balance import HouseTotal
from meters.totals.totals import Total

# A stretch counts as measured throughout when this much of it is: the edges of a first reading are no gap.
WHOLE = 0.995
SECOND = timedelta(seconds=1)
BACKLOG_AGE = timedelta(hours=2)
SOON = timedelta(minutes=10)
MAKING = (Source.Kind.PRODUCTION, Source.Kind.BATTERY)
# Gas and water meters may speak once an hour, and a block waits for the reading after it.
SETTLE = {"gas": timedelta(minutes=75), "water": timedelta(minutes=75)}


@dataclass(frozen=True, slots=True)
class Cell:
    """One medium in one slot. `values`: Wh and l by the names of `meters.kinds.total_name`; a register that is not known is absent.

    `coverage`: the part of it, as far as it has passed, that readings stand for; None where that is not known yet.
    """

    values: dict[str, int] = field(default_factory=dict)
    coverage: float | None = None
    recovered: bool = False
    corrected: dict[str, int] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        return not self.values

    def sum(self, prefix: str) -> int | None:
        """Of all registers whose name begins so; None where none is known."""
        found = [value for name, value in self.values.items() if name.startswith(prefix)]
        return sum(found) if found else None


@dataclass(frozen=True, slots=True)
class Column:
    """One medium: a cell for each slot, and the whole period. `settle`: how long its readings may take into their blocks.
    `awake`: the part of each slot in which there is something to read: an inverter sleeps in the dark."""

    cells: list[Cell]
    total: Cell
    settle: timedelta = SOON
    awake: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Use:
    """What the house used in the period and in each slot, of the quarters that are known; made of whole quarters of an hour."""

    total: HouseTotal
    slots: list[HouseTotal]

    @property
    def balances(self) -> list[Balance | None]:
        return [one.balance for one in self.slots]


@dataclass(frozen=True, slots=True)
class Earlier:
    """The period before, its cells at the places of those that they are compared with. `use`: see Picture."""

    columns: dict[str, Column]
    use: Use | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """All that a page shows of a period. `first`: when the oldest block of anything began, None where there is none.

    `backlog`: blocks of the past are still being made. Numbers are right all the same, their coverage is not known yet.
    `use`: None where no sun is counted, or nobody can tell: a battery that is not read, meters that feed different houses.
    """

    asked: Asked
    slots: list[Slot]
    columns: dict[str, Column]
    before: Earlier | None
    first: datetime | None
    now: datetime
    backlog: bool = False
    use: Use | None = None

    def total(self, medium: str) -> Cell:
        return self.columns[medium].total if medium in self.columns else Cell()

    def total_before(self, medium: str) -> Cell | None:
        if self.before is None:
            return None
        return self.before.columns[medium].total if medium in self.before.columns else Cell()

    def ahead(self, slot: Slot) -> bool:
        """It has not begun, or it ended before anything was measured: nothing is missing there."""
        return slot.start >= self.now or self.first is None or slot.end <= self.first

    def running(self, slot: Slot, column: Column) -> bool:
        """It goes on, or its last readings may still be on their way into their blocks."""
        return slot.start < self.now < slot.end + column.settle

    def missing(self, place: int, column: Column) -> bool:
        slot = self.slots[place]
        return column.cells[place].empty and not self.ahead(slot) and not self.running(slot, column)

    def covered(self, medium: str) -> float | None:
        """The share of the passed part of the period that readings stand for; None where nothing has passed or been measured."""
        column = self.columns.get(medium)
        if column is None or column.total.empty or self.backlog:
            return None
        awake = column.awake or [1.0] * len(self.slots)
        weights = [
            (part * ((slot.end - slot.start) / SECOND), min(1.0, (cell.coverage or 0.0) / part))
            for slot, cell, part in zip(self.slots, column.cells, awake, strict=True)
            if part and not self.ahead(slot) and not self.running(slot, column) and (cell.empty or cell.coverage is not None)
        ]
        length = sum(seconds for seconds, _share in weights)
        return sum(seconds * share for seconds, share in weights) / length if length else None


def picture(asked: Asked, sources: Sequence[Source], zone: ZoneInfo, now: datetime, *, whole: bool = True) -> Picture:
    """`whole`: these are all that feed the house. Needs the database: raises what Django raises where it is away."""
    own = slots(asked, zone)
    before = None
    if asked.compare:
        earlier = asked.at(asked.period.previous)
        theirs = slots(earlier, zone)
        columns = _columns(earlier, sources, theirs, zone, now)
        use = _use(earlier, sources, theirs, columns, now) if whole else None
        before = Earlier(
            {medium: _beside(own, theirs, column) for medium, column in columns.items()}, use and _use_beside(own, theirs, use)
        )
    columns = _columns(asked, sources, own, zone, now)
    use = _use(asked, sources, own, columns, now) if whole else None
    return Picture(asked, own, columns, before, first_block(sources), now, has_backlog(sources, now), use)


def _use(asked: Asked, sources: Sequence[Source], own: Sequence[Slot], columns: Mapping[str, Column], now: datetime) -> Use | None:
    row = house.current()
    if row.unread_battery or "electricity" not in columns or not any(source.kind in MAKING for source in sources):
        return None
    return Use(*balances.totals(balances.whose(row, sources), asked, own, now))


def _columns(asked: Asked, sources: Sequence[Source], own: Sequence[Slot], zone: ZoneInfo, now: datetime) -> dict[str, Column]:
    """By medium; one that counted nothing at all in the period is left out. The parts of sources of one medium are added up."""
    parts, told = _totals(asked, sources, own, zone, now), told_until(sources)
    period = asked.period
    whole = totals.periods(sources, period.span, period.first, period.until, zone=zone, now=now)[period]
    found = {}
    for medium in dict.fromkeys(source.medium for source in sources):
        cells = [_cell([total for total in part if total.source.medium == medium], now, told) for part in parts]
        total = _cell([total for total in whole if total.source.medium == medium], now, told)
        if not total.empty:
            awake = daylight(own, place.of(house.current())) if medium == Source.Medium.SOLAR else ()
            found[medium] = Column(cells, total, SETTLE.get(medium, SOON), awake)
    return found


def _totals(asked: Asked, sources: Sequence[Source], own: Sequence[Slot], zone: ZoneInfo, now: datetime) -> list[list[Total]]:
    """Of every source in every slot."""
    if asked.grain in (Grain.DAY, Grain.MONTH):
        span = Span.DAY if asked.grain is Grain.DAY else Span.MONTH
        by_period = totals.periods(sources, span, asked.period.first, asked.period.until, zone=zone, now=now)
        return [by_period[slot.deeper] for slot in own if slot.deeper is not None]
    return totals.ranges(sources, [(slot.start, slot.end) for slot in own], now=now)


def _cell(parts: Sequence[Total], now: datetime, told: Mapping[int, datetime]) -> Cell:
    """Several devices one after the other: each covers its own part. `told`: see told_until."""
    values: dict[str, int] = {}
    corrected: dict[str, int] = {}
    for total in parts:
        if total.source.pk in told and total.start >= told[total.source.pk]:
            continue  # at best its last reading stands where the stretch begins: a zero would be made up
        for name, value in total.named.items():
            values[name] = values.get(name, 0) + value
        for name, delta in total.corrected.items():
            corrected[name] = corrected.get(name, 0) + delta
    unknown = {name for total in parts for name in total.unknown}
    if not parts or not values:
        return Cell()
    known = [total for total in parts if total.blocks or total.complete]  # the rest was looked up: its blocks are still to be made
    passed = (min(now, parts[0].end) - parts[0].start) / (parts[0].end - parts[0].start)
    share = sum(total.coverage for total in known)
    return Cell(
        values={name: value for name, value in values.items() if name not in unknown},
        coverage=min(1.0, share / passed) if passed > 0 and known else None,
        recovered=any(total.recovered for total in parts),
        corrected=corrected,
    )


def _beside(own: Sequence[Slot], theirs: Sequence[Slot], column: Column) -> Column:
    """Their cells at the places of ours: the same hour, weekday, day of the month or month; empty where there is none."""
    by_place = {slot.place: cell for slot, cell in zip(theirs, column.cells, strict=True) if slot.place}
    return Column([by_place.get(slot.place, Cell()) for slot in own], column.total)


def _use_beside(own: Sequence[Slot], theirs: Sequence[Slot], use: Use) -> Use:
    by_place = {slot.place: total for slot, total in zip(theirs, use.slots, strict=True) if slot.place}
    return Use(use.total, [by_place.get(slot.place, HouseTotal(slot.start, slot.end)) for slot in own])


def first_block(sources: Sequence[Source]) -> datetime | None:
    """When the oldest quarter of any of them begins. One look-up on the key each, in one statement."""
    oldest = [
        Block.objects.filter(source=source, length_s=QUARTER_S).order_by("start").values_list("start", flat=True)[:1] for source in sources
    ]
    return min(oldest[0].union(*oldest[1:]), default=None) if oldest else None


def told_until(sources: Sequence[Source]) -> dict[int, datetime]:
    """Source id -> the end of its newest quarter: it has told nothing of later ones. Those without any quarter are left out."""
    quarters = Block.objects.filter(length_s=QUARTER_S).order_by("-start").values_list("source_id", "end")
    newest = [quarters.filter(source=source)[:1] for source in sources]
    return dict(newest[0].union(*newest[1:])) if newest else {}


def has_backlog(sources: Sequence[Source], now: datetime) -> bool:
    """Whether quarters of some time ago wait, more than the one that a silent source leaves open.

    Managers take the oldest first, so the newest few tell: a few look-ups on the key, whatever is still open.
    """
    quarters = Block.objects.filter(length_s=QUARTER_S, start__lt=now - BACKLOG_AGE).order_by("-start").values_list("source_id", "state")
    newest = [quarters.filter(source=source)[:4] for source in sources]
    waiting = Counter(source for source, state in newest[0].union(*newest[1:], all=True) if state == State.TO_DO) if newest else Counter()
    return any(number > 1 for number in waiting.values())
