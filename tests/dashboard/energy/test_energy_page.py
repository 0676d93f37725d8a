"""The page and its data: exact numbers, what is missing, who may look, and while there is no database."""

import csv
import gzip
from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dashboard.energy.asked import asked
from dashboard.energy.numbers import Picture, picture
from energysite import timegrid
from energysite.permissions import OWNER, Actor
from meters.counting import correct
from meters.models import Source
from tests.dashboard.energy.house import BRUSSELS, condensed, steady
from tests.meters.rows import make_meter, make_source, volume

pytestmark = pytest.mark.django_db
OCTOBER = date(2026, 10, 25)
NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)


@pytest.fixture
def client() -> Client:
    client = Client(headers={"host": "localhost"})
    user = User.objects.create_user("viewer")
    user.groups.add(Group.objects.get_or_create(name="viewer")[0])
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def shown(sources: list[Source], now: datetime = NOW, **query: str) -> Picture:
    return picture(asked(query, timegrid.local_day(now, BRUSSELS)), sources, BRUSSELS, now)


def test_bars_add_up_to_the_period_to_the_watt_hour_on_every_kind_of_day() -> None:
    sources = steady(date(2026, 10, 24), date(2026, 10, 27))
    for day, quarters in (("2026-10-24", 96), ("2026-10-25", 100), ("2026-10-26", 96)):
        for by in ("hour", "quarter"):
            seen = shown(sources, date=day, by=by)
            electricity = seen.columns["electricity"]
            night = 4 * 9 + quarters - 96  # the hours from 22 to 7, one more in October
            assert electricity.total.values == {
                "import_t1_wh": 60 * 100,
                "import_t2_wh": night * 40,
                "export_t1_wh": quarters * 25,
                "export_t2_wh": 0,
            }
            for medium, column in seen.columns.items():
                for name, value in column.total.values.items():
                    assert sum(cell.values[name] for cell in column.cells) == value, (day, by, medium, name)
            assert seen.columns["gas"].total.values == {"gas_l": quarters * 4}
            assert seen.columns["water"].total.values == {"water_l": quarters}
            assert {cell.coverage for cell in electricity.cells} == {1.0}


def test_a_month_is_the_sum_of_its_days_and_a_year_that_of_its_months(client: Client) -> None:
    sources = steady(date(2026, 10, 16), date(2026, 11, 1))
    month, year = shown(sources, date="2026-10-01", span="month"), shown(sources, span="year")
    assert len(month.columns["electricity"].cells) == 31
    assert month.total("electricity").values == year.columns["electricity"].cells[9].values == year.total("electricity").values
    assert month.total("gas").values == {"gas_l": (16 * 96 + 4) * 4}
    assert [cell.empty for cell in year.columns["electricity"].cells] == [True] * 9 + [False, True, True]
    assert not year.missing(3, year.columns["electricity"]), "before the first reading nothing is missing"
    for query in ({"date": "2026-10-01", "span": "month", "compare": "before"}, {"span": "year", "compare": "before"}):
        assert len(gzip.compress(client.get("/data/energy/", query).content)) <= 10_000


def test_an_outage_keeps_its_energy_and_is_told_as_recovered_and_not_measured(client: Client) -> None:
    start = timegrid.midnight(OCTOBER, BRUSSELS)
    steady(date(2026, 10, 25), date(2026, 10, 27), skip={start + timedelta(hours=10): start + timedelta(hours=14)})
    page = client.get("/energy/", {"date": "2026-10-25"})
    text = page.content.decode()
    assert "Measured: electricity 8" in text
    assert "Recovered: shared out over a gap" in text
    assert "recovered" in text
    answer = client.get("/data/energy/", {"date": "2026-10-25"}).json()
    chart = answer["charts"][0]
    assert chart["recovered"] == [10, 11, 12, 13]
    assert sum(chart["lines"][0]["values"]) + sum(chart["lines"][1]["values"]) == 60 * 100 + 40 * 40
    assert chart["missing"] == []


