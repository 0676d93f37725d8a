"""What others may ask of meters, sources and readings; what was counted is asked of `meters.totals`."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import connection
from django.db.models.signals import post_delete, post_save

from energysite.kept import Kept
from meters.kinds import KINDS
from meters.models import ElectricityReading, Meter, Source, VolumeReading

REGISTERS = {Source.Kind(kind.name): kind.registers for kind in KINDS.values() if kind.registers}
TABLES = {Source.Kind(kind.name): kind.table for kind in KINDS.values()}

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


# For pages: a meter that another process has just made is there after so long.
known_meters = Kept(metered_sources, 5.0)
for _model in (Meter, Source):
    for _signal in (post_save, post_delete):
        _signal.connect(known_meters.forget, sender=_model, dispatch_uid=f"known meters {_model.__name__}")


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
