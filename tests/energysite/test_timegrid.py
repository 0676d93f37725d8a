import itertools
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energysite import timegrid
from energysite.timegrid import Parts, Period, Season, Span

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


KOLKATA, LISBON, LORD_HOWE = (ZoneInfo(name) for name in ("Asia/Kolkata", "Europe/Lisbon", "Australia/Lord_Howe"))


def names(day, zone):
    return [(hour.label, hour.season) for hour in timegrid.hours(day, zone)]


def test_the_quarters_of_all_brussels_days_are_one_unbroken_line_from_2015_to_2035():
    line = [quarter for day in every_day() for quarter in timegrid.quarters(day, BRUSSELS)]
    start = timegrid.midnight(FIRST, BRUSSELS)
    assert line == timegrid.quarters_between(start, timegrid.midnight(LAST + timedelta(days=1), BRUSSELS))
    assert all(quarter == timegrid.quarter_start(quarter) for quarter in line[:: 96 * 7])


def test_every_brussels_day_has_23_24_or_25_hours_and_no_two_alike():
    for day in every_day():
        hours = timegrid.hours(day, BRUSSELS)
        assert len(hours) == len(timegrid.quarters(day, BRUSSELS)) // 4, day
        assert len({(hour.label, hour.season) for hour in hours}) == len(hours), day
        assert (hours[0].start, hours[-1].end) == timegrid.day_bounds(day, BRUSSELS)
        assert all(hour.end - hour.start == timedelta(hours=1) for hour in hours)


def test_both_two_o_clock_hours_of_the_autumn_day_have_a_name_of_their_own():
    found = names(date(2026, 10, 25), BRUSSELS)
    assert found[1:5] == [("01:00", None), ("02:00", Season.SUMMER), ("02:00", Season.WINTER), ("03:00", None)]
    assert [label for label, _season in names(date(2026, 3, 29), BRUSSELS)[:4]] == ["00:00", "01:00", "03:00", "04:00"]


