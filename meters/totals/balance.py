"""The balance of the house over any range, exact: from its quarters, each of which has to be known of every meter, inverter and battery.

use = import + solar + discharge - export - charge of each quarter of an hour, whose energies are what the counters counted; hours,
days, months and years are sums of quarters. Days that are over are kept in Redis, and go when any of the house's blocks changes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from energysite import timegrid
from energysite.sun import Spot
from energysite.timegrid import QUARTER, QUARTER_S, Period, Span
from meters.balance import Balance
from meters.models import Source
from meters.totals import cache
from meters.totals.members import Member, Role, members

# A house whose meter ever counted this much injection has something that makes power.
INJECTS_WH = 1000
FORM = 1  # of what is kept


@dataclass(frozen=True, slots=True)
class HouseTotal:
    """[start, end) of the house. `balance`: of its quarters that are known, None where none is.

    `quarters`: how many have ended since there was a meter; `known`: of how many the balance is; `recovered`: of how many of those some
    energy was interpolated. `lacking`: how many are not known because of "grid", "solar", "battery", or "unread" (it injects, and
    nothing that makes power was read then). `complete`: nothing of it can change but by a person's or a late reading's doing.
    """

    start: datetime
    end: datetime
    balance: Balance | None = None
    quarters: int = 0
    known: int = 0
    recovered: int = 0
    lacking: dict[str, int] = field(default_factory=dict)
    complete: bool = False

    @property
    def coverage(self) -> float:
        """0 to 1: the part of what has passed that is known."""
        return self.known / self.quarters if self.quarters else 0.0

    def __add__(self, other: HouseTotal) -> HouseTotal:
        """Of two stretches, one after the other."""
        both = [one.balance for one in (self, other) if one.balance is not None]
        return HouseTotal(
            start=min(self.start, other.start),
            end=max(self.end, other.end),
            balance=sum(both[1:], start=both[0]) if both else None,
            quarters=self.quarters + other.quarters,
            known=self.known + other.known,
            recovered=self.recovered + other.recovered,
            lacking={key: self.lacking.get(key, 0) + other.lacking.get(key, 0) for key in {**self.lacking, **other.lacking}},
            complete=self.complete and other.complete,
        )

    def plain(self) -> list[Any]:
        parts = None if self.balance is None else [getattr(self.balance, name) for name in PARTS]
        return [int(self.start.timestamp()), int(self.end.timestamp()), parts, self.quarters, self.known, self.recovered, self.lacking]

    @classmethod
    def restored(cls, start: datetime, end: datetime, plain: list[Any]) -> HouseTotal | None:
        """What `plain` gave; None where it was of other bounds (another zone, then)."""
        if plain[:2] != [int(start.timestamp()), int(end.timestamp())]:
            return None
        parts, quarters, known, recovered, lacking = plain[2:]
        return cls(start, end, None if parts is None else Balance(*parts), quarters, known, recovered, lacking, complete=True)


@dataclass(frozen=True, slots=True)
class House:
    """Whose balance it is. `fed`: ids of the solar and battery sources that a device still tells of. `where`: for dusk and dawn."""

    sources: Sequence[Source]
    fed: Collection[int]
    zone: ZoneInfo
    where: Spot | None = None

    @property
    def signature(self) -> str:
        """What is kept of another set of sources says nothing of this one."""
        return ",".join(f"{source.pk}{'f' if source.pk in self.fed else ''}" for source in sorted(self.sources, key=lambda one: one.pk))


PARTS = ("imported", "exported", "solar", "charge", "discharge", "exported_stored", "charged_grid")


def periods(house: House, span: Span, since: date, until: date, now: datetime) -> dict[Period, HouseTotal]:
    """Every local day, week, month or year with a day in [since, until), whole, in order. What is over and complete is kept: asked
    again, it takes no SQL."""
    asked = list(timegrid.periods(span, since, until))
    if span is Span.DAY:
        return _days(house, asked, now)
    found = _kept(house, asked)
    missing = [period for period in asked if period not in found.values]
    begun = [day for period in missing for day in period.days if timegrid.midnight(day, house.zone) < now]
    days = _days(house, [Period(Span.DAY, day) for day in sorted(set(begun))], now) if begun else {}
    for period in missing:
        parts = [days[key] for key in (Period(Span.DAY, day) for day in period.days) if key in days]
        start, end = period.bounds(house.zone)
        whole = sum(parts[1:], start=parts[0]) if parts else HouseTotal(start, end)
        found.add(period, _stretched(whole, start, end, now), now)
    found.store()
    return {period: found.values[period] for period in asked}


def ranges(house: House, wanted: Sequence[tuple[datetime, datetime]], now: datetime) -> list[HouseTotal]:
    """Of any stretches that begin and end on quarters of an hour, such as the quarters or hours of a day. In three statements."""
    return _computed(members(house.sources, house.fed, now, house.where), wanted, now)


def _stretched(total: HouseTotal, start: datetime, end: datetime, now: datetime) -> HouseTotal:
    return HouseTotal(
        start, end, total.balance, total.quarters, total.known, total.recovered, total.lacking, complete=total.complete and end <= now
    )


def _days(house: House, days: Sequence[Period], now: datetime) -> dict[Period, HouseTotal]:
    """What is not kept is made in three statements, however many there are."""
    found = _kept(house, days)
    missing = [day for day in days if day not in found.values]
    if missing:
        made = ranges(house, [day.bounds(house.zone) for day in missing], now)
        for day, total in zip(missing, made, strict=True):
            found.add(day, total, now)
        found.store()
    return {day: found.values[day] for day in days}


class _Found:
    """Totals of periods, and the leave to keep more of them."""

    def __init__(self, house: House, kept: cache.Kept) -> None:
        self.values: dict[Period, HouseTotal] = {}
        self._signature, self._kept = house.signature, kept

    def add(self, period: Period, total: HouseTotal, now: datetime) -> None:
        self.values[period] = total
        if total.complete and total.end <= now:
            self._kept.keep(cache.HOUSE, period, [FORM, self._signature, total.plain()])

    def store(self) -> None:
        self._kept.store()


def _kept(house: House, asked: Sequence[Period]) -> _Found:
    kept = cache.read([(cache.HOUSE, period) for period in asked])
    found = _Found(house, kept)
    for (_house, period), value in kept.values.items():
        form, signature, plain = value
        total = HouseTotal.restored(*period.bounds(house.zone), plain) if (form, signature) == (FORM, house.signature) else None
        if total is not None:
            found.values[period] = total
    return found


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch throughout which the same members count: `grids`, `solars`, `batteries` of them are awake. `read`: something that makes
    power counts, awake or not; `settled`: none of them sleeps, so that each has its blocks."""

    place: int
    low: datetime
    high: datetime
    grids: int
    solars: int
    batteries: int
    read: bool
    settled: bool


