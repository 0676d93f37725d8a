"""How the database grows, what that means for the disk, and which blocks wait."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from energysite import agents
from meters import growth
from meters.growth import Growth, Stream, Table
from meters.models import Block, DataManager, Source
from tests.meters.rows import electricity, make_meter, make_source

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY, QUARTER = timedelta(days=1), timedelta(minutes=15)
MB = 1_000_000


def of(*streams: tuple[float, float]) -> Growth:
    return Growth(100 * MB, [], [Stream(1.0, per_day * MB, days) for per_day, days in streams])


def test_what_is_kept_for_ever_grows_and_what_is_in_balance_does_not():
    found = of((1, math.inf), (10, 20), (50, 0))
    assert found.bytes_per_day == 11 * MB
    assert found.after(10) == (100 + 10 + 100) * MB
    assert found.after(365) == (100 + 365 + 200) * MB


@pytest.mark.parametrize(
    ("free", "days"),
    [(110 * MB, 10), (220 * MB, 20), (230 * MB, 30), (0, 0)],
)
def test_the_disk_lasts_longer_once_readings_go_as_they_come(free, days):
    assert of((1, math.inf), (10, 20)).lasts(free) == pytest.approx(days)


def test_a_disk_that_nothing_fills_lasts_for_ever():
    assert of((0, math.inf), (10, 20), (5, 0)).lasts(201 * MB) is None
    assert of().lasts(1) is None


def test_a_small_table_says_nothing_about_a_row():
    assert Table("electricity", 800_000, 10).row_bytes == growth.ROW_BYTES["electricity"]
    assert Table("electricity", 12_500_000, 100_000).row_bytes == 125


@pytest.fixture
def source(db: None) -> Source:
    made = make_source(make_meter())
    DataManager.objects.filter(source=made).delete()
    return made


def manager(source: Source, algorithm: str, length_s: int, keep_days: int | None = None) -> None:
    name = f"{algorithm} {length_s}"
    agents.create(DataManager, name=name, source=source, algorithm=algorithm, length_s=length_s, keep_days=keep_days, period_s=60)


def test_rates_are_those_of_the_last_hour_and_of_the_managers(source):
    electricity(source, [(NOW - 10 * DAY, 1), *((NOW - i * timedelta(seconds=10), 2) for i in range(360))])
    manager(source, "archive", 0, keep_days=30)
    manager(source, "difference", 900)
    manager(source, "difference", 60, keep_days=730)
    found = growth.measure(NOW)
    assert sorted((stream.rows_per_day, stream.days) for stream in found.streams) == [(96, math.inf), (1440, 730), (8640, 20)]
    assert found.bytes_per_day == 8640 * 130 + (1440 + 96) * 330
    assert found.database_bytes > MB
    assert {table.name for table in found.tables} == {"electricity", "volume", "production", "battery", "analog", "blocks"}


def test_a_retired_or_silent_source_adds_nothing(source):
    manager(source, "difference", 900)
    electricity(source, [(NOW - 3 * DAY, 1)])
    assert growth.measure(NOW).bytes_per_day == 0
    source.retired = NOW
    source.save()
    assert growth.measure(NOW).streams == []


def block(source: Source, start: datetime, state: str, **fields: object) -> None:
    Block.objects.create(source=source, length_s=900, start=start, end=start + QUARTER, state=state, **fields)


def test_blocks_that_wait_or_failed_are_counted_by_source_with_the_newest_reason(source):
    other = make_source(source.meter, serial="2")
    for one in (source, other):
        electricity(one, [(NOW - DAY, 1), (NOW, 2)])
        block(one, NOW - 2 * DAY, "closed")
        block(one, NOW - QUARTER, "todo")  # due this moment
    assert growth.backlog(NOW) == []
    block(source, NOW - 4 * QUARTER, "todo")
    block(source, NOW - 3 * QUARTER, "todo")
    block(source, NOW - 6 * QUARTER, "faulty", reason={"code": "database", "sqlstate": "1"})
    block(source, NOW - 5 * QUARTER, "faulty", reason={"code": "out_of_range"})
    (found,) = growth.backlog(NOW)
    assert (found.source, found.waiting, found.oldest, found.faulty) == (source, 2, NOW - 4 * QUARTER, 2)
    assert found.reason == {"code": "out_of_range"}


def test_a_block_that_no_reading_proves_yet_does_not_wait(source):
    electricity(source, [(NOW - DAY, 1)])
    block(source, NOW - DAY, "todo")
    assert growth.backlog(NOW) == []
