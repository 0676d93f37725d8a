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
DAWN = datetime(1970, 1, 1, tzinfo=UTC)  # before any reading
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Boundary:
    """The readings around an instant: `before` has those at or before it, newest first, `after` those later, oldest first."""

    at: datetime
    before: list[tuple[Any, ...]] = field(default_factory=list)
    after: list[tuple[Any, ...]] = field(default_factory=list)

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


def boundaries(wanted: Sequence[tuple[Source, datetime]]) -> list[Boundary]:
    """The neighbours of each instant of a source, in the order asked."""
    found = _neighbours(wanted, 1)
    lacking = [i for i, boundary in enumerate(found) if any(None in row for row in (*boundary.before, *boundary.after))]
    if lacking:
        for i, boundary in zip(lacking, _neighbours([wanted[i] for i in lacking], REACH_ROWS), strict=True):
            found[i] = boundary
    return found


def _near_sql() -> str:
    """One look-up on the key for each side of each instant, of either table, all in one statement."""
    widest = max(map(len, REGISTERS.values()))
    parts = []
    for kind, names in REGISTERS.items():
        columns = ", ".join((*names, *["NULL"] * (widest - len(names))))
        this = "asked.volume" if kind == Source.Kind.VOLUME else "NOT asked.volume"
        for side, order in (("<=", "DESC"), (">", "ASC")):
            parts.append(
                f"(SELECT time, {columns} FROM {TABLES[kind]} WHERE {this} AND source_id = asked.source_id AND time {side} asked.at"  # noqa: S608
                f" ORDER BY time {order} LIMIT %(rows)s)"
            )
    return f"""
        SELECT asked.i, asked.volume, near.*
        FROM unnest(%(sources)s::smallint[], %(times)s::timestamptz[], %(volumes)s::boolean[])
        WITH ORDINALITY AS asked(source_id, at, volume, i) CROSS JOIN LATERAL ({" UNION ALL ".join(parts)}) AS near"""  # noqa: S608


NEAR_SQL = _near_sql()


def _neighbours(wanted: Sequence[tuple[Source, datetime]], rows: int) -> list[Boundary]:
    found = [Boundary(at) for _source, at in wanted]
    if not wanted:
        return found
    asked: dict[str, Any] = {
        "sources": [source.pk for source, _at in wanted],
        "times": [at for _source, at in wanted],
        "volumes": [source.kind == Source.Kind.VOLUME for source, _at in wanted],
        "rows": rows,
    }
    with connection.cursor() as cursor:
        cursor.execute(NEAR_SQL, asked)
        for i, volume, *row in cursor.fetchall():
            boundary = found[i - 1]
            width = 1 + len(REGISTERS[Source.Kind.VOLUME if volume else Source.Kind.ELECTRICITY])
            (boundary.before if row[0] <= boundary.at else boundary.after).append(tuple(row[:width]))
    for boundary in found:
        boundary.before.sort(key=lambda row: row[0], reverse=True)
        boundary.after.sort(key=lambda row: row[0])
    return found


def registers_at(source: Source, at: datetime) -> dict[str, int | None]:
    """R(at) of each of the source's registers."""
    [boundary] = boundaries([(source, at)])
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


@dataclass(slots=True)
class Day:
    """`totals` by (meter id, medium); without an entry there is not a single reading to count from. `first`: of all days."""

    totals: dict[tuple[int, str], Totals]
    first: date | None


def day(which: date, zone: tzinfo, sources: Sequence[Source]) -> Day:
    """A local day. One that is still running ends at the latest reading; the sources of a replaced device are summed."""
    start, end = timegrid.day_bounds(which, zone)
    found = boundaries([(source, at) for source in sources for at in (DAWN, start, end)])
    parts: dict[tuple[int, str], list[Totals]] = {}
    for source, first, last in zip(sources, found[1::3], found[2::3], strict=True):
        part = _counted(REGISTERS[Source.Kind(source.kind)], first, last)
        if part is not None and source.meter_id is not None:
            parts.setdefault((source.meter_id, source.medium), []).append(part)
    oldest = min((boundary.after[0][0] for boundary in found[::3] if boundary.after), default=None)
    return Day(
        totals={key: _summed(several) for key, several in parts.items()},
        first=None if oldest is None else timegrid.local_day(oldest, zone),
    )


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
        counters=max(parts, key=lambda part: part.last or DAWN).counters,
        unknown=went_back,
        counted_from=None if whole_day else min(part.counted_from for part in parts if part.counted_from),
        last=max((part.last for part in parts if part.last), default=None),
    )


# In the order of the models, as from_db wants them.
METER_FIELDS = ("id", "name", "enabled", "period_s", "take", "slot_s")
SOURCE_FIELDS = ("id", "kind", "medium", "name", "serial", "meter_id", "retired")


def metered_sources() -> tuple[list[Meter], list[Source]]:
    """Every meter, and every source that belongs to one, retired ones included; each source knows its meter.

    In one query, as every page asks it; columns that are not named above are fetched when they are touched.
    """
    meters: dict[int, Meter] = {}
    sources: list[Source] = []
    rows = Meter.objects.order_by("pk", "sources__pk").values_list(*METER_FIELDS, *(f"sources__{name}" for name in SOURCE_FIELDS))
    for row in rows:
        of_meter, of_source = row[: len(METER_FIELDS)], row[len(METER_FIELDS) :]
        if row[0] not in meters:
            meters[row[0]] = Meter.from_db(connection.alias, METER_FIELDS, of_meter)
        if of_source[0] is not None:
            source = Source.from_db(connection.alias, SOURCE_FIELDS, of_source)
            source.meter = meters[row[0]]
            sources.append(source)
    return list(meters.values()), sources


def electricity_ids(sources: Iterable[Source], meter: Meter) -> list[int]:
    return [source.pk for source in sources if source.meter_id == meter.pk and source.kind == Source.Kind.ELECTRICITY]


def day_power(source_ids: Sequence[int], start: datetime, end: datetime, step_s: int) -> list[int | None]:
    """Mean net W (import positive) of the readings in each step from start to end; None where there is no reading."""
    means: list[int | None] = [None] * -(-(end - start) // timedelta(seconds=step_s))
    # date_bin is integer arithmetic: half the time of extract(epoch ...) on every row, which is numeric.
    sql = f"""
        SELECT extract(epoch FROM step)::bigint, total, number FROM (
            SELECT date_bin(%s * interval '1 s', time, %s) AS step, sum(power_w) AS total, count(power_w) AS number
            FROM {TABLES[Source.Kind.ELECTRICITY]} WHERE source_id = ANY(%s::smallint[]) AND time >= %s AND time < %s GROUP BY 1
        ) AS steps WHERE number > 0"""  # noqa: S608
    first = int(start.timestamp())
    with connection.cursor() as cursor:
        cursor.execute(sql, [step_s, start, list(source_ids), start, end])
        for step, total, number in cursor.fetchall():
            means[(step - first) // step_s] = round(total / number)
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