def _pieces(found: Sequence[Member], wanted: Sequence[tuple[datetime, datetime]], now: datetime) -> list[_Piece]:
    """What has ended of each stretch, since there was a meter, cut where a member begins, ends, falls asleep or wakes."""
    edges = sorted({edge for member in found for edge in member.edges})
    until = timegrid.quarter_start(now)
    pieces = []
    for place, (start, planned) in enumerate(wanted):
        end = min(planned, until)
        for low, high in pairwise([start, *(edge for edge in edges if start < edge < end), end]):
            counting = [member for member in found if member.counts(low)]
            awake = [member.role for member in counting if not member.sleeps(low)]
            if low < high and Role.GRID in awake:
                grids, solars, batteries = (awake.count(role) for role in (Role.GRID, Role.SOLAR, Role.BATTERY))
                read = any(member.role is Role.SOLAR for member in counting)
                pieces.append(_Piece(place, low, high, grids, solars, batteries, read, settled=len(awake) == len(counting)))
    return pieces


# One row a quarter: what all members counted in it, corrections included; then one a piece, of the quarters that all its members know.
BALANCE_SQL = f"""
    WITH member AS MATERIALIZED (SELECT * FROM unnest(%(ids)s::smallint[], %(roles)s::text[], %(begins)s::timestamptz[],
            %(ends)s::timestamptz[]) AS member(id, role, begun, ended)),
    corrected AS MATERIALIZED (
        SELECT source_id, start, sum(delta) FILTER (WHERE register LIKE 'import%%') AS imported,
            sum(delta) FILTER (WHERE register LIKE 'export%%') AS exported, sum(delta) FILTER (WHERE register = 'total_wh') AS solar,
            sum(delta) FILTER (WHERE register = 'charge_wh') AS charge, sum(delta) FILTER (WHERE register = 'discharge_wh') AS discharge
        FROM (
            SELECT source_id, start, register, delta FROM meters_correction WHERE source_id = ANY(%(ids)s::smallint[]) AND undone IS NULL
                AND start >= %(from)s AND start < %(until)s
        ) AS every GROUP BY source_id, start
    ),
    dusk AS MATERIALIZED (SELECT start, sum(wh) AS wh FROM unnest(%(dusks)s::timestamptz[], %(dusk_wh)s::int[]) AS dusk(start, wh)
        GROUP BY start)
    SELECT asked.i, part.* FROM unnest(%(lows)s::timestamptz[], %(highs)s::timestamptz[], %(grids)s::int[], %(solars)s::int[],
        %(batteries)s::int[], %(read)s::bool[]) WITH ORDINALITY AS asked(low, high, grids, solars, batteries, read, i)
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE known), count(*) FILTER (WHERE known AND recovered),
            count(*) FILTER (WHERE seen >= asked.grids), count(*) FILTER (WHERE seen >= asked.grids AND suns < asked.solars),
            count(*) FILTER (WHERE seen >= asked.grids AND suns >= asked.solars AND stores < asked.batteries),
            coalesce(bool_and(closed AND blocks = asked.grids + asked.solars + asked.batteries), true), count(*),
            coalesce(sum(imported) FILTER (WHERE known), 0)::bigint, coalesce(sum(exported) FILTER (WHERE known), 0)::bigint,
            coalesce(sum(solar) FILTER (WHERE known), 0)::bigint, coalesce(sum(charge) FILTER (WHERE known), 0)::bigint,
            coalesce(sum(discharge) FILTER (WHERE known), 0)::bigint, coalesce(sum(exported_stored) FILTER (WHERE known), 0)::bigint,
            coalesce(sum(least(imported, greatest(0, charge - greatest(0, solar - (exported - exported_stored)))))
                FILTER (WHERE known), 0)::bigint
        FROM (
            SELECT *, least(discharge, greatest(0, exported - solar)) AS exported_stored,
                seen >= asked.grids AND suns >= asked.solars AND stores >= asked.batteries
                    AND (asked.read OR injected < {INJECTS_WH}) AS known
            FROM (
                SELECT block.start, count(*) AS blocks, bool_and(state = 'closed') AS closed, bool_or(recovered) AS recovered,
                    count(*) FILTER (WHERE role = 'grid' AND coalesce(energy1, energy2) IS NOT NULL) AS seen,
                    count(*) FILTER (WHERE role = 'solar' AND energy1 IS NOT NULL) AS suns,
                    count(*) FILTER (WHERE role = 'battery' AND energy1 IS NOT NULL AND energy2 IS NOT NULL) AS stores,
                    coalesce(sum(coalesce(energy1, 0) + coalesce(energy2, 0) + coalesce(corrected.imported, 0))
                        FILTER (WHERE role = 'grid'), 0) AS imported,
                    coalesce(sum(coalesce(energy3, 0) + coalesce(energy4, 0) + coalesce(corrected.exported, 0))
                        FILTER (WHERE role = 'grid'), 0) AS exported,
                    coalesce(sum(coalesce(end3, 0) + coalesce(end4, 0)) FILTER (WHERE role = 'grid'), 0) AS injected,
                    coalesce(sum(energy1 + coalesce(corrected.solar, 0)) FILTER (WHERE role = 'solar'), 0)
                        + coalesce((SELECT wh FROM dusk WHERE dusk.start = block.start), 0) AS solar,
                    coalesce(sum(energy1 + coalesce(corrected.charge, 0)) FILTER (WHERE role = 'battery'), 0) AS charge,
                    coalesce(sum(energy2 + coalesce(corrected.discharge, 0)) FILTER (WHERE role = 'battery'), 0) AS discharge
                FROM meters_block AS block JOIN member ON member.id = block.source_id
                LEFT JOIN corrected ON corrected.source_id = block.source_id AND corrected.start = block.start
                WHERE block.source_id = ANY(%(ids)s::smallint[]) AND length_s = {QUARTER_S} AND state IN ('done', 'closed')
                    AND block.start >= asked.low AND block.start < asked.high
                    AND block.start >= begun AND (ended IS NULL OR block.start < ended)
                GROUP BY block.start
            ) AS quarter
        ) AS told
    ) AS part"""  # noqa: S608


