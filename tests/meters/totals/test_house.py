"""`manage.py totals`: one JSON object a line."""

import json
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from energysite import timegrid
from energysite.models import House
from energysite.timegrid import Period, Span
from meters.models import ProductionReading, Source
from meters.totals import cache, house
from meters.totals.house import By
from tests.meters.rows import electricity, make_meter, make_source, volume
from tests.meters.totals import made

pytestmark = pytest.mark.django_db
BRUSSELS = ZoneInfo("Europe/Brussels")


@pytest.fixture(autouse=True)
def nothing_kept():
    cache.forget_all()


@pytest.fixture
def source():
    source = make_source(make_meter())
    made.readings(source, datetime(2026, 8, 20, tzinfo=UTC), datetime(2026, 11, 1, 4, tzinfo=UTC), 613)
    made.quarters(source)
    made.days(source, list(timegrid.periods(Span.DAY, date(2026, 8, 21), date(2026, 10, 31))), BRUSSELS)
    return source


def command(*words):
    out, err = StringIO(), StringIO()
    call_command("totals", *words, stdout=out, stderr=err)
    return [json.loads(line) for line in out.getvalue().splitlines()], err.getvalue()


def difference(source, first, until):
    truth = made.truth(source)
    low, high = (truth[timegrid.midnight(day, BRUSSELS)][0] for day in (first, until))
    return high - low


def test_the_day_of_25_hours_by_the_hour_has_both_its_second_hours_and_adds_up_to_the_day(source):
    hours, _err = command("--from", "2026-10-25", "--to", "2026-10-25", "--by", "hour")
    [day], _err = command("--from", "2026-10-25", "--to", "2026-10-25")
    assert len(hours) == 25
    assert [row["start"] for row in hours[1:5]] == [
        "2026-10-25T01:00:00+02:00",
        "2026-10-25T02:00:00+02:00",
        "2026-10-25T02:00:00+01:00",
        "2026-10-25T03:00:00+01:00",
    ]
    assert (day["start"], day["end"]) == ("2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00")
    for name in ("import_t1_wh", "import_t2_wh", "export_t1_wh"):
        assert sum(row[name] for row in hours) == day[name]
    assert day["import_t1_wh"] == difference(source, date(2026, 10, 25), date(2026, 10, 26))
    assert (day["coverage"], day["recovered"]) == (1.0, False)
    assert "export_t2_wh" not in day
    assert "gas_l" not in day


@pytest.mark.parametrize(
    ("by", "lines"), [("quarter", 41 * 96 + 4), ("hour", 41 * 24 + 1), ("day", 41), ("week", 7), ("month", 2), ("year", 1)]
)
def test_the_lines_of_a_range_follow_each_other_and_add_up_to_it_however_it_is_cut(source, by, lines):
    rows, _err = command("--from", "2026-09-17", "--to", "2026-10-27", "--by", by)
    assert len(rows) == lines
    assert [row["end"] for row in rows[:-1]] == [row["start"] for row in rows[1:]]
    assert (rows[0]["start"], rows[-1]["end"]) == ("2026-09-17T00:00:00+02:00", "2026-10-28T00:00:00+01:00")
    assert sum(row["import_t1_wh"] for row in rows) == difference(source, date(2026, 9, 17), date(2026, 10, 28))


def test_whole_months_come_from_what_is_kept(source):
    command("--from", "2026-09-01", "--to", "2026-10-30", "--by", "month")
    kept = cache.read([(source.pk, Period.of(Span.MONTH, date(2026, 9, 1)))])
    assert len(kept.values) == 1


def at(hour):
    return timegrid.midnight(date(2026, 7, 14), BRUSSELS) + timedelta(hours=hour)


def test_every_medium_stands_in_the_line_and_a_replaced_meter_goes_on():
    meter = make_meter()
    electricity(make_source(meter, serial="old"), [(at(0), {"import_t1_wh": 10}), (at(5), {"import_t1_wh": 400})])
    electricity(
        make_source(meter, serial="new"),
        [(at(6), {"import_t1_wh": 3, "export_t2_wh": 1}), (at(9), {"import_t1_wh": 53, "export_t2_wh": 8})],
    )
    volume(make_source(meter, "gas", "g"), [(at(0), 1000), (at(9), 1310)])
    volume(make_source(meter, "water", "w"), [(at(0), 7), (at(9), 99)])
    for i in range(2):
        roof = Source.objects.create(kind="production", medium="solar", name=f"Roof {i}")
        ProductionReading.objects.bulk_create(ProductionReading(source=roof, time=at(9 * j), total_wh=j * 1500) for j in range(2))
    [row] = house.rows(By.DAY, date(2026, 7, 14), date(2026, 7, 14), zone=BRUSSELS, now=at(10))
    expected = {"import_t1_wh": 440, "export_t2_wh": 7, "production_wh": 3000, "gas_l": 310, "water_l": 92}
    assert list(row.items())[4:] == list(expected.items())
    [row] = house.rows(By.DAY, date(2026, 7, 14), date(2026, 7, 14), "Roof 1", zone=BRUSSELS, now=at(10))
    assert list(row.items())[4:] == [("production_wh", 1500)]


def test_without_dates_it_is_the_last_thirty_days_of_the_houses_zone():
    House.objects.update_or_create(pk=1, defaults={"zone": "Pacific/Kiritimati"})
    rows, _err = command()
    today = timegrid.local_day(timezone.now(), ZoneInfo("Pacific/Kiritimati"))
    assert len(rows) == 30
    assert rows[-1]["start"].startswith(f"{today}T00:00:00")
    assert rows[0] == {"start": rows[0]["start"], "end": rows[1]["start"], "coverage": 0.0, "recovered": False}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--source", "Nobody"], "There is no source called “Nobody” that counts. There are: Main electricity 1."),
        (["--from", "2026-02-02", "--to", "2026-02-01"], "The range ends before it begins."),
        (["--from", "1999-01-01"], "There is nothing before 2008-01-01."),
        (["--from", "yesterday"], "'yesterday' is no date; write it as 2026-07-31"),
        (["--by", "fortnight"], "invalid choice: 'fortnight'"),
        (["--from", "9999-12-30", "--to", "9999-12-31"], "There are no totals of 9999-12-30 to 9999-12-31"),
    ],
)
def test_what_cannot_be_is_refused_in_words(words, sentence):
    make_source(make_meter())
    with pytest.raises(CommandError, match=sentence.replace("(", r"\(")):
        command(*words)


def test_a_long_list_tells_how_far_it_is(source):
    told = []
    rows = list(
        house.rows(
            By.QUARTER,
            date(2026, 9, 1),
            date(2026, 9, 30),
            zone=BRUSSELS,
            now=at(0) + timedelta(days=200),
            tell=lambda *parts: told.append(parts),
        )
    )
    assert len(rows) == 30 * 96
    assert told[-1] == (2880, 2880)
    assert [done for done, _all in told] == [672, 1344, 2016, 2688, 2880]
