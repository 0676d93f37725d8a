"""What is exported can be imported again, and opened in a spreadsheet."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest

from meters.exchange import exporting
from meters.models import Correction, Source
from meters.storage import COLUMNS, write
from tests.meters.exchange import made

pytestmark = pytest.mark.django_db


def exported(name="House", by="raw", start=None, end=None):
    text = b"".join(exporting.export(Source.objects.get(name=name), by, start, end)).decode()
    return text, list(csv.DictReader(io.StringIO(text)))


ROWS: dict[str, list[tuple[int | None, ...]]] = {
    "electricity": [
        (1, 2, 3, 4, 500, -20, 30, 40, 351, 2301, 0, 2292, 217, 91, 203, 1, 0),
        (5, None, 3, 4, -500, None, None, None, None, None, None, None, None, None, None, 2, 1),
        (6, 2, 3, 4, None, 0, 0, 0, 0, 1, 10, 100, 1, 10, 100, None, 2),
        (7, 2, 3, 4, 0, 0, 0, 0, 0, 9999, 10, 100, 1, 10, 100, None, 4),
    ],
    "volume": [(112384, 0), (112385, 2)],
    "production": [(45000, 312, 0), (None, 0, 1), (45001, None, 0)],
    "analog": [(-3125, 0), (0, 0), (5, 0)],
}


@pytest.mark.parametrize(
    ("kind", "medium"),
    [("electricity", "electricity"), ("volume", "gas"), ("volume", "water"), ("production", "solar"), ("analog", "analog")],
)
def test_raw_readings_come_back_exactly(tmp_path, kind, medium):
    source = Source.objects.create(name="Old", kind=kind, medium=medium)
    rows = [(source.pk, made.START + timedelta(seconds=i), *row) for i, row in enumerate(ROWS[kind])]
    assert write(kind, rows) == len(rows)
    text, _rows = exported("Old")
    path = made.write(tmp_path, text)
    result = made.run(path, "New", kind, medium=medium if kind == "volume" else None)
    assert (result.new, result.bad_count, result.suspects) == (len(rows), 0, 0), result.bad
    names = COLUMNS[kind][2:-1]
    assert made.stored("New", *names) == made.stored("Old", *names)
    flags = list(zip(made.stored("Old", "flags"), made.stored("New", "flags"), strict=True))
    assert all(new[1] == old[1] | 4 for old, new in flags), "imported, and what it was before"
    assert exported("New")[0].replace(",4\n", ",0\n").count("\n") == text.count("\n")


def test_an_export_of_some_days_begins_and_ends_at_the_houses_midnights(tmp_path):
    made.run(made.write(tmp_path, made.readings(made.START, 3000)))
    zone = made.BRUSSELS
    start, end = exporting.moment("2026-03-03", zone), exporting.moment("2026-03-03T12:00", zone)
    rows = exported(start=start, end=end)[1]
    assert (rows[0]["time"], rows[-1]["time"]) == ("2026-03-02T23:00:00Z", "2026-03-03T10:59:00Z")
    assert "flags" in rows[0]


@pytest.mark.parametrize(("by", "count", "energy"), [("quarter", 8, "150"), ("hour", 2, "600"), ("minute", 120, "10")])
def test_blocks_tell_utc_the_houses_time_energy_power_and_coverage(tmp_path, by, count, energy):
    made.run(made.write(tmp_path, made.readings(made.START, 121)), wait=True)
    rows = exported(by=by)[1]
    assert len([row for row in rows if row["import_t1_wh"] == energy]) == count
    assert (rows[0]["start"], rows[0]["local"], rows[0]["source"]) == ("2026-03-02T00:00:00Z", "2026-03-02 01:00", "House")
    assert float(rows[1]["coverage"]) == 1


def test_the_hours_of_the_october_day_are_twenty_five(tmp_path):
    begin = datetime(2025, 10, 25, 22, tzinfo=UTC)
    made.run(made.write(tmp_path, made.readings(begin, 25 * 60 + 1)), wait=True)
    assert len([row for row in exported(by="hour")[1] if row["import_t1_wh"] == "600"]) == 25
    [day] = [row for row in exported(by="day")[1] if row["local"].startswith("2025-10-26")]
    assert day["import_t1_wh"] == "15000"


def test_what_a_person_corrected_is_in_the_exported_energies(tmp_path):
    made.run(made.write(tmp_path, made.readings(made.START, 121)), wait=True)
    source = Source.objects.get()
    for delta in (7, -2):
        Correction.objects.create(source=source, register="import_t1_wh", start=made.START, delta=delta, note="n", author="a")
    assert exported(by="quarter")[1][0]["import_t1_wh"] == "155"
    assert exported(by="hour")[1][0]["import_t1_wh"] == "605"
    assert exported(by="minute")[1][0]["import_t1_wh"] == "10", "a correction is of a quarter, not of a minute"


@pytest.mark.parametrize("name", ["=cmd|'/c calc'!A1", "+1", "-1", "@SUM(A1)", "a, 'b' {c} 100% \"d\""])
def test_a_name_that_looks_like_a_formula_gets_a_quote_before_it(tmp_path, name):
    made.run(made.write(tmp_path, made.readings(made.START, 31)), name, wait=True)
    cell = exported(name, "quarter")[1][0]["source"]
    assert cell == (f"'{name}" if name[0] in "=+-@" else name)


def test_numbers_below_zero_are_no_formulas(tmp_path):
    made.run(made.write(tmp_path, "time,value\n2026-03-02T00:00:00Z,-3.5\n"), "Cold", "analog")
    assert exported("Cold")[1][0]["value"] == "-3.500"