def _computed(found: Sequence[Member], wanted: Sequence[tuple[datetime, datetime]], now: datetime) -> list[HouseTotal]:
    for start, end in wanted:
        if start.timestamp() % QUARTER_S or end.timestamp() % QUARTER_S:
            raise ValueError("a balance begins and ends on a quarter of an hour")
    pieces = _pieces(found, wanted, now)
    totals = [HouseTotal(start, end, complete=end <= now) for start, end in wanted]
    if not pieces:
        return totals
    dusks = [member for member in found if member.dark is not None]
    asked: dict[str, Any] = {
        "ids": [member.source.pk for member in found],
        "roles": [member.role.value for member in found],
        "begins": [member.begun for member in found],
        "ends": [member.ended for member in found],
        "dusks": [member.dark for member in dusks],
        "dusk_wh": [member.dusk_wh for member in dusks],
        "from": min(piece.low for piece in pieces),
        "until": max(piece.high for piece in pieces),
        "lows": [piece.low for piece in pieces],
        "highs": [piece.high for piece in pieces],
        **{name: [getattr(piece, name) for piece in pieces] for name in ("grids", "solars", "batteries", "read")},
    }
    with connection.cursor() as cursor:
        cursor.execute(BALANCE_SQL, asked)
        rows = sorted(cursor.fetchall())
    for i, *values in rows:
        piece = pieces[i - 1]
        start, end = wanted[piece.place]
        part = _part(piece, values)
        total = totals[piece.place] + part
        totals[piece.place] = _stretched(total, start, end, now)
    return totals


def _part(piece: _Piece, values: Sequence[Any]) -> HouseTotal:
    known, recovered, metered, sunless, storeless, closed, made, *energies = values
    number = (piece.high - piece.low) // QUARTER
    lacking = {"grid": number - metered, "solar": sunless, "battery": storeless}
    lacking["unread"] = metered - sunless - storeless - known
    return HouseTotal(
        start=piece.low,
        end=piece.high,
        balance=Balance(*map(int, energies)) if known else None,
        quarters=number,
        known=known,
        recovered=recovered,
        lacking={key: count for key, count in lacking.items() if count},
        complete=closed and made == number and piece.settled,
    )
