from datetime import date
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from dashboard.days import NoSuchDay
from dashboard.energy.asked import Asked, Grain, asked
from dashboard.energy.slots import slots, title
from energysite.timegrid import Span

TODAY = date(2026, 11, 23)
BRUSSELS = ZoneInfo("Europe/Brussels")


def of(**query: str) -> Asked:
    return asked(query, TODAY)


def test_nothing_asked_is_today_by_the_hour_and_has_the_plainest_address() -> None:
    plain = of()
    assert (plain.span, plain.date, plain.grain, plain.compare) == (Span.DAY, TODAY, Grain.HOUR, False)
    assert plain.query() == ""


@pytest.mark.parametrize(
    "query",
    [
        "date=2026-10-25&by=quarter",
        "date=2026-10-25&span=month&compare=before",
        "span=year&meter=Main+%26+more",
        "date=2025-12-31&span=week",
    ],
)
def test_an_address_says_again_what_was_asked(query: str) -> None:
    assert asked(dict(parse_qsl(query)), TODAY).query() == query


def test_back_and_forth_keep_the_kind_of_period() -> None:
    october = of(date="2026-10-31", span="month")
    before = october.previous(None)
    assert before is not None
    assert before.query() == "date=2026-09-01&span=month"
    following = october.following()
    assert following is not None
    assert following.query() == "span=month", "the current month has no date"
    assert following.following() is None
    new_year = of(date="2026-01-01", span="week").previous(None)
    assert new_year is not None
    assert (new_year.period.first, new_year.period.until) == (date(2025, 12, 22), date(2025, 12, 29))


def test_another_kind_of_period_keeps_the_day() -> None:
    assert of(date="2026-10-25").of_span(Span.YEAR).of_span(Span.WEEK).query() == "date=2026-10-25&span=week"
    assert of(date="2026-10-25", by="quarter").of_span(Span.MONTH).grain is Grain.DAY


def test_there_is_nothing_before_the_first_reading() -> None:
    assert of(date="2026-10-25").previous(date(2026, 10, 25)) is None
    assert of(date="2026-10-25").previous(date(2026, 10, 24)) is not None
    assert of(date="2026-10-25", span="month").previous(date(2026, 9, 30)) is not None
    assert of(date="2008-01-01", span="year").previous(None) is None


def test_a_period_to_come_is_the_current_one() -> None:
    assert of(date="2026-11-24").date == TODAY


@pytest.mark.parametrize(
    "query", [{"span": "decade"}, {"by": "minute"}, {"span": "month", "by": "hour"}, {"date": "2026-02-30"}, {"date": "1999-01-01"}]
)
def test_what_cannot_be_shown_is_refused_in_a_sentence(query: dict[str, str]) -> None:
    with pytest.raises(NoSuchDay, match=r"[.]$"):
        of(**query)


@pytest.mark.parametrize(("day", "hours", "quarters"), [("2026-10-25", 25, 100), ("2026-03-29", 23, 92), ("2026-07-01", 24, 96)])
def test_a_day_has_as_many_bars_as_it_has_hours_and_quarters(day: str, hours: int, quarters: int) -> None:
    by_hour, by_quarter = slots(of(date=day), BRUSSELS), slots(of(date=day, by="quarter"), BRUSSELS)
    assert (len(by_hour), len(by_quarter)) == (hours, quarters)
    for some in (by_hour, by_quarter):
        assert [one.end for one in some[:-1]] == [one.start for one in some[1:]]
        names = [one.name for one in some]
        assert len(set(names)) == len(names), "every bar has a name of its own"


def test_both_two_o_clocks_are_named_after_their_season() -> None:
    names = [one.name for one in slots(of(date="2026-10-25"), BRUSSELS)]
    assert names[1:5] == ["01:00–02:00", "02:00–03:00 summer time", "02:00–03:00 winter time", "03:00–04:00"]
    assert [one.place for one in slots(of(date="2026-10-25"), BRUSSELS)][2:4] == ["02:00", ""], (
        "the second has none beside it the day before"
    )
    assert [one.name for one in slots(of(date="2026-03-29"), BRUSSELS)][1:3] == ["01:00–02:00", "03:00–04:00"]


def test_weeks_months_and_years_are_shown_by_whole_days_and_months() -> None:
    week = slots(of(date="2026-10-25", span="week"), BRUSSELS)
    assert [one.axis for one in week] == ["Mon 19", "Tue 20", "Wed 21", "Thu 22", "Fri 23", "Sat 24", "Sun 25"]
    month = slots(of(date="2026-10-25", span="month"), BRUSSELS)
    assert (len(month), month[24].name) == (31, "Sun 25 October")
    assert (month[24].end - month[24].start).total_seconds() == 25 * 3600
    assert [one.axis for one in slots(of(span="year"), BRUSSELS)][::11] == ["Jan", "Dec"]


def test_titles_say_the_period() -> None:
    assert title(of(date="2026-10-25").period) == "Sunday 25 October 2026"
    assert title(of(date="2026-10-25", span="week").period) == "19 – 25 October 2026"
    assert title(of(date="2026-10-01", span="week").period) == "28 September – 4 October 2026"
    assert title(of(date="2026-01-01", span="week").period) == "29 December 2025 – 4 January 2026"
    assert title(of(date="2026-10-25", span="month").period) == "October 2026"
    with translation.override("nl"):
        assert title(of(date="2026-10-25").period) == "zondag 25 oktober 2026"
