"""The demo meter in the database: its row, and what it would have told on the days before.

The last FINE_DAYS days are told as finely as a slow meter does, those before by quarters of an hour. The newest days are
written first: pages fill from today backwards, and no block is ever made of a stretch that is still to be written.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import TypeVar

import psycopg
from django.db import InterfaceError, OperationalError, ProgrammingError, connection, models
from django.db.models import F, Max, Min, Window
from django.db.models.functions import Lead
from django.utils import timezone

from energysite import agents
from energysite.demo.calendar import QUARTER_S, VOLUME_S, day_of, midnight, month_start
from energysite.demo.model import House
from energysite.demo.telegram import telegram
from energysite.management.commands._demo_rows import instant, rows
from energysite.models import House as HouseRow
from meters import storage
from meters.counting import judge
from meters.models import ElectricityReading, Meter, VolumeReading
from meters.p1.decoder import decode

METER_NAME = "Demo house"
CADENCE_S = 10
FINE_DAYS = 14
COARSE_DAYS = 7  # written in one go
KEPT_DAYS = COARSE_DAYS + 1  # counted out once for all series
RETRY_S = 1.0
LOOK_S = 2.0
FIRST_LIVE_S = 600  # the history waits so long for the meter's own first reading, to close the gap before it

T = TypeVar("T")
Say = Callable[[str], None]


class Stopped(Exception):
    """The command was asked to end."""


@dataclass(frozen=True, slots=True)
class Series:
    """A table, the source in it, and how far apart its readings lie. `parts`: which inverters of the roof a source of solar counts.
    `fine_days`: before so many days only quarters of an hour are told."""

    kind: str
    model: type[models.Model]
    source_id: int
    medium: str
    step_s: int
    parts: tuple[int, ...] = ()
    fine_days: int = FINE_DAYS


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


def gaps(series: Series, start: int, until: int) -> list[tuple[int, int]]:
    """Where readings are further apart than the series' step, in [start, until]: (last second told, next second told)."""
    rows = series.model._default_manager.filter(source_id=series.source_id, time__gte=instant(start), time__lte=instant(until))
    ends = rows.aggregate(first=Min("time"), last=Max("time"))
    if ends["first"] is None:
        return [(start - 1, until + 1)]
    following = rows.annotate(following=Window(Lead("time"), order_by=F("time").asc()))
    wide = following.filter(following__gt=F("time") + timedelta(seconds=series.step_s)).values_list("time", "following")
    first, last = int(ends["first"].timestamp()), int(ends["last"].timestamp())
    inner = [(int(before.timestamp()), int(after.timestamp())) for before, after in wide.order_by("time")]
    return [gap for gap in [(start - 1, first), *inner, (last, until + 1)] if gap[1] - gap[0] > 1]


def fine_seconds(series: Series, start: int, until: int) -> list[int]:
    """The series' whole steps in its gaps."""
    step = series.step_s
    return [at for after, before in gaps(series, start, until) for at in range(after - after % step + step, before, step)]


def coarse_seconds(series: Series, start: int, until: int) -> list[int]:
    """The quarters in [start, until] that no reading stands for. One look-up on the key each, however many readings there are."""
    table = series.model._meta.db_table
    sql = f"""
        SELECT extract(epoch FROM quarter)::bigint FROM generate_series(%s::timestamptz, %s, %s * interval '1 s') AS quarter
        WHERE NOT EXISTS (
            SELECT 1 FROM {table} WHERE source_id = %s AND time > quarter - %s * interval '1 s' AND time <= quarter
        ) ORDER BY quarter"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [instant(start), instant(until), QUARTER_S, series.source_id, QUARTER_S // 2])
        return [second for (second,) in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Written in one transaction for each series. Both ends are local midnights, but for the present; both are included."""

    start: int
    until: int
    coarse: bool


def first_day(today: date, days: int, fine_days: int) -> date:
    """A long past begins with a month, so that its first month is a whole one."""
    first = date.fromordinal(today.toordinal() - days)
    return first if days <= fine_days else month_start(first.year, first.month)


def stretches(first: date, until: int, fine_days: int) -> Iterator[Stretch]:
    """From `until` back to the midnight of `first`: day by day, then COARSE_DAYS at once."""
    today = day_of(until)
    fine = max(first, date.fromordinal(today.toordinal() - fine_days))
    for number in range(today.toordinal(), fine.toordinal() - 1, -1):
        yield Stretch(midnight(date.fromordinal(number)), min(until, midnight(date.fromordinal(number + 1))), coarse=False)
    end = fine
    while end > first:
        begin = max(first, date.fromordinal(end.toordinal() - COARSE_DAYS))
        yield Stretch(midnight(begin), midnight(end), coarse=True)
        end = begin


class History:
    """Writes what is missing between `days` ago and now. `house` must be this thread's own; quickest if it keeps KEPT_DAYS."""

    def __init__(
        self,
        house: House,
        meter: Meter,
        days: int,
        stop: threading.Event,
        say: Say,
        now: int,
        *,
        fine_days: int = FINE_DAYS,
        more: Sequence[Series] = (),
    ) -> None:
        """`more`: series of other sources than the meter's."""
        self.house, self.stop, self.say, self.fine_days, self.today = house, stop, say, fine_days, day_of(now)
        self.first = first_day(day_of(now), days, fine_days)
        self.series = [*patiently(lambda: series_of(house, meter, now), stop, say), *more]

    def fill(self, until: int, since: date | None = None) -> int:
        """Returns how many readings are new. `since`: days before it are left alone. Raises Stopped."""
        written, began = 0, time.monotonic()
        first = max(self.first, since) if since else self.first
        for stretch in stretches(first, until, self.fine_days):
            new = sum(patiently(partial(self._fill, series, stretch), self.stop, self.say) for series in self.series)
            written += new
            if new and stretch.start > midnight(first):
                share = (until - stretch.start) / (until - midnight(first))
                self.say(f"demo house: history back to {day_of(stretch.start)}, {share:.0%}")
        if written:
            self.say(f"demo house: {written} readings of the past written in {time.monotonic() - began:.1f} s")
        return written

    def _fill(self, series: Series, stretch: Stretch) -> int:
        coarse = stretch.coarse or stretch.start < midnight(self.today - timedelta(days=series.fine_days))
        wanted: Sequence[int] = (coarse_seconds if coarse else fine_seconds)(series, stretch.start, stretch.until)
        told = rows(self.house, series.medium, series.source_id, wanted, quarterly=coarse, parts=series.parts)
        return judge.store(series.kind, told, timezone.now()).new

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
        self.fill(live, day_of(since))
        self.say("demo house: its past reaches its first live reading")