def test_what_was_never_measured_is_missing_and_no_zero(client: Client) -> None:
    steady(date(2026, 10, 20), date(2026, 10, 22))
    chart = client.get("/data/energy/", {"date": "2026-10-20", "span": "month"}).json()["charts"][0]
    assert chart["lines"][0]["values"][:19] == [None] * 19
    assert chart["lines"][0]["values"][25:] == [None] * 6


def test_nothing_is_a_zero_only_where_it_was_counted(client: Client) -> None:
    """The night's water is 0; what follows the last reading, at midnight, is not; also while no block is done yet."""
    source = make_source(make_meter(), "water", "8")
    start = timegrid.midnight(OCTOBER, BRUSSELS)
    volume(source, [(start + i * timegrid.QUARTER, 500 + max(0, i - 40)) for i in range(101)])
    for _blocks in ("none yet", "all"):
        chart = client.get("/data/energy/", {"date": "2026-10-25"}).json()["charts"][0]
        assert chart["lines"][0]["values"][:11] == [0] * 10 + [4]
        condensed([source], start + timedelta(hours=26))
    week = client.get("/data/energy/", {"date": "2026-10-25", "span": "month"}).json()["charts"][0]
    assert week["lines"][0]["values"][24:26] == [60, None]
    assert week["missing"] == [25, 26, 27, 28, 29, 30]


def test_a_correction_counts_and_is_told(client: Client) -> None:
    [electricity, *_volumes] = steady(date(2026, 10, 25), date(2026, 10, 27))
    quarter = timegrid.midnight(OCTOBER, BRUSSELS) + timedelta(hours=12)
    correct.correct(electricity, "import_t1_wh", quarter, 700, "the plumber's drill", Actor("owner", OWNER))
    chart = client.get("/data/energy/", {"date": "2026-10-25"}).json()["charts"][0]
    assert chart["lines"][0]["values"][12] == 4 * 100 + 700
    assert chart["corrected"] == [12]
    assert "corrected by +0.70 kWh" in chart["notes"]["12"]
    assert "Corrected by a person" in client.get("/energy/", {"date": "2026-10-25"}).content.decode()


def test_solar_that_stays_here_is_told_apart_from_what_leaves(client: Client) -> None:
    from meters.models import ProductionReading

    steady(date(2026, 10, 25), date(2026, 10, 27))
    roof = Source.objects.create(kind="production", medium="solar", name="Roof", serial="S")
    start = timegrid.midnight(OCTOBER, BRUSSELS)
    ProductionReading.objects.bulk_create(
        ProductionReading(source=roof, time=start + i * timegrid.QUARTER, total_wh=i * 60, production_w=240) for i in range(197)
    )
    condensed([roof], start + timedelta(days=2, hours=1))
    answer = client.get("/data/energy/", {"date": "2026-10-25"}).json()
    lines = {line["key"]: line["values"] for line in answer["charts"][0]["lines"]}
    assert lines["solar"] == [4 * (60 - 25)] * 25
    assert lines["export"] == [100] * 25
    text = client.get("/energy/", {"date": "2026-10-25"}).content.decode()
    assert "used here 3.50 kWh (58 %)" in text


def test_the_period_before_stands_beside_hour_by_hour_and_in_total(client: Client) -> None:
    steady(date(2026, 10, 24), date(2026, 10, 27))
    answer = client.get("/data/energy/", {"date": "2026-10-25", "compare": "before"}).json()
    before = {line["key"]: line["values"] for line in answer["charts"][0]["before"]}
    assert len(before["import"]) == 25
    assert before["import"][3] is None, "the second 02:00 has no hour beside it the day before"
    assert before["import"][4] == 160
    assert "before: 7.44 kWh (+2 %)" in client.get("/energy/", {"date": "2026-10-25", "compare": "before"}).content.decode()