def test_a_clock_that_moves_half_an_hour_makes_hours_of_thirty_minutes():
    autumn = timegrid.hours(date(2026, 4, 5), LORD_HOWE)
    assert [(h.label, h.season, (h.end - h.start).seconds // 60) for h in autumn[1:4]] == [
        ("01:00", None, 60),
        ("01:30", Season.WINTER, 30),
        ("02:00", None, 60),
    ]
    spring = timegrid.hours(date(2026, 10, 4), LORD_HOWE)
    assert [(h.label, (h.end - h.start).seconds // 60) for h in spring[1:4]] == [("01:00", 60), ("02:30", 30), ("03:00", 60)]


@pytest.mark.parametrize(("zone", "minutes"), [(LISBON, 60), (LORD_HOWE, 30)])
def test_the_two_change_days_of_every_year_differ_by_the_change_and_no_other_day_does(zone, minutes):
    for year in range(2015, 2036):
        lengths = Counter(len(timegrid.quarters(day, zone)) for day in Period(Span.YEAR, date(year, 1, 1)).days)
        change = minutes // 15
        assert lengths[96 - change] == lengths[96 + change] == 1, year
        assert len(lengths) == 3


def test_every_midnight_of_a_zone_half_an_hour_off_lies_on_a_utc_quarter():
    for day in every_day():
        found = timegrid.quarters(day, KOLKATA)
        assert len(found) == 96
        assert found[0] == datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=5, minutes=30)
        assert found[0] == timegrid.quarter_start(found[0])
    assert names(date(2026, 5, 1), KOLKATA) == [(f"{i:02}:00", None) for i in range(24)]


@pytest.mark.parametrize(
    ("span", "day", "first", "until", "label", "previous"),
    [
        (Span.DAY, date(2026, 10, 25), date(2026, 10, 25), date(2026, 10, 26), "2026-10-25", "2026-10-24"),
        (Span.WEEK, date(2027, 1, 3), date(2026, 12, 28), date(2027, 1, 4), "2026-W53", "2026-W52"),
        (Span.MONTH, date(2026, 12, 31), date(2026, 12, 1), date(2027, 1, 1), "2026-12", "2026-11"),
        (Span.MONTH, date(2024, 2, 29), date(2024, 2, 1), date(2024, 3, 1), "2024-02", "2024-01"),
        (Span.YEAR, date(2024, 2, 29), date(2024, 1, 1), date(2025, 1, 1), "2024", "2023"),
    ],
)
def test_a_period_knows_its_days_its_name_and_its_neighbours(span, day, first, until, label, previous):
    period = Period.of(span, day)
    assert (period.first, period.until, period.label, period.previous.label) == (first, until, label, previous)
    assert period.previous.following == period.following.previous == period
    assert len(period.days) == (until - first).days


@pytest.mark.parametrize("span", Span)
@pytest.mark.parametrize("zone", [BRUSSELS, KOLKATA, LORD_HOWE])
def test_periods_follow_each_other_without_a_gap(span, zone):
    found = list(timegrid.periods(span, FIRST, date(2018, 1, 1)))
    assert found[0].first <= FIRST < found[0].until
    assert found[-1].first < date(2018, 1, 1) <= found[-1].until
    for period, following in itertools.pairwise(found):
        assert period.bounds(zone)[1] == following.bounds(zone)[0]
        assert period.following == following


def test_a_month_with_a_change_has_its_quarters_more_or_fewer():
    assert len(Period(Span.MONTH, date(2026, 3, 1)).quarters(BRUSSELS)) == 31 * 96 - 4
    assert len(Period(Span.MONTH, date(2026, 10, 1)).quarters(BRUSSELS)) == 31 * 96 + 4
    assert len(Period(Span.YEAR, date(2026, 1, 1)).quarters(BRUSSELS)) == 365 * 96


def test_a_range_of_whole_days_needs_no_quarters():
    start, end = timegrid.midnight(date(2016, 1, 1), BRUSSELS), timegrid.midnight(date(2026, 1, 1), BRUSSELS)
    assert timegrid.split(start, end, BRUSSELS) == Parts((start, start), (date(2016, 1, 1), date(2026, 1, 1)), (end, end))


def test_a_range_inside_a_day_is_quarters_alone():
    start, end = datetime(2026, 5, 1, 10, tzinfo=UTC), datetime(2026, 5, 1, 11, 15, tzinfo=UTC)
    parts = timegrid.split(start, end, BRUSSELS)
    assert parts.days[0] == parts.days[1]
    assert parts.quarters == timegrid.quarters_between(start, end)
    over_midnight = timegrid.split(start, end + timedelta(hours=12), BRUSSELS)
    assert over_midnight.days[0] == over_midnight.days[1]
    assert len(over_midnight.quarters) == 53


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (datetime(2026, 5, 1, 10, 7, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC), "10:07:00 UTC is not on a quarter"),
        (datetime(2026, 5, 3, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC), "before it begins"),
    ],
)
def test_a_range_that_cannot_be_added_up_is_refused(start, end, said):
    with pytest.raises(ValueError, match=said):
        timegrid.split(start, end, BRUSSELS)


ZONES = [BRUSSELS, KOLKATA, LISBON, LORD_HOWE, *(ZoneInfo(name) for name in ("America/Sao_Paulo", "America/Havana", "Pacific/Apia"))]


@given(st.sampled_from(ZONES), st.integers(1_300_000_000 // 900, 2_000_000_000 // 900), st.integers(0, 96 * 40))
def test_the_parts_of_any_range_are_its_quarters_each_once(zone, first, count):
    start = datetime.fromtimestamp(first * 900, UTC)
    end = start + count * timegrid.QUARTER
    parts = timegrid.split(start, end, zone)
    since, until = parts.days
    middle = [quarter for i in range((until - since).days) for quarter in timegrid.quarters(since + timedelta(days=i), zone)]
    assert timegrid.quarters_between(*parts.head) + middle + timegrid.quarters_between(*parts.tail) == timegrid.quarters_between(start, end)
    assert len(parts.quarters) < 2 * 100
