"""Sum of quarters = day = difference of the registers + corrections, whatever the calendar does."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from energysite import timegrid
from energysite.timegrid import Span
from meters.models import Block, Correction, CounterCycle, ProductionReading, Source
from meters.totals import cache, totals
from tests.meters.rows import electricity, make_meter, make_source, volume
from tests.meters.totals import made

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
BRUSSELS = ZoneInfo("Europe/Brussels")
NAMES = ("import_t1_wh", "import_t2_wh", "export_t1_wh")
NOW = datetime(2036, 6, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def nothing_kept():
    cache.forget_all()


def periods(span, since, until):
    return list(timegrid.periods(span, since, until))


def counted(source, wanted, zone):
    return [one for [one] in totals.ranges([source], [period.bounds(zone) for period in wanted], now=NOW, zone=zone)]


def expected(truth, period, zone):
    low, high = (truth[edge] for edge in period.bounds(zone))
    return dict(zip(NAMES, (w - v for v, w in zip(low, high, strict=True)), strict=True))


def test_every_day_of_2015_to_2035_in_brussels_counts_its_registers_from_days_from_quarters_and_from_readings_alone():
    source = make_source(make_meter())
    made.readings(source, datetime(2014, 12, 31, 5, tzinfo=UTC), datetime(2036, 1, 1, 9, tzinfo=UTC), 5 * 3600)
    made.quarters(source)
    wanted = periods(Span.DAY, date(2015, 1, 1), date(2036, 1, 1))
    made.days(source, wanted, BRUSSELS)
    made.analyze()
    truth = made.truth(source)
    assert len(wanted) == 7670
    lengths = {92: 0, 96: 0, 100: 0}
    for period in wanted:
        lengths[len(period.quarters(BRUSSELS))] += 1
    assert lengths == {92: 21, 96: 7628, 100: 21}
    right = [expected(truth, period, BRUSSELS) for period in wanted]
    by_days = counted(source, wanted, BRUSSELS)
    assert [total.registers for total in by_days] == right
    assert all(total.complete and total.coverage == 1 and total.blocks == 1 for total in by_days)
    years = counted(source, periods(Span.YEAR, date(2015, 1, 1), date(2036, 1, 1)), BRUSSELS)
    assert sum(total.registers["import_t1_wh"] for total in years) == sum(registers["import_t1_wh"] for registers in right)
    assert [total.blocks for total in years] == [366 if year % 4 == 0 else 365 for year in range(2015, 2036)]
    made.forget(source, made.DAY_S)
    by_quarters = counted(source, wanted, BRUSSELS)
    assert [total.registers for total in by_quarters] == right
    assert {total.blocks for total in by_quarters} == {92, 96, 100}
    made.forget(source, 900)
    some = [i for i, period in enumerate(wanted) if i % 7 == 0 or len(period.quarters(BRUSSELS)) != 96]
    looked_up = counted(source, [wanted[i] for i in some], BRUSSELS)
    assert [total.registers for total in looked_up] == [right[i] for i in some]


CHANGES = [
    ("Europe/Lisbon", [date(2026, 3, 29), date(2026, 10, 25)], {92, 100}),
    ("Australia/Lord_Howe", [date(2026, 4, 5), date(2026, 10, 4)], {94, 98}),
    ("Asia/Kolkata", [date(2026, 1, 1) + timedelta(days=i) for i in range(365)], {96}),
]


@pytest.mark.parametrize(("zone", "days", "quarters"), CHANGES)
def test_days_of_other_zones_count_their_registers_with_every_kind_of_block_and_without(zone, days, quarters):
    there, source = ZoneInfo(zone), make_source(make_meter())
    made.readings(source, datetime(2025, 12, 30, tzinfo=UTC), datetime(2027, 1, 2, tzinfo=UTC), 7000)
    made.quarters(source)
    wanted = [timegrid.Period.of(Span.DAY, day) for day in days]
    truth = made.truth(source)
    right = [expected(truth, period, there) for period in wanted]
    assert {len(period.quarters(there)) for period in wanted} == quarters
    assert [total.registers for total in counted(source, wanted, there)] == right
    made.days(source, wanted, there)
    found = counted(source, wanted, there)
    assert [total.registers for total in found] == right
    assert {total.blocks for total in found} == {1}
    made.forget(source, made.DAY_S)
    made.forget(source, 900)
    assert [total.registers for total in counted(source, wanted, there)] == right


@pytest.fixture
def autumn():
    """Ten days around the day of 25 hours, every block CLOSED."""
    source = make_source(make_meter())
    made.readings(source, datetime(2026, 10, 19, 20, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC), 613)
    made.quarters(source)
    made.days(source, periods(Span.DAY, date(2026, 10, 20), date(2026, 10, 31)), BRUSSELS)
    return source


def of(source, start, end):
    [total] = totals.of([source], start, end, now=NOW)
    return total


def difference(source, start, end):
    truth = made.truth(source)
    return dict(zip(NAMES, (w - v for v, w in zip(truth[start], truth[end], strict=True)), strict=True))


def test_a_range_from_any_quarter_to_any_other_takes_whole_days_and_the_quarters_at_its_edges(autumn):
    start, end = datetime(2026, 10, 21, 9, 15, tzinfo=UTC), datetime(2026, 10, 28, 4, 45, tzinfo=UTC)
    total = of(autumn, start, end)
    assert total.registers == difference(autumn, start, end)
    assert total.blocks == 6 + (22 * 60 - 9 * 60 - 15) // 15 + (5 * 60 + 45) // 15


def test_a_day_that_is_being_computed_again_is_counted_from_its_quarters_and_those_from_what_their_neighbours_prove(autumn):
    start, end = timegrid.day_bounds(date(2026, 10, 25), BRUSSELS)
    right = difference(autumn, start, end)
    Block.objects.filter(length_s=86400, local_date=date(2026, 10, 25)).update(state="todo", energy1=1)
    Block.objects.filter(length_s=900, start__gte=start + timedelta(hours=3), start__lt=start + timedelta(hours=5)).update(
        state="todo", energy1=99
    )
    total = of(autumn, start, end)
    assert (total.registers, total.complete, total.blocks) == (right, False, 92)
    assert total.coverage == pytest.approx(92 / 100)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM meters_electricityreading")
    assert of(autumn, start, end).registers == right


def test_days_of_two_zones_while_they_are_made_anew_count_once(autumn):
    start, end = timegrid.midnight(date(2026, 10, 22), BRUSSELS), timegrid.midnight(date(2026, 10, 28), BRUSSELS)
    right = difference(autumn, start, end)
    made.days(autumn, periods(Span.DAY, date(2026, 10, 21), date(2026, 10, 27)), ZoneInfo("Asia/Kolkata"))
    assert of(autumn, start, end).registers == right


def test_corrections_are_added_until_they_are_undone(autumn):
    start, end = timegrid.day_bounds(date(2026, 10, 25), BRUSSELS)
    before = of(autumn, start, end)
    correction = Correction.objects.create(source=autumn, register="import_t1_wh", start=start, delta=-250, note="n", author="a")
    Correction.objects.create(source=autumn, register="export_t2_wh", start=end - timedelta(minutes=15), delta=7, note="n", author="a")
    Correction.objects.create(source=autumn, register="import_t1_wh", start=end, delta=1000, note="the day after", author="a")
    total = of(autumn, start, end)
    assert total.registers == {**before.registers, "import_t1_wh": before.registers["import_t1_wh"] - 250, "export_t2_wh": 7}
    assert total.corrected == {"import_t1_wh": -250, "export_t2_wh": 7}
    correction.undone = NOW
    correction.save()
    assert of(autumn, start, end).corrected == {"export_t2_wh": 7}


def test_a_range_that_does_not_lie_on_quarters_is_refused(autumn):
    with pytest.raises(ValueError, match="quarter of an hour"):
        of(autumn, NOW, NOW + timedelta(minutes=1))


def test_the_running_day_ends_at_the_latest_reading_and_counts_across_a_new_cycle():
    source, start = make_source(make_meter()), timegrid.midnight(date(2026, 7, 1), BRUSSELS)
    electricity(source, [(start - timedelta(hours=1), 5000), (start + timedelta(hours=1), 5200), (start + timedelta(hours=2), 30)])
    CounterCycle.objects.create(source=source, register="import_t1_wh", since=start + timedelta(hours=2), offset=5250 - 30)
    total = totals.of([source], start, start + timedelta(days=1), now=start + timedelta(hours=2, minutes=5))[0]
    assert (total.registers, total.complete, total.coverage) == ({"import_t1_wh": 150}, False, 0.0)


def test_before_the_first_reading_nothing_is_known_and_nothing_is_open():
    source, start = make_source(make_meter()), timegrid.midnight(date(2026, 7, 1), BRUSSELS)
    electricity(source, [(start, 5000), (start + timedelta(hours=1), 5200)])
    total = of(source, start - timedelta(days=3), start)
    assert (total.registers, total.coverage, total.recovered, total.complete) == ({}, 0.0, False, True)


def test_after_the_last_reading_a_source_is_open_until_it_is_retired():
    source, start = make_source(make_meter()), timegrid.midnight(date(2026, 7, 1), BRUSSELS)
    electricity(source, [(start, 5000), (start + timedelta(hours=1), 5200)])
    later = (start + timedelta(days=3), start + timedelta(days=4))
    assert (of(source, *later).registers, of(source, *later).complete) == ({}, False)
    source.retired = start + timedelta(days=1)
    assert of(source, *later).complete is True


def test_gas_and_solar_are_told_under_their_own_names():
    meter, start = make_meter(), timegrid.midnight(date(2026, 7, 1), BRUSSELS)
    gas = make_source(meter, "gas", "g")
    volume(gas, [(start, 100), (start + timedelta(hours=1), 350)])
    solar = Source.objects.create(kind="production", medium="solar", name="Roof")
    ProductionReading.objects.create(source=solar, time=start, total_wh=10)
    ProductionReading.objects.create(source=solar, time=start + timedelta(hours=3), total_wh=4010)
    found = totals.of([gas, solar], start, start + timedelta(days=1), now=start + timedelta(hours=4))
    assert [total.named for total in found] == [{"gas_l": 250}, {"production_wh": 4000}]


def test_a_year_of_several_sources_takes_a_handful_of_statements(autumn):
    others = [make_source(autumn.meter, "gas", "g"), make_source(autumn.meter, "water", "w")]
    with CaptureQueriesContext(connection) as captured:
        totals.of([autumn, *others], *timegrid.Period.of(Span.YEAR, date(2026, 1, 1)).bounds(BRUSSELS), now=NOW, zone=BRUSSELS)
    assert len(captured) == 5, "days, quarters, look-ups (again further off for the register that this meter lacks), corrections"
