"""The demo meter in the database: its row, and what it would have told on the days before."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import psycopg
from django.db import InterfaceError, OperationalError, ProgrammingError, connection, models
from django.db.models import F, Max, Min, Window
from django.db.models.functions import Lead

from energysite import agents
from energysite.demo.calendar import VOLUME_S, day_of, midnight
from energysite.demo.model import House, Volume
from energysite.demo.telegram import telegram
from energysite.models import House as HouseRow
from meters import storage
from meters.models import ElectricityReading, Meter, VolumeReading
from meters.p1.decoder import decode

METER_NAME = "Demo house"
CADENCE_S = 10
RETRY_S = 1.0
BATCH_S = 86400
LOOK_S = 2.0
FIRST_LIVE_S = 600  # the history waits so long for the meter's own first reading, to close the gap before it

T = TypeVar("T")
Say = Callable[[str], None]
Row = tuple[Any, ...]


class Stopped(Exception):
    """The command was asked to end."""


@dataclass(frozen=True, slots=True)
class Series:
    """A table, the source in it, and how far apart its readings lie."""

    kind: str
    model: type[models.Model]
    source_id: int
    medium: str
    step_s: int


def patiently(work: Callable[[], T], stop: threading.Event, say: Say) -> T:
    """Do the work, again and again while the database is away or not yet migrated. Raises Stopped."""
    said = False
    while not stop.is_set():
        try:
            return work()
        except (OperationalError, InterfaceError) as error:
            trouble = f"the database does not answer ({str(error).strip().splitlines()[0]})"
        except ProgrammingError as error:
            if not isinstance(error.__cause__, psycopg.errors.UndefinedTable):
                raise
            trouble = "the database has no tables yet; `manage.py migrate` makes them"
        if not said:
            say(f"demo house: {trouble}: waiting for it")
        said = True
        connection.close()
        stop.wait(RETRY_S)
    raise Stopped


def register(address: str) -> Meter:
    """The demo meter at this address, made when there is none; one from an older data folder is led here."""
    HouseRow.objects.get_or_create(pk=1)
    HouseRow.objects.filter(pk=1, name="Home", fuse_a=None).update(name=METER_NAME, grid=HouseRow.Grid.THREE_STAR, fuse_a=25)
    meter = Meter.objects.filter(connection=address).first()
    if meter is None:
        meter = Meter.objects.filter(name=METER_NAME).first()
        if meter is None:
            return agents.create(Meter, name=METER_NAME, connection=address)
        meter.connection = address
        meter.save()
    return meter


def series_of(house: House, meter: Meter, at: int) -> list[Series]:
    """The sources that the house's telegrams tell of, made when they are new."""
    told = decode(telegram(house, at))
    step = CADENCE_S if meter.take == Meter.Take.ALL else max(CADENCE_S, meter.slot_s)
    electricity = storage.source_for(meter, "electricity", told.serial)
    found = [Series("electricity", ElectricityReading, electricity.pk, "electricity", step)]
    for volume in told.volumes:
        source = storage.source_for(meter, volume.medium, volume.serial)
        found.append(Series("volume", VolumeReading, source.pk, volume.medium, VOLUME_S))
    return found


