import itertools
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from energysite import timegrid

BRUSSELS = ZoneInfo("Europe/Brussels")
FIRST, LAST = date(2015, 1, 1), date(2035, 12, 31)


def every_day() -> list[date]:
    return [FIRST + timedelta(days=i) for i in range((LAST - FIRST).days + 1)]


def last_sunday(year: int, month: int) -> date:
    day = date(year, month, 31)
    return day - timedelta(days=(day.weekday() + 1) % 7)


def test_brussels_days_join_without_a_gap_from_2015_to_2035():
    days = every_day()
    for day, following in itertools.pairwise(days):
        assert timegrid.day_bounds(day, BRUSSELS)[1] == timegrid.day_bounds(following, BRUSSELS)[0]


def test_every_brussels_day_has_92_96_or_100_quarters_by_the_rule_of_the_change():
    for day in every_day():
        expected = 92 if day == last_sunday(day.year, 3) else 100 if day == last_sunday(day.year, 10) else 96
        found = timegrid.quarters(day, BRUSSELS)
        assert len(found) == expected, day
        assert len(set(found)) == expected
        assert {timegrid.local_day(quarter, BRUSSELS) for quarter in found} == {day}
    assert Counter(len(timegrid.quarters(day, BRUSSELS)) for day in every_day()) == {96: 7628, 92: 21, 100: 21}


def test_brussels_midnight_is_2300_utc_in_winter_and_2200_in_summer():
    assert timegrid.midnight(date(2026, 1, 15), BRUSSELS) == datetime(2026, 1, 14, 23, tzinfo=UTC)
    assert timegrid.midnight(date(2026, 7, 15), BRUSSELS) == datetime(2026, 7, 14, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day", "quarters", "start"),
    [
        ("Europe/Lisbon", date(2026, 3, 29), 92, datetime(2026, 3, 29, 0, tzinfo=UTC)),
        ("Europe/Lisbon", date(2026, 10, 25), 100, datetime(2026, 10, 24, 23, tzinfo=UTC)),
        ("Australia/Lord_Howe", date(2026, 4, 5), 98, datetime(2026, 4, 4, 13, tzinfo=UTC)),
        ("Australia/Lord_Howe", date(2026, 10, 4), 94, datetime(2026, 10, 3, 13, 30, tzinfo=UTC)),
        ("Asia/Kathmandu", date(2026, 5, 1), 96, datetime(2026, 4, 30, 18, 15, tzinfo=UTC)),
        # Midnight does not exist: the day begins at 01:00.
        ("America/Sao_Paulo", date(2018, 11, 4), 92, datetime(2018, 11, 4, 3, tzinfo=UTC)),
        # Midnight comes twice: the day begins at the first.
        ("America/Havana", date(2026, 11, 1), 100, datetime(2026, 11, 1, 4, tzinfo=UTC)),
        ("Asia/Beirut", date(2026, 3, 29), 92, datetime(2026, 3, 28, 22, tzinfo=UTC)),
        # A whole day left out.
        ("Pacific/Apia", date(2011, 12, 30), 0, datetime(2011, 12, 30, 10, tzinfo=UTC)),
    ],
)
def test_change_days_of_other_zones(zone, day, quarters, start):
    zone = ZoneInfo(zone)
    assert timegrid.midnight(day, zone) == start
    found = timegrid.quarters(day, zone)
    assert len(found) == quarters
    assert all(timegrid.local_day(quarter, zone) == day for quarter in found)
    assert timegrid.midnight(day + timedelta(days=1), zone) == start + quarters * timegrid.QUARTER


def test_a_jump_that_straddles_midnight_is_found_to_the_second():
    toronto = ZoneInfo("America/Toronto")  # 1919: 23:30 on 30 March became 00:30 on the 31st
    start = timegrid.midnight(date(1919, 3, 31), toronto)
    assert start.astimezone(toronto).replace(tzinfo=None) == datetime(1919, 3, 31, 0, 30)
    assert timegrid.local_day(start - timedelta(seconds=1), toronto) == date(1919, 3, 30)


def test_a_wall_clock_time_inside_the_spring_jump_is_not_valid():
    assert not timegrid.is_valid(datetime(2026, 3, 29, 2, 30), BRUSSELS)
    assert timegrid.is_valid(datetime(2026, 3, 29, 3, 0), BRUSSELS)
    assert timegrid.is_valid(datetime(2026, 10, 25, 2, 30), BRUSSELS)
    assert timegrid.is_valid(datetime(2026, 10, 25, 2, 30, fold=1), BRUSSELS)
    assert not timegrid.is_valid(datetime(2018, 11, 4), ZoneInfo("America/Sao_Paulo"))


def test_the_quarter_of_an_instant_begins_on_a_utc_quarter():
    instant = datetime(2026, 10, 25, 2, 44, 59, 999999, tzinfo=BRUSSELS, fold=1)
    assert timegrid.quarter_start(instant) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
