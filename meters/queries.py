"""What others may ask of the readings. Raw SQL, because each question is a handful of look-ups on the key.

A boundary value R(t) is the reading at t, else linear between its two neighbours, rounded down to the unit; None
before the first reading and after the last. Energy is R(end) - R(start), so that sums telescope exactly.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

from django.db import connection

from energysite import timegrid
from meters.models import ElectricityReading, Meter, Source, VolumeReading

REGISTERS = {
    Source.Kind.ELECTRICITY: ("import_t1_wh", "import_t2_wh", "export_t1_wh", "export_t2_wh"),
    Source.Kind.VOLUME: ("volume_l",),
}
TABLES = {
    Source.Kind.ELECTRICITY: ElectricityReading._meta.db_table,
    Source.Kind.VOLUME: VolumeReading._meta.db_table,
}
# A register that its row lacks is looked for in this many more rows, never in the whole history.
REACH_ROWS = 300
MICROSECOND = timedelta(microseconds=1)
OLDEST = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Boundary:
    """The readings around an instant: `before` has those at or before it, newest first, `after` those later, oldest first."""

    at: datetime
    before: list[tuple[Any, ...]]
    after: list[tuple[Any, ...]]

    def value(self, register: int) -> int | None:
        """R(at) of the register with this place in REGISTERS; Wh or l."""
        before, after = _first_with(self.before, register), _first_with(self.after, register)
        if before is None:
            return None
        if before[0] == self.at:
            return int(before[1])
        if after is None:
            return None
        return interpolate(before, after, self.at)


def _first_with(rows: Iterable[tuple[Any, ...]], register: int) -> tuple[datetime, int] | None:
    return next(((row[0], row[1 + register]) for row in rows if row[1 + register] is not None), None)


def interpolate(before: tuple[datetime, int], after: tuple[datetime, int], at: datetime) -> int:
    """The counter at an instant between two readings (time, value), rounded down. Exact: whole microseconds and units."""
    (earlier, low), (later, high) = before, after
    return low + (high - low) * ((at - earlier) // MICROSECOND) // ((later - earlier) // MICROSECOND)


def boundaries(kind: str, wanted: Sequence[tuple[int, datetime]]) -> list[Boundary]:
    """The neighbours of each (source id, instant), in the order asked."""
    found = _neighbours(kind, wanted, 1)
    lacking = [i for i, boundary in enumerate(found) if any(None in row for row in (*boundary.before, *boundary.after))]
    if lacking:
        for i, boundary in zip(lacking, _neighbours(kind, [wanted[i] for i in lacking], REACH_ROWS), strict=True):
            found[i] = boundary
    return found


def _neighbours(kind: str, wanted: Sequence[tuple[int, datetime]], rows: int) -> list[Boundary]:
    """One look-up on the key for each side of each instant, all in one statement."""
    if not wanted:
        return []
    columns = ", ".join(("time", *REGISTERS[Source.Kind(kind)]))
    table = TABLES[Source.Kind(kind)]
    sql = f"""
        SELECT asked.i, near.* FROM unnest(%s::smallint[], %s::timestamptz[]) WITH ORDINALITY AS asked(source_id, at, i)
        CROSS JOIN LATERAL (
            (SELECT {columns} FROM {table} WHERE source_id = asked.source_id AND time <= asked.at ORDER BY time DESC LIMIT %s)
            UNION ALL
            (SELECT {columns} FROM {table} WHERE source_id = asked.source_id AND time > asked.at ORDER BY time LIMIT %s)
        ) AS near"""  # noqa: S608 - the names are this module's own
    found = [Boundary(at, [], []) for _source, at in wanted]
    with connection.cursor() as cursor:
        cursor.execute(sql, [[source for source, _at in wanted], [at for _source, at in wanted], rows, rows])
        for i, *row in cursor.fetchall():
            boundary = found[i - 1]
            (boundary.before if row[0] <= boundary.at else boundary.after).append(tuple(row))
    for boundary in found:
        boundary.before.sort(key=lambda row: row[0], reverse=True)
        boundary.after.sort(key=lambda row: row[0])
    return found


def registers_at(source: Source, at: datetime) -> dict[str, int | None]:
    """R(at) of each of the source's registers."""
    [boundary] = boundaries(source.kind, [(source.pk, at)])
    return {name: boundary.value(i) for i, name in enumerate(REGISTERS[Source.Kind(source.kind)])}


@dataclass(slots=True)
class Totals:
    """What one medium of one meter counted in a day; Wh or l by register.

    `unknown`: registers that went back, so that nothing can be said; one that the meter does not have is in neither.
    `counted_from`: the first reading where the day began without one, else None. `last`: the newest reading of the day,
    None where its energy comes from the readings around it alone. `counters`: where the newest device stood at its end.
    """

    registers: dict[str, int] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()
    counted_from: datetime | None = None
    last: datetime | None = None


