"""Whose counters make the balance of the house, and from when to when each of them counts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from django.db import connection

from energysite import sun
from energysite.timegrid import QUARTER, QUARTER_S
from meters.boundaries import boundaries
from meters.models import Source

# A roof makes next to nothing below this, and inverters go to sleep.
LOW_DEG = 5.0


class Role(StrEnum):
    GRID = "grid"
    SOLAR = "solar"
    BATTERY = "battery"


ROLES = {Source.Kind.ELECTRICITY: Role.GRID, Source.Kind.PRODUCTION: Role.SOLAR, Source.Kind.BATTERY: Role.BATTERY}


@dataclass(frozen=True, slots=True)
class Member:
    """A source in [begun, ended) (None: it goes on). In [dark, dawn) of the running night it is asleep: it has no blocks there yet and
    makes nothing, but for `dusk_wh` in the quarter that begins at `dark`."""

    source: Source
    role: Role
    begun: datetime
    ended: datetime | None
    dark: datetime | None = None
    dawn: datetime | None = None
    dusk_wh: int = 0

    @property
    def edges(self) -> list[datetime]:
        return [edge for edge in (self.begun, self.ended, self.dark, self.dawn) if edge is not None]

    def counts(self, at: datetime) -> bool:
        return self.begun <= at and (self.ended is None or at < self.ended)

    def sleeps(self, at: datetime) -> bool:
        return self.dark is not None and self.dark <= at and (self.dawn is None or at < self.dawn)


QUARTERS_OF = f"FROM meters_block WHERE source_id = asked.source_id AND length_s = {QUARTER_S} AND state IN ('done', 'closed')"
FIRST_AND_LAST = f"""
    SELECT source_id, (SELECT start {QUARTERS_OF} ORDER BY start LIMIT 1), (SELECT "end" {QUARTERS_OF} ORDER BY start DESC LIMIT 1)
    FROM unnest(%(ids)s::smallint[]) AS asked(source_id)"""  # noqa: S608


def members(sources: Iterable[Source], fed: Collection[int], now: datetime, where: sun.Spot | None) -> list[Member]:
    """`fed`: ids of the solar and battery sources that a device still tells of; the others end with their last quarter. `where`: of
    the sun, None where nobody knows. In one statement, and one more at night."""
    own = [source for source in sources if source.kind in ROLES and not source.by_hand]
    if not own:
        return []
    with connection.cursor() as cursor:
        cursor.execute(FIRST_AND_LAST, {"ids": [source.pk for source in own]})
        told = {pk: (first, last) for pk, first, last in cursor.fetchall()}
    found = []
    for source in own:
        first, last = told[source.pk]
        if first is None:
            continue
        role = ROLES[Source.Kind(source.kind)]
        goes_on = source.retired is None and (source.pk in fed or (role is Role.GRID and source.meter_id is not None))
        found.append(Member(source, role, first, None if goes_on else last))
    return _asleep(_without_overlap(found), {member.source.pk: told[member.source.pk][1] for member in found}, now, where)


def _without_overlap(found: list[Member]) -> list[Member]:
    """A history that was read in counts until the device that tells now was there: the same energy must not count twice."""
    cut = []
    for member in found:
        lasting = [other.begun for other in found if other.role is member.role and other.ended is None]
        if member.ended is not None and member.source.retired is None:
            cut.append(replace(member, ended=min([*lasting, member.ended])))
        else:
            cut.append(member)
    return [member for member in cut if member.ended is None or member.begun < member.ended]


def _asleep(found: Sequence[Member], last: dict[int, datetime], now: datetime, where: sun.Spot | None) -> list[Member]:
    """Solar sources whose last word came at dusk: until they wake, their quarters since then wait for the reading that proves them."""
    sleepers = [
        member
        for member in found
        if where is not None
        and member.role is Role.SOLAR
        and member.ended is None
        and last[member.source.pk] + QUARTER <= now
        and _is_low(where, last[member.source.pk] + QUARTER)
    ]
    if where is None or not sleepers:
        return list(found)
    near = boundaries([(member.source, at) for member in sleepers for at in (last[member.source.pk], now)])
    asleep = {}
    for member, low, newest in zip(sleepers, near[::2], near[1::2], strict=True):
        begin, point = low.value(0), newest.point_before(0)
        dark = last[member.source.pk]
        # A reading after that quarter: its block is still to be made, and the numbers with it.
        if begin is None or point is None or newest.before[0][0] >= dark + QUARTER:
            continue
        made_wh = max(0, point[1] - begin) if point[0] > dark else 0
        dawn = sun.dawn_after(where, dark.timestamp())
        dawns = None if dawn is None else datetime.fromtimestamp(dawn // QUARTER_S * QUARTER_S, UTC)
        asleep[member.source.pk] = replace(member, dark=dark, dawn=dawns, dusk_wh=made_wh)
    return [asleep.get(member.source.pk, member) for member in found]


def _is_low(where: sun.Spot, at: datetime) -> bool:
    return sun.elevation_deg(at.timestamp(), where.latitude, where.longitude) < LOW_DEG
