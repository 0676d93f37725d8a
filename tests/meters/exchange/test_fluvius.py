"""Quarter-hour volumes of the network operator as counters."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from energysite import timegrid
from meters.exchange import importing
from meters.exchange.trouble import Unreadable
from tests.meters.exchange import made

pytestmark = pytest.mark.django_db
DAY_T1, NIGHT_T1 = "Afname Dag", "Afname Nacht"


def of(quarters, registers=((DAY_T1, "0,065"), ("Injectie Dag", "0,010"))):
    return [made.volume(at, name, kwh) for at in quarters for name, kwh in registers]


def values(*columns):
    return [row[1:] for row in made.stored("House", *columns)]


def test_volumes_become_counters_that_rise_by_each_of_them(tmp_path):
    quarters = made.quarters(made.START, 8)
    result = made.run(made.write(tmp_path, made.fluvius(of(quarters))))
    assert (result.rows, result.new, result.bad_count) == (16, 9, 0)
    assert values("import_t1_wh", "export_t1_wh", "power_w") == [(0, 0, None), *((65 * i, 10 * i, 220) for i in range(1, 9))]
    assert made.stored("House", "import_t1_wh")[-1][0] == made.START + timedelta(hours=2)
    assert "begin at 0" in result.notes[0]


@pytest.mark.parametrize(("day", "count"), [(date(2025, 10, 26), 100), (date(2026, 3, 29), 92), (date(2026, 3, 30), 96)])
def test_every_quarter_of_a_day_finds_its_place_also_when_clocks_change(tmp_path, day, count):
    quarters = timegrid.quarters(day, made.BRUSSELS)
    rows = [made.volume(at, NIGHT_T1 if i % 2 else DAY_T1, f"0,{i + 1:03}") for i, at in enumerate(quarters)]
    result = made.run(made.write(tmp_path, made.fluvius(rows)))
    assert (result.rows, result.new, result.bad_count) == (count, count + 1, 0)
    found = made.stored("House", "import_t1_wh", "import_t2_wh")
    assert [row[0] for row in found] == [*quarters, quarters[-1] + timedelta(minutes=15)]
    counted = [row[1] + row[2] for row in found]
    assert [b - a for a, b in pairwise(counted)] == list(range(1, count + 1))


def test_they_end_at_the_first_reading_that_follows_and_what_is_measured_stays(tmp_path):
    made.run(made.write(tmp_path, made.readings(made.START + timedelta(minutes=125), 60, first_wh=10_000), "live"))
    before = made.stored("House")
    # Ten quarters; the ninth (02:00 to 02:15) holds the first reading, the tenth is measured from end to end.
    made.run(made.write(tmp_path, made.fluvius(of(made.quarters(made.START, 10), ((DAY_T1, "0,100"),)))), create=None)
    found = made.stored("House", "import_t1_wh")
    at_end_of_ninth = 10_000 + 10 * 10  # 02:15, ten minutes after the first reading
    assert [row[1] for row in found if row[0] < before[0][0]] == [at_end_of_ninth - 100 * (9 - i) for i in range(9)]
    assert [row for row in made.stored("House") if row[0] >= before[0][0]] == before


def test_the_same_file_twice_and_a_longer_one_add_nothing_twice(tmp_path):
    quarters = made.quarters(made.START, 8)
    made.run(made.write(tmp_path, made.fluvius(of(quarters[:6]))))
    first = made.stored("House")
    again = made.run(made.write(tmp_path, made.fluvius(of(quarters[:6]))), create=None)
    assert (again.new, again.finer, again.suspects) == (0, 6, 0)
    assert made.stored("House") == first
    more = made.run(made.write(tmp_path, made.fluvius(of(quarters))), create=None)
    assert (more.new, more.finer, more.suspects) == (2, 6, 0)
    assert values("import_t1_wh") == [(65 * i,) for i in range(9)]


def test_a_hole_between_live_readings_is_filled_and_the_counters_on_both_sides_are_kept(tmp_path):
    made.run(made.write(tmp_path, made.readings(made.START, 31, first_wh=1000), "a"))  # to 00:30: 1300
    made.run(made.write(tmp_path, made.readings(made.START + timedelta(hours=2), 31, first_wh=2001), "b"), create=None)
    rows = of(made.quarters(made.START, 10), ((DAY_T1, "0,117"),))  # 702 in the six quarters of the hole, the counter says 701
    result = made.run(made.write(tmp_path, made.fluvius(rows)), create=None)
    assert (result.new, result.suspects, result.finer) == (5, 0, 4)
    hole = [row[1] for row in made.stored("House", "import_t1_wh") if 30 <= (row[0] - made.START).total_seconds() / 60 <= 120]
    assert hole == [1300, 1416, 1533, 1650, 1767, 1884, 2001]


def test_a_quarter_without_a_volume_is_a_gap_that_the_counter_explains(tmp_path):
    made.run(made.write(tmp_path, made.readings(made.START, 1, first_wh=1000), "a"))
    made.run(made.write(tmp_path, made.readings(made.START + timedelta(hours=2), 20, first_wh=1900), "b"), create=None)
    rows = [made.volume(at, DAY_T1, "" if i == 3 else "0,100", "Niet beschikbaar") for i, at in enumerate(made.quarters(made.START, 8))]
    result = made.run(made.write(tmp_path, made.fluvius(rows)), create=None)
    assert any("without a volume in the file: 1." in note for note in result.notes)
    edges = dict(made.stored("House", "import_t1_wh"))
    at = [edges[made.START + timedelta(minutes=15 * i)] for i in range(9)]
    assert [b - a for a, b in pairwise(at)] == [100, 100, 100, 200, 100, 100, 100, 100]


def test_a_quarter_of_no_consumption_is_a_zero(tmp_path):
    rows = [made.volume(made.START, DAY_T1, "", "Geen verbruik"), made.volume(made.START + timedelta(minutes=15), DAY_T1, "0,5")]
    made.run(made.write(tmp_path, made.fluvius(rows)))
    assert values("import_t1_wh") == [(0,), (0,), (500,)]


def test_french_and_reordered_columns_are_known_by_what_they_mean(tmp_path):
    header = "\ufeffDu (date);Du (heure);Au (date);Au (heure);Code EAN;Compteur;Type de compteur;Unité;Registre;Volume;Statut de validation"
    rows = [
        '02-03-2026;01:00:00;02-03-2026;01:15:00;="54";1SAG1;numérique;kWh;Prélèvement Jour;0,250;Validé',
        '02-03-2026;01:00:00;02-03-2026;01:15:00;="54";1SAG1;numérique;kWh;Injection Nuit;0,125;Validé',
    ]
    made.run(made.write(tmp_path, made.fluvius(rows, header).encode("utf-8")))
    assert values("import_t1_wh", "export_t2_wh") == [(0, 0), (250, 125)]
    latin = made.write(tmp_path, made.fluvius(rows, header.lstrip("\ufeff")).encode("latin-1"), "latin")
    assert importing.preview(latin, now=made.NOW).format == "fluvius"


def test_gas_volumes_go_into_a_gas_source_in_litres(tmp_path):
    rows = [made.volume(made.START + timedelta(minutes=15 * i), "Afname", "1,234").replace(";kWh;", ";m³;") for i in range(4)]
    made.run(made.write(tmp_path, made.fluvius(rows)), "Gas", "volume", medium="gas")
    assert [row[1] for row in made.stored("Gas", "volume_l")] == [1234 * i for i in range(5)]


def test_bad_rows_are_told_with_their_lines_and_the_rest_goes_in(tmp_path):
    good = of(made.quarters(made.START, 2), ((DAY_T1, "0,100"),))
    bad = [
        made.volume(made.START + timedelta(hours=1), DAY_T1, "1.234,5"),
        made.volume(made.START + timedelta(hours=1), DAY_T1, "-1,0"),
        made.volume(made.START + timedelta(hours=1), "Piekvermogen", "1,0"),
        made.volume(made.START + timedelta(hours=1), DAY_T1, "0,1", meter="OTHER"),
        made.volume(made.NOW + timedelta(days=40), DAY_T1, "0,1"),
        good[0].replace("0,100", "0,200"),
        "29-03-2026;02:15:00;29-03-2026;02:30:00;;1SAG1;;Afname Dag;0,1;kWh;;",
    ]
    result = made.run(made.write(tmp_path, made.fluvius([*good, *bad])))
    assert [row.line for row in result.bad] == [4, 5, 6, 7, 8, 9, 10]
    assert result.new == 3


def test_a_file_of_month_peaks_is_refused_in_words(tmp_path):
    path = made.write(tmp_path, made.fluvius([made.volume(made.START, "Piekvermogen", "4,329")]))
    assert "quarter-hour" in made.raised(Unreadable, lambda: made.run(path))


def test_volumes_of_more_than_the_counter_ever_counted_are_refused(tmp_path):
    made.run(made.write(tmp_path, made.readings(made.START + timedelta(hours=2), 40, first_wh=50), "live"))
    path = made.write(tmp_path, made.fluvius(of(made.quarters(made.START, 8), ((DAY_T1, "0,100"),))))
    assert "source of their own" in made.raised(Unreadable, lambda: made.run(path, create=None))


def test_a_hundred_days_of_volumes_telescope_to_the_watt_hour(tmp_path):
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    quarters = made.quarters(begin, 9_600)
    rows = [made.volume(at, DAY_T1 if i % 96 > 28 else NIGHT_T1, f"0,{(i * 7919) % 1000:03}") for i, at in enumerate(quarters)]
    result = made.run(made.write(tmp_path, made.fluvius(rows)))
    assert (result.new, result.suspects, result.bad_count) == (9_601, 0, 0)
    last = made.stored("House", "import_t1_wh", "import_t2_wh")[-1]
    assert last[1] + last[2] == sum((i * 7919) % 1000 for i in range(9_600))
