"""Readings of devices: in the tables at once, or on the disk until the database is back."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection

from energysite.layout import make_folder
from meters.counting import judge
from meters.device_readings import DeviceReading, Keeper, NotKept
from meters.models import AnalogReading, BatteryReading, ProductionReading, RejectEpisode, Source
from tests import database_away
from tests.running_site import BASE_DIR
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

BEGIN = datetime(2026, 6, 1, 10, tzinfo=UTC)


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    judge.forget()
    found = Keeper(tmp_path / "spool", now=lambda: BEGIN + timedelta(days=1))
    yield found
    found.close()
    judge.forget()


@pytest.fixture
def away() -> Iterator[Callable[[], None]]:
    with database_away.switch() as toggle:
        yield toggle


def _solar(name: str = "Roof") -> Source:
    return Source.objects.create(name=name, kind="production", medium="solar", per_hour=5000)


def _made(source: Source, second: int, total_wh: int, power_w: int = 3000) -> DeviceReading:
    return DeviceReading(source.pk, "production", BEGIN + timedelta(seconds=second), {"total_wh": total_wh, "production_w": power_w})


def _totals(source: Source) -> list[int | None]:
    return list(ProductionReading.objects.filter(source=source).order_by("time").values_list("total_wh", flat=True))


def test_readings_of_all_kinds_are_in_the_tables_when_keep_returns(keeper: Keeper) -> None:
    roof = _solar()
    battery = Source.objects.create(name="Battery", kind="battery", medium="battery")
    boiler = Source.objects.create(name="Boiler", kind="analog", medium="analog", unit="°C")
    at = BEGIN.replace(microsecond=420_000)
    keeper.keep(
        [
            DeviceReading(roof.pk, "production", at, {"total_wh": 1000}),
            DeviceReading(battery.pk, "battery", at, {"charge_wh": 0, "discharge_wh": 12, "battery_w": -700}),
            DeviceReading(boiler.pk, "analog", at, {"value_milli": 61_500}, flags=0),
        ]
    )
    made = ProductionReading.objects.get()
    assert (made.time, made.total_wh, made.production_w) == (BEGIN, 1000, None)
    assert BatteryReading.objects.values_list("charge_wh", "discharge_wh", "battery_w").get() == (0, 12, -700)
    assert AnalogReading.objects.get().value_milli == 61_500


def test_a_counter_that_jumps_is_set_aside_as_of_a_meter(keeper: Keeper) -> None:
    roof = _solar()
    keeper.keep([_made(roof, 0, 1000)])
    keeper.keep([_made(roof, 10, 9000)])
    keeper.keep([_made(roof, 20, 1016)])
    assert _totals(roof) == [1000, 1016]
    assert RejectEpisode.objects.get().source == roof


def test_readings_wait_on_the_disk_while_the_database_is_away_and_are_stored_in_order(
    keeper: Keeper, away: Callable[[], None], tmp_path: Path
) -> None:
    roof = _solar()
    keeper.keep([_made(roof, 0, 1000)])
    away()
    for second in (10, 20, 30):
        keeper.keep([_made(roof, second, 1000 + second)])
    assert keeper.waits
    assert not keeper.flush()
    away()
    until(keeper.flush, 5, "the database's return")
    assert _totals(roof) == [1000, 1010, 1020, 1030]
    assert not keeper.waits
    assert not list((tmp_path / "spool").rglob("*.seg"))
    assert not RejectEpisode.objects.exists()


def test_a_reading_that_comes_when_the_database_is_back_is_stored_after_those_that_waited(keeper: Keeper, away: Callable[[], None]) -> None:
    roof = _solar()
    keeper.keep([_made(roof, 0, 1000)])
    away()
    keeper.keep([_made(roof, 10, 1010)])
    away()
    seconds = iter(range(20, 2000, 10))

    def stored() -> bool:
        second = next(seconds)
        keeper.keep([_made(roof, second, 1000 + second)])
        return not keeper.waits

    until(stored, 5, "the database's return")
    assert _totals(roof) == [1000 + second for second in range(0, next(seconds), 10)]
    assert not RejectEpisode.objects.exists()


def test_what_a_killed_process_kept_is_stored_by_the_next_one(keeper: Keeper, tmp_path: Path) -> None:
    roof = _solar()
    folder = make_folder(tmp_path / "spool")
    script = f"""
