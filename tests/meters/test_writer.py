"""The thread between the spool and the database. Its steps are taken one by one here; the processes are in test_read_meters."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from meters import writer as writing
from meters.models import DataManager, ElectricityReading, Meter, Source, UndecodableTelegram, VolumeReading
from meters.segments import Record, Segments
from meters.storage import write
from meters.writer import Writer
from tests.meters.rows import make_meter, make_source
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

BEGIN = 1_795_000_000


def record(n: int, meter: str = "Main", **registers: Any) -> Record:
    return ["electricity", meter, "electricity", "E1", BEGIN + n, BEGIN + n, 0, {"import_t1_wh": n, **registers}]


def gas(n: int) -> Record:
    return ["volume", "Main", "gas", "G1", BEGIN + n, BEGIN + n, 0, {"volume_l": n}]


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.seg"))


@pytest.fixture
def no_pool() -> Iterator[None]:
    """As in read_meters: a connection that is closed is gone."""
    settings = connection.settings_dict
    options = settings["OPTIONS"]
    connection.close()
    settings["OPTIONS"] = {name: value for name, value in options.items() if name != "pool"}
    yield
    connection.close()
    settings["OPTIONS"] = options


@pytest.fixture
def away(no_pool: None) -> Iterator[Callable[[], None]]:
    """Calling it takes the database away, calling it again gives it back."""
    settings = connection.settings_dict
    host = settings["HOST"]

    def toggle() -> None:
        connection.close()
        settings["HOST"] = "/nowhere" if settings["HOST"] == host else host

    yield toggle
    connection.close()
    settings["HOST"] = host


def test_records_become_rows_and_the_segment_goes_once_the_disk_has_them(tmp_path: Path) -> None:
    make_meter()
    segments = Segments(tmp_path, rotate_bytes=1)
    writer = Writer(segments)
    segments.append([record(1), gas(1)])
    segments.append([record(2)])
    assert writer.step() is False
    assert files(tmp_path) == ["0000000001.seg", "0000000002.seg"], "committed is not yet on the disk"
    until(lambda: writer.step() or files(tmp_path) == ["0000000002.seg"])
    assert list(ElectricityReading.objects.values_list("import_t1_wh", flat=True).order_by("time")) == [1, 2]
    assert VolumeReading.objects.get().volume_l == 1
    assert {source.name for source in Source.objects.all()} == {"Main", "Main gas"}
    assert writer.state() | {"database_since": 0} == {
        "spool_bytes": 0,
        "spool_oldest": None,
        "stored_total": 3,
        "set_aside": 0,
        "database": "ok",
        "database_error": None,
        "database_since": 0,
    }


def test_a_thread_of_its_own_ends_with_an_empty_spool(tmp_path: Path) -> None:
    make_meter()
    segments = Segments(tmp_path)
    writer = Writer(segments)
    writer.start()
    segments.append([record(n) for n in range(10)])
    assert writer.finish(5)
    assert ElectricityReading.objects.count() == 10
    assert files(tmp_path) == []


def test_what_an_earlier_run_left_is_stored_and_nothing_twice(tmp_path: Path) -> None:
    make_meter()
    first = Segments(tmp_path)
    first.append([record(n) for n in range(5)])
    Writer(first).step()
    first.append([record(n) for n in range(5, 8)])
    second = Segments(tmp_path)  # the first one was killed: what the database has of it nobody noted
    writer = Writer(second)
    writer.step()
    assert ElectricityReading.objects.count() == 8
    assert writer.stored == 3


def test_a_database_that_is_away_costs_nothing_but_time(tmp_path: Path, away: Any) -> None:
    make_meter()
    segments = Segments(tmp_path)
    writer = Writer(segments)
    segments.append([record(1)])
    away()
    began = time.time()
    assert writer.step() is False
    segments.append([record(2)])
    writer.step()
    state = writer.state()
    assert (state["database"], state["spool_oldest"]) == ("away", BEGIN + 1)
    assert state["spool_bytes"] > 0
    assert began - 1 <= state["database_since"] <= time.time()
    away()
    writer.step()
    assert writer.state()["database"] == "ok"
    assert ElectricityReading.objects.count() == 2


def test_a_lost_session_takes_back_what_was_not_certain(tmp_path: Path) -> None:
    """A crash of the server loses commits that did not wait for the disk; here the rows are removed behind the writer's back."""
    make_meter()
    segments = Segments(tmp_path)
    writer = Writer(segments)
    segments.append([record(1)])
    writer.step()
    ElectricityReading.objects.all().delete()
    connection.connection.close()
    writer.step()
    writer.step()
    assert ElectricityReading.objects.count() == 1


def test_another_session_takes_it_back_even_where_no_error_was_seen(tmp_path: Path, no_pool: None) -> None:
    make_meter()
    segments = Segments(tmp_path)
    writer = Writer(segments)
    segments.append([record(1)])
    writer.step()
    ElectricityReading.objects.all().delete()
    connection.close()
    writer.step()
    assert ElectricityReading.objects.count() == 1