def _at(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def gaps(series: Series, start: int, until: int) -> list[tuple[int, int]]:
    """Where readings are further apart than the series' step, in [start, until]: (last second told, next second told)."""
    rows = series.model._default_manager.filter(source_id=series.source_id, time__gte=_at(start), time__lte=_at(until))
    ends = rows.aggregate(first=Min("time"), last=Max("time"))
    if ends["first"] is None:
        return [(start - 1, until + 1)]
    following = rows.annotate(following=Window(Lead("time"), order_by=F("time").asc()))
    wide = following.filter(following__gt=F("time") + timedelta(seconds=series.step_s)).values_list("time", "following")
    first, last = int(ends["first"].timestamp()), int(ends["last"].timestamp())
    inner = [(int(before.timestamp()), int(after.timestamp())) for before, after in wide.order_by("time")]
    return [gap for gap in [(start - 1, first), *inner, (last, until + 1)] if gap[1] - gap[0] > 1]


def electricity_row(house: House, source_id: int, at: int) -> Row:
    """The row that `read_meters` makes of the telegram of that second."""
    reading = house.reading(at)
    values = {
        "source_id": source_id,
        "time": _at(at),
        "import_t1_wh": reading.import_t1_wh,
        "import_t2_wh": reading.import_t2_wh,
        "export_t1_wh": reading.export_t1_wh,
        "export_t2_wh": reading.export_t2_wh,
        "power_w": reading.net_w,
        "quarter_w": reading.quarter_w,
        "tariff": reading.tariff,
        "flags": 0,
    }
    for phase in range(3):
        values[f"l{phase + 1}_w"] = reading.phase_w[phase]
        values[f"l{phase + 1}_dv"] = reading.phase_dv[phase]
        values[f"l{phase + 1}_ca"] = reading.phase_ca[phase]
    return tuple(values[name] for name in storage.COLUMNS["electricity"])


def volume_row(volume: Volume, source_id: int) -> Row:
    values = {"source_id": source_id, "time": _at(volume.at), "volume_l": volume.litres, "flags": 0}
    return tuple(values[name] for name in storage.COLUMNS["volume"])


def rows(house: House, series: Series, after: int, before: int) -> Iterator[Row]:
    """The series' readings strictly between two seconds, at whole steps."""
    for at in range(after - after % series.step_s + series.step_s, before, series.step_s):
        if series.medium == "electricity":
            yield electricity_row(house, series.source_id, at)
        else:
            yield volume_row(house.gas(at) if series.medium == "gas" else house.water(at), series.source_id)


def _by_day(after: int, before: int) -> Iterable[tuple[int, int]]:
    while before - after > BATCH_S:
        yield after, after + BATCH_S
        after += BATCH_S - 1
    yield after, before


class History:
    """Writes what is missing between `start` and now. `house` must be this thread's own."""

    def __init__(self, house: House, meter: Meter, days: int, stop: threading.Event, say: Say, now: int) -> None:
        self.house, self.stop, self.say = house, stop, say
        self.start = midnight(date.fromordinal(day_of(now).toordinal() - days))
        self.series = patiently(lambda: series_of(house, meter, now), stop, say)

    def fill(self, until: int) -> int:
        """Returns how many readings are new. Raises Stopped."""
        written, began = 0, time.monotonic()
        for series in self.series:
            for gap in patiently(partial(gaps, series, self.start, until), self.stop, self.say):
                for after, before in _by_day(*gap):
                    written += patiently(partial(self._write, series, after, before), self.stop, self.say)
                    if series.medium == "electricity" and before - after == BATCH_S:
                        self.say(f"demo house: history up to {day_of(before)}, {(before - self.start) / (until - self.start):.0%}")
        if written:
            self.say(f"demo house: {written} readings of the past written in {time.monotonic() - began:.1f} s")
        return written

    def _write(self, series: Series, after: int, before: int) -> int:
        return storage.write(series.kind, rows(self.house, series, after, before))

    def newest(self) -> int:
        """The second of the newest electricity reading, 0 without any."""
        last = ElectricityReading.objects.filter(source_id=self.series[0].source_id).aggregate(last=Max("time"))["last"]
        return int(last.timestamp()) if last else 0

    def join_live(self, since: int) -> None:
        """Wait for the meter's first own reading after `since` and write what lies between. Raises Stopped."""
        deadline = time.monotonic() + FIRST_LIVE_S
        while (live := patiently(self.newest, self.stop, self.say)) <= since:
            if time.monotonic() > deadline:
                self.say(f"demo house: nobody stored a telegram within {FIRST_LIVE_S} s; the history ends where this command began")
                return
            if self.stop.wait(LOOK_S):
                raise Stopped
        self.fill(live)
        self.say("demo house: its past reaches its first live reading")
