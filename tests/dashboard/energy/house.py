"""A metered house for the energy page: readings in the database, blocks made by the managers' own runs."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from energysite import timegrid
from energysite.timegrid import QUARTER
from meters.blocks.managers import ensure_defaults
from meters.blocks.process import drain
from meters.models import DataManager, Source
from tests.meters.rows import electricity, make_meter, make_source, volume

BRUSSELS = ZoneInfo("Europe/Brussels")


def condensed(sources: Sequence[Source], now: datetime, *, closed: bool = False) -> None:
    """Every quarter and day that can be made of what is stored; once more three days later, so that they may close."""
    for source in sources:
        ensure_defaults(source)
    needed = DataManager.objects.filter(source__in=list(sources), length_s__gte=QUARTER.total_seconds())
    drain(needed, now, workers=1)
    if closed:
        drain(needed, now + timedelta(days=3), workers=1)


def steady(first: date, until: date, *, skip: Mapping[datetime, datetime] | None = None, closed: bool = False) -> list[Source]:
    """From midnight to midnight a reading each quarter: 100 Wh imported by day, 40 at night, 25 injected, 4 l gas, 1 l water.

    `skip`: begin -> end of stretches without any reading, both ends excluded.
    """
    meter = make_meter()
    sources = [make_source(meter), make_source(meter, "gas", "7"), make_source(meter, "water", "8")]
    rows: list[tuple[datetime, dict[str, int]]] = []
    count = {"import_t1_wh": 5_000_000, "import_t2_wh": 7_000_000, "export_t1_wh": 1_000_000, "export_t2_wh": 0}
    volumes: list[datetime] = []
    at, end = timegrid.midnight(first, BRUSSELS), timegrid.midnight(until, BRUSSELS)
    while at <= end:
        if not any(low < at < high for low, high in (skip or {}).items()):
            rows.append((at, {**count, "power_w": 300}))
            volumes.append(at)
        night = not 7 <= at.astimezone(BRUSSELS).hour < 22
        count["import_t2_wh" if night else "import_t1_wh"] += 40 if night else 100
        count["export_t1_wh"] += 25
        at += QUARTER
    electricity(sources[0], rows)
    begin = rows[0][0]
    volume(sources[1], [(time, 4 * ((time - begin) // QUARTER)) for time in volumes])
    volume(sources[2], [(time, (time - begin) // QUARTER) for time in volumes])
    condensed(sources, end, closed=closed)
    return sources