def day_totals(day: date, zone: tzinfo, sources: Iterable[Source] | None = None) -> dict[tuple[int, str], Totals]:
    """The totals of a local day by (meter id, medium); without an entry: not a single reading to count from.

    A day that is still running ends at the latest reading. The sources of a device that was replaced are summed.
    """
    start, end = timegrid.day_bounds(day, zone)
    totals: dict[tuple[int, str], Totals] = {}
    for kind, group in _by_kind(metered_sources() if sources is None else sources).items():
        found = boundaries(kind, [(source.pk, at) for source in group for at in (start, end)])
        parts: dict[tuple[int, str], list[Totals]] = {}
        for source, first, last in zip(group, found[::2], found[1::2], strict=True):
            part = _counted(REGISTERS[Source.Kind(kind)], first, last)
            if part is not None and source.meter_id is not None:
                parts.setdefault((source.meter_id, source.medium), []).append(part)
        totals |= {key: _summed(several) for key, several in parts.items()}
    return totals


def _by_kind(sources: Iterable[Source]) -> dict[str, list[Source]]:
    groups: dict[str, list[Source]] = {}
    for source in sources:
        groups.setdefault(source.kind, []).append(source)
    return groups


def _counted(names: Sequence[str], start: Boundary, end: Boundary) -> Totals | None:
    """One source's energy between two boundaries, clipped to its own readings; None where it has none to count with."""
    if not end.before or (not start.before and not start.after):
        return None
    known_from = start.before[0][0] if start.before else start.after[0][0]
    last = end.before[0][0]
    if (last < start.at and not end.after) or known_from >= end.at:
        return None
    counted = Totals(counted_from=None if start.before else known_from, last=last if last >= start.at else None)
    for i, name in enumerate(names):
        low, high = start.value(i), end.value(i)
        if low is None and not start.before:
            low = _value_of(_first_with(start.after, i))
        if high is None and not end.after:
            high = _value_of(_first_with(end.before, i))
        if low is not None and high is not None:
            counted.registers[name] = high - low
            counted.counters[name] = high
    return counted


def _value_of(found: tuple[datetime, int] | None) -> int | None:
    return None if found is None else found[1]


def _summed(parts: Sequence[Totals]) -> Totals:
    """Several devices one after the other."""
    whole_day = any(part.counted_from is None for part in parts)
    went_back = frozenset(name for part in parts for name, value in part.registers.items() if value < 0)
    names = {name for part in parts for name in part.registers} - went_back
    return Totals(
        registers={name: sum(part.registers.get(name, 0) for part in parts) for name in sorted(names)},
        counters=max(parts, key=lambda part: part.last or OLDEST).counters,
        unknown=went_back,
        counted_from=None if whole_day else min(part.counted_from for part in parts if part.counted_from),
        last=max((part.last for part in parts if part.last), default=None),
    )


def metered_sources() -> list[Source]:
    """Every source that belongs to a meter, retired ones included, with its meter."""
    return list(Source.objects.filter(meter__isnull=False).select_related("meter").order_by("meter_id", "id"))


def electricity_ids(sources: Iterable[Source], meter: Meter) -> list[int]:
    return [source.pk for source in sources if source.meter_id == meter.pk and source.kind == Source.Kind.ELECTRICITY]


def day_power(source_ids: Sequence[int], start: datetime, end: datetime, step_s: int) -> list[int | None]:
    """Mean net W (import positive) of the readings in each step from start to end; None where there is no reading."""
    means: list[int | None] = [None] * -(-(end - start) // timedelta(seconds=step_s))
    # date_bin is integer arithmetic: half the time of extract(epoch ...), which is numeric.
    sql = f"""
        SELECT date_bin(%s * interval '1 s', time, %s) AS step, sum(power_w), count(power_w) FROM {TABLES[Source.Kind.ELECTRICITY]}
        WHERE source_id = ANY(%s::smallint[]) AND time >= %s AND time < %s GROUP BY step HAVING count(power_w) > 0"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [step_s, start, list(source_ids), start, end])
        for step, total, count in cursor.fetchall():
            means[(step - start) // timedelta(seconds=step_s)] = round(total / count)
    return means


def readings(source_ids: Sequence[int], since: datetime, until: datetime) -> list[tuple[int, int | None]]:
    """Every stored (epoch s, net W) of [since, until], oldest first."""
    sql = f"""
        SELECT extract(epoch FROM time)::bigint, power_w FROM {TABLES[Source.Kind.ELECTRICITY]}
        WHERE source_id = ANY(%s::smallint[]) AND time >= %s AND time <= %s ORDER BY time"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [list(source_ids), since, until])
        return cursor.fetchall()


def latest(source: Source) -> ElectricityReading | VolumeReading | None:
    """The newest reading of a source."""
    if source.kind == Source.Kind.ELECTRICITY:
        return ElectricityReading.objects.filter(source_id=source.pk).order_by("-time").first()
    return VolumeReading.objects.filter(source_id=source.pk).order_by("-time").first()


def rows_since(source: Source, since: datetime) -> int:
    """How many readings a source got since an instant."""
    model = ElectricityReading if source.kind == Source.Kind.ELECTRICITY else VolumeReading
    return model.objects.filter(source_id=source.pk, time__gte=since).count()


def first_day(zone: tzinfo, sources: Iterable[Source] | None = None) -> date | None:
    """The local day of the oldest reading of all."""
    oldest = []
    for kind, group in _by_kind(metered_sources() if sources is None else sources).items():
        found = boundaries(kind, [(source.pk, OLDEST) for source in group])
        oldest += [boundary.after[0][0] for boundary in found if boundary.after]
    return timegrid.local_day(min(oldest), zone) if oldest else None