def test_the_table_has_all_hundred_quarters_and_links_where_there_is_more_to_see(client: Client) -> None:
    steady(date(2026, 10, 25), date(2026, 10, 26))
    text = client.get("/energy/", {"date": "2026-10-25", "by": "quarter"}).content.decode()
    table = text.partition("<tbody>")[2].partition("</tbody>")[0]
    assert table.count("<tr>") == 100
    assert "02:45–03:00 summer time" in table
    assert "02:45–03:00 winter time" in table
    month = client.get("/energy/", {"date": "2026-10-25", "span": "month"}).content.decode()
    assert 'href="/energy/?date=2026-10-25">Sun 25 October</a>' in month


def test_the_data_of_a_day_stays_small(client: Client) -> None:
    steady(date(2026, 10, 24), date(2026, 10, 27))
    answer = client.get("/data/energy/", {"date": "2026-10-25", "by": "quarter", "compare": "before"})
    assert len(answer.json()["charts"][0]["lines"][0]["values"]) == 100
    assert len(gzip.compress(answer.content)) <= 3000


def test_a_csv_file_holds_the_same_numbers_with_their_offsets(client: Client) -> None:
    steady(date(2026, 10, 25), date(2026, 10, 26))
    response = client.get("/data/energy.csv", {"date": "2026-10-25", "by": "quarter"})
    assert response["Content-Disposition"] == 'attachment; filename="energy-2026-10-25.csv"'
    rows = list(csv.DictReader(response.content.decode().splitlines()))
    assert len(rows) == 100
    assert [row["start"] for row in rows][8:13:4] == ["2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"]
    assert sum(int(row["import_t1_wh"]) for row in rows) == 6000
    assert {row["gas_l"] for row in rows} == {"4"}
    assert {row["electricity_coverage"] for row in rows} == {"1.0"}


@pytest.mark.parametrize("query", [{"date": "2026-02-30"}, {"span": "decade"}, {"by": "minute"}])
def test_an_address_that_means_nothing_is_answered_in_words(client: Client, query: dict[str, str]) -> None:
    assert client.get("/energy/", query).status_code == 404
    assert client.get("/data/energy.csv", query).status_code == 404
    response = client.get("/data/energy/", query)
    assert response.status_code == 400
    assert response.json()["error"].endswith(".")


def test_a_house_without_a_meter_says_what_comes_next(client: Client) -> None:
    text = client.get("/energy/", {"span": "month"}).content.decode()
    assert "Nothing was measured in this period." in text
    assert client.get("/data/energy/").json()["charts"] == []
    make_source(make_meter())
    assert "Numbers stand here within a minute of the first reading." in client.get("/energy/").content.decode()


def test_two_meters_are_shown_one_at_a_time(client: Client) -> None:
    steady(date(2026, 10, 25), date(2026, 10, 26))
    garage = make_source(make_meter("Garage"), serial="2")
    condensed([garage], NOW)
    text = client.get("/energy/", {"date": "2026-10-25"}).content.decode()
    assert 'href="/energy/?date=2026-10-25&amp;meter=Garage"' in text
    assert "7.60" in text
    assert "7.60" not in client.get("/energy/", {"date": "2026-10-25", "meter": "Garage"}).content.decode()


def test_strangers_see_nothing(db: None) -> None:
    stranger = Client(headers={"host": "localhost"})
    User.objects.create_superuser("owner")
    for path in ("/energy/", "/data/energy/", "/data/energy.csv"):
        assert "/login/" in stranger.get(path)["Location"]


def test_what_is_closed_is_not_added_up_again(client: Client) -> None:
    steady(date(2026, 9, 21), date(2026, 9, 30), closed=True)
    query = {"date": "2026-09-21", "span": "week"}
    client.get("/energy/", query)
    with CaptureQueriesContext(connection) as asked_again:
        assert client.get("/energy/", query).status_code == 200
    said = [one["sql"] for one in asked_again if "energy1" in one["sql"] or "reading" in one["sql"]]
    assert said == []