import django, os, signal
django.setup()
from datetime import datetime
from pathlib import Path
from meters.device_readings import DeviceReading, Keeper
keeper = Keeper(Path({str(folder)!r}))
for second in range(3):
    at = datetime.fromisoformat({BEGIN.isoformat()!r}).replace(second=second)
    keeper.keep([DeviceReading({roof.pk}, "production", at, {{"total_wh": 1000 + second}})])
os.kill(os.getpid(), signal.SIGKILL)
"""
    environment = {**os.environ, "DATABASE_URL": "postgresql://nobody@/nothing?host=/nowhere", "DATA_DIR": str(tmp_path), "MODE": "house"}
    died = subprocess.run([sys.executable, "-c", script], cwd=BASE_DIR, env=environment, capture_output=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    assert not _totals(roof)
    assert keeper.flush()
    assert _totals(roof) == [1000, 1001, 1002]


def test_the_folder_of_a_process_that_lives_is_left_alone(keeper: Keeper, tmp_path: Path, away: Callable[[], None]) -> None:
    roof = _solar()
    other = Keeper(tmp_path / "spool", now=lambda: BEGIN + timedelta(days=1))
    away()
    other.keep([_made(roof, 0, 1000)])
    keeper.keep([_made(roof, 10, 1010)])
    away()
    until(keeper.flush, 5, "the database's return")
    assert _totals(roof) == [1010]
    assert other.flush()
    assert set(_totals(roof)) == {1000, 1010}
    other.close()


def test_a_reading_without_its_source_stops_no_other(keeper: Keeper) -> None:
    roof = _solar()
    gone = _solar("Gone")
    orphan = _made(gone, 0, 5)
    gone.delete()
    with pytest.raises(KeyError):
        keeper.keep([orphan])
    keeper.keep([_made(roof, 0, 1000)])
    assert _totals(roof) == [1000]


def test_readings_given_together_by_several_threads_are_all_stored(keeper: Keeper) -> None:
    roofs = [_solar(f"Roof {i}") for i in range(6)]
    errors: list[BaseException] = []

    def give(source: Source) -> None:
        try:
            for second in range(0, 50, 10):
                keeper.keep([_made(source, second, 1000 + second)])
            keeper.keep([DeviceReading(source.pk, "production", BEGIN, {"nonsense": 1})])
        except KeyError as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=give, args=(roof,)) for roof in roofs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(_totals(roof) == [1000, 1010, 1020, 1030, 1040] for roof in roofs)
    assert len(errors) == len(roofs)


def test_a_record_that_no_database_takes_is_set_aside_with_the_reason(keeper: Keeper, away: Callable[[], None], tmp_path: Path) -> None:
    roof, gone = _solar(), _solar("Gone")
    orphan = _made(gone, 5, 5)
    gone.delete()
    away()
    keeper.keep([_made(roof, 0, 1000), orphan, _made(roof, 10, 1010)])
    away()
    until(keeper.flush, 5, "the database's return")
    assert _totals(roof) == [1000, 1010]
    [aside] = (tmp_path / "spool").rglob("aside.log")
    assert f"KeyError: {orphan.source_id}" in aside.read_text()


def test_it_is_said_when_neither_the_database_nor_the_disk_takes_a_reading(away: Callable[[], None], tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file where the folder should be")
    keeper = Keeper(tmp_path / "spool")
    roof = _solar()
    away()
    with pytest.raises(NotKept):
        keeper.keep([_made(roof, 0, 1000)])
