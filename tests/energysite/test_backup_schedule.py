"""When a nightly backup is due and which files may go: on given clocks only."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from energysite.backup_schedule import due, file_name, newest, obsolete, ours

BRUSSELS = ZoneInfo("Europe/Brussels")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BRUSSELS).astimezone(UTC)


def kept_after(days: int, start: datetime) -> list[str]:
    """The files that are left when one is made every night and the old ones go each time."""
    names: list[str] = []
    for day in range(days):
        names.append(file_name("house", start + timedelta(days=day)))
        gone = obsolete(names, "house", BRUSSELS)
        names = [name for name in names if name not in gone]
    return names


def test_after_two_years_of_nights_seven_days_and_twelve_months_are_left() -> None:
    start = at("2024-01-01T03:30")
    names = kept_after(731, start)  # the last one on 2025-12-31
    days = sorted(one.at.astimezone(BRUSSELS).date() for one in ours(names, "house"))
    assert days[-7:] == [date(2025, 12, 25) + timedelta(days=n) for n in range(7)]
    assert [(day.year, day.month) for day in days[:-6]] == [(2025, month) for month in range(1, 12)] + [(2025, 12)]
    assert len(days) == 18, "12 months, and the 6 other days of the month that runs"
    assert [day for day in days if day.month == 10] == [date(2025, 10, 31)]


def test_a_machine_that_was_off_for_a_year_keeps_what_it_has() -> None:
    names = [file_name("house", at(f"2024-05-{day:02}T03:31")) for day in range(1, 8)]
    names.append(file_name("house", at("2025-09-01T12:00")))
    assert obsolete(names, "house", BRUSSELS) == [names[0]], "seven days that have one"


def test_of_several_on_one_day_the_newest_stays() -> None:
    names = [file_name("house", at(f"2025-05-01T{hour:02}:00")) for hour in (3, 9, 21)]
    assert obsolete(names, "house", BRUSSELS) == names[:2]


def test_the_day_is_the_houses_own() -> None:
    names = [file_name("house", datetime(2025, 6, 1, 21, 0, tzinfo=UTC)), file_name("house", datetime(2025, 6, 1, 23, 0, tzinfo=UTC))]
    assert obsolete(names, "house", BRUSSELS) == [], "23:00, and 01:00 of the next day there"
    assert obsolete(names, "house", ZoneInfo("UTC")) == names[:1]


def test_other_files_and_the_other_house_are_left_alone() -> None:
    names = ["photo.zip", "energysite-house-20251399T000000Z.zip", "energysite-house-20250101T030000Z.zip.part", "../x"]
    names += [file_name("demo", at("2025-01-01T03:30") + timedelta(hours=n)) for n in range(3)]
    assert obsolete(names, "house", BRUSSELS) == []
    assert ours(names, "house") == []


def test_of_those_before_an_update_three_stay_and_they_are_no_nightly_ones() -> None:
    names = [file_name("house", at("2025-01-01T12:00") + timedelta(days=n), before_update=True) for n in range(5)]
    assert obsolete(names, "house", BRUSSELS) == names[:2]
    assert newest(names, "house") is None


LONG_AGO = at("2020-01-01T00:00")


@pytest.mark.parametrize(
    ("now", "last", "is_due"),
    [
        ("2025-05-02T03:29", "2025-05-01T03:30", False),
        ("2025-05-02T03:30", "2025-05-01T03:31", True),
        ("2025-05-02T03:45", "2025-05-02T03:31", False),
        ("2025-05-02T18:00", "2025-05-01T03:31", True),  # it was off at night
        ("2025-05-02T01:00", "2025-04-28T03:31", True),
        ("2025-10-26T03:30", "2025-10-25T03:30", True),  # the night of 25 hours
        ("2025-10-26T03:00", "2025-10-25T03:30", False),
        ("2025-03-30T03:30", "2025-03-29T03:30", True),  # and of 23
    ],
)
def test_one_is_due_when_the_last_half_past_three_has_none(now: str, last: str, is_due: bool) -> None:
    assert due(at(now), BRUSSELS, newest=at(last), tried=None, installed=LONG_AGO) is is_due


def test_a_house_set_up_today_waits_for_its_first_night() -> None:
    installed = at("2025-05-01T12:00")
    assert not due(at("2025-05-01T12:01"), BRUSSELS, newest=None, tried=None, installed=installed)
    assert due(at("2025-05-02T03:30"), BRUSSELS, newest=None, tried=None, installed=installed)


def test_a_failed_one_is_tried_again_after_an_hour_and_a_clock_set_back_does_not_stop_it() -> None:
    now = at("2025-05-02T05:00")
    waits = {
        minutes: due(now, BRUSSELS, newest=None, tried=now - timedelta(minutes=minutes), installed=LONG_AGO) for minutes in (-5, 1, 59, 60)
    }
    assert waits == {-5: True, 1: False, 59: False, 60: True}