def _settled(writer: Writer, folder: Path) -> bool:
    writer.step()
    return len(files(folder)) == 1


def test_a_segment_stays_until_the_log_behind_its_commit_is_on_the_disk(tmp_path: Path) -> None:
    """The server writes its log a moment after a commit that does not wait; caught in that moment, the segment must be there."""
    other = make_source(make_meter("Shed"), "gas")
    make_meter()
    stayed = []
    for n in range(10):
        segments = Segments(tmp_path / str(n), rotate_bytes=1)
        writer = Writer(segments)
        segments.append([record(2 * n)])
        segments.append([record(2 * n + 1)])
        writer.step()
        write("volume", [(other.pk, datetime(2026, 1, 1, n, tzinfo=UTC), n, 0)])  # its commit does not wait either
        writer.step()
        stayed.append(len(files(tmp_path / str(n))) == 2)
        until(partial(_settled, writer, tmp_path / str(n)))
    assert any(stayed)


@pytest.mark.parametrize("table", ["meters_meter", "meters_undecodabletelegram"])
def test_undecodable_telegrams_survive_an_error_of_the_database(tmp_path: Path, table: str) -> None:
    make_meter()
    writer = Writer(Segments(tmp_path))
    for n in range(3):
        writer.reject("Main", BEGIN + n, "checksum", "", b"/%d" % n)
    _rename(table, "hidden")
    try:
        writer.step()
        assert writer.state()["database"] == "away"
    finally:
        _rename("hidden", table)
    writer.step()
    assert [bytes(row.raw) for row in UndecodableTelegram.objects.order_by("id")] == [b"/0", b"/1", b"/2"]


def _rename(table: str, to: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO {to}")


def test_a_damaged_record_is_set_aside_and_the_others_stored(tmp_path: Path) -> None:
    make_meter()
    Segments(tmp_path).append([record(n) for n in range(3)])
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes().replace(b'"import_t1_wh":1', b'"import_t1_wh":9'))
    writer = Writer(Segments(tmp_path))
    writer.step()
    writer.step()
    assert ElectricityReading.objects.count() == 2
    assert writer.state()["set_aside"] == 1
    assert "damaged in segment 1" in (tmp_path / "aside.log").read_text()


@pytest.mark.parametrize(
    "bad",
    [
        record(5, meter="Nobody"),
        record(5, power_w=2**40),
        record(5, unknown_register=1),
        ["electricity", "Main"],
        ["electricity", "Main", "steam", "E1", 1, 1, 0, {}],
        ["electricity", "Main", "electricity", "E1", 1, 10**18, 0, {}],
        ["volume", "Main", "gas", "G1", BEGIN, BEGIN, 0, {}],
    ],
)
def test_a_record_that_can_never_be_stored_is_set_aside_and_stops_none_of_the_others(tmp_path: Path, bad: Record) -> None:
    make_meter()
    segments = Segments(tmp_path)
    segments.append([*[record(n) for n in range(5)], bad, *[record(n) for n in range(6, 10)]])
    writer = Writer(segments)
    writer.step()
    assert ElectricityReading.objects.count() == 9
    assert writer.aside == 1
    assert (tmp_path / "aside.log").read_text().count("\n") == 1


def test_a_source_that_was_deleted_is_made_anew(tmp_path: Path) -> None:
    make_meter()
    segments = Segments(tmp_path)
    writer = Writer(segments)
    segments.append([record(1)])
    writer.step()
    ElectricityReading.objects.all().delete()
    DataManager.objects.all().delete()
    Source.objects.all().delete()
    segments.append([record(2)])
    writer.step()
    assert ElectricityReading.objects.count() == 1
    assert writer.aside == 0


def test_the_newest_ten_thousand_undecodable_telegrams_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "KEPT_UNDECODABLE", 20)
    make_meter()
    writer = Writer(Segments(tmp_path))
    for n in range(50):
        writer.reject("Main", BEGIN + n, "checksum", "does not match", b"/%d" % n)
        if n % 7 == 0:
            writer.step()
    writer.reject("Nobody", BEGIN, "checksum", "", b"")
    writer.step()
    assert [bytes(row.raw) for row in UndecodableTelegram.objects.all()] == [b"/%d" % n for n in reversed(range(30, 50))]


def test_undecodable_telegrams_wait_for_the_database_in_bounded_memory(tmp_path: Path, away: Any) -> None:
    make_meter()
    writer = Writer(Segments(tmp_path))
    away()
    for n in range(2000):
        writer.reject("Main", BEGIN + n, "checksum", "", b"x" * 65_536)
    writer.step()
    away()
    writer.step()
    stored = UndecodableTelegram.objects.order_by("id")
    assert stored.count() == writing.WAITING_UNDECODABLE
    assert max(len(row.raw) for row in stored[:3]) == writing.RAW_BYTES
    last = stored.last()
    assert last is not None
    assert last.received.timestamp() == BEGIN + 1999
    assert Meter.objects.count() == 1
