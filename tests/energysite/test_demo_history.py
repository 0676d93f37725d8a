"""The demo house's past in the database: the rows its telegrams would have become."""

import threading
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, ProgrammingError, connection

from energysite.demo.calendar import midnight
from energysite.demo.model import House
from energysite.demo.telegram import telegram
from energysite.management.commands import _demo_history as history
from energysite.models import House as HouseRow
from meters import ingest, storage
from meters.models import ElectricityReading, Meter, Source, VolumeReading
from tests.energysite import demo

NOW = midnight(date(2026, 3, 30)) + 15 * 3600 + 4


@pytest.fixture(scope="module")
def house() -> House:
    return demo.house()


@pytest.fixture
def meter(db) -> Meter:
    address = settings.MODE_DIR / "pty" / "demo"
    return history.register(str(address))


def past(house: House, meter: Meter, days: int, now: int = NOW, stop: threading.Event | None = None) -> history.History:
    return history.History(house, meter, days, stop or threading.Event(), lambda line: None, now)


def seconds(model=ElectricityReading, **filters) -> list[int]:
    return [int(time.timestamp()) for time in model.objects.filter(**filters).order_by("time").values_list("time", flat=True)]


def test_the_meter_is_registered_once_and_follows_its_data_folder(meter: Meter) -> None:
    assert history.register(meter.connection) == meter
    moved = history.register(str(settings.MODE_DIR / "pty" / "elsewhere"))
    assert moved.pk == meter.pk
    assert moved.version == meter.version + 1
    assert Meter.objects.count() == 1
    row = HouseRow.load()
    assert (row.grid, row.fuse_a) == (HouseRow.Grid.THREE_STAR, 25)


def test_a_house_that_a_person_named_keeps_its_settings(db) -> None:
    HouseRow.objects.create(pk=1, name="Ours", grid=HouseRow.Grid.THREE_DELTA)
    history.register(str(settings.MODE_DIR / "pty" / "demo"))
    assert (HouseRow.load().name, HouseRow.load().grid) == ("Ours", HouseRow.Grid.THREE_DELTA)


def test_history_rows_are_what_the_live_telegrams_become(house: House, meter: Meter) -> None:
    """Two days, one of them of 23 hours; compared with what the reader's own path makes of the same seconds' telegrams."""
    past(house, meter, 2).fill(NOW)
    start = midnight(date(2026, 3, 28))
    electricity = Source.objects.get(meter=meter, medium="electricity")
    assert seconds(source=electricity) == list(range(start, NOW + 1, 10))
    volumes = Source.objects.filter(meter=meter, kind="volume")
    assert sorted(volumes.values_list("medium", flat=True)) == ["gas", "water"]
    for source in volumes:
        assert seconds(VolumeReading, source=source) == list(range(start, NOW + 1, 300))

    sampled = list(range(start, NOW, 2970))
    stamps = [datetime.fromtimestamp(at, UTC) for at in sampled]
    reports = [datetime.fromtimestamp(at - at % 300, UTC) for at in sampled]

    def rows() -> list[Any]:
        power = ElectricityReading.objects.filter(time__in=stamps).order_by("time").values()
        return [*power, *VolumeReading.objects.filter(time__in=reports).order_by("time", "source_id").values()]

    written = rows()
    assert len(written) == 3 * len(sampled) > 100
    ElectricityReading.objects.filter(time__in=stamps).delete()
    VolumeReading.objects.filter(time__in=reports).delete()
    counts = ingest.bulk(meter, b"".join(telegram(house, at) for at in sampled))
    assert (counts["rejected"], counts["new"]) == (0, len(written))
    assert rows() == written


def test_writing_it_again_adds_nothing_and_only_gaps_are_filled(house: House, meter: Meter) -> None:
    first = past(house, meter, 1)
    assert first.fill(NOW) > 0
    assert past(house, meter, 1).fill(NOW) == 0
    electricity = Source.objects.get(meter=meter, medium="electricity")
    hole = datetime.fromtimestamp(NOW - 7200, UTC), datetime.fromtimestamp(NOW - 3600, UTC)
    lost, _ = ElectricityReading.objects.filter(source=electricity, time__range=hole).delete()
    assert lost == 360
    marked = ElectricityReading.objects.filter(source=electricity, time__lt=hole[0])
    marked.update(flags=1)
    assert past(house, meter, 1).fill(NOW) == 360
    assert marked.filter(flags=1).count() == marked.count(), "what was there stays as it was"


def test_history_and_live_join_without_a_gap(house: House, meter: Meter) -> None:
    """The reader starts 95 s after the command and stores a telegram a second."""
    past(house, meter, 1).fill(NOW)
    source = Source.objects.get(meter=meter, medium="electricity")
    storage.write("electricity", [history.electricity_row(house, source.pk, at) for at in range(NOW + 95, NOW + 125)])
    past(house, meter, 1).join_live(NOW)
    told = seconds(source=source)
    steps = {b - a for a, b in pairwise(told)}
    assert max(steps) <= 10
    assert told[-1] == NOW + 124
    assert told[-30:] == list(range(NOW + 95, NOW + 125)), "nothing was added among live readings"


def test_waiting_for_the_first_live_reading_ends_when_the_command_does(house: House, meter: Meter) -> None:
    stop = threading.Event()
    waiting = past(house, meter, 0, stop=stop)
    stop.set()
    with pytest.raises(history.Stopped):
        waiting.join_live(NOW)


def test_a_database_that_is_away_is_waited_for_and_said_once(db) -> None:
    said: list[str] = []
    troubles = iter([OperationalError("connection refused"), OperationalError("connection refused"), None])

    def work() -> str:
        trouble = next(troubles)
        if trouble is not None:
            raise trouble
        return "there"

    assert history.patiently(work, threading.Event(), said.append) == "there"
    assert said == ["demo house: the database does not answer (connection refused): waiting for it"]


def test_a_mistake_in_a_query_is_not_taken_for_a_missing_table(transactional_db) -> None:
    said: list[str] = []
    stop = threading.Event()

    def broken() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT nothing_like_it FROM meters_meter")

    with pytest.raises(ProgrammingError):
        history.patiently(broken, stop, said.append)

    def unmigrated() -> None:
        stop.set()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM no_such_table")

    with pytest.raises(history.Stopped):
        history.patiently(unmigrated, stop, said.append)
    assert "manage.py migrate" in said[0]
