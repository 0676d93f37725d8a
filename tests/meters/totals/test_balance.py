"""The balance of the house from its quarters: exact, additive, and unknown where a part of it is."""

import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from energysite import timegrid
from energysite.place import Place
from energysite.timegrid import DAY, QUARTER, Period, Span
from meters import balance as arithmetic
from meters.balance import Balance
from meters.blocks import outbox
from meters.models import Block, Correction, ProductionReading, Source
from meters.totals import balance, cache, totals
from meters.totals.balance import House
from tests.meters.rows import make_meter, make_source

pytestmark = pytest.mark.django_db
BRUSSELS = ZoneInfo("Europe/Brussels")
BRUSSELS_CITY = Place(50.85, 4.35, exact=True)
NOON = datetime(2026, 7, 14, 10, tzinfo=UTC)
COLUMNS = {"grid": ("import_t1", "import_t2", "export_t1", "export_t2"), "solar": ("total",), "battery": ("charge", "discharge")}


@pytest.fixture(autouse=True)
def nothing_kept():
    cache.forget_all()


@pytest.fixture
def grid():
    return make_source(make_meter())


def device(kind, name, **fields):
    return Source.objects.create(kind=kind, medium="solar" if kind == "production" else "battery", name=name, **fields)


@pytest.fixture
def roof(grid):
    return device("production", "Roof")


@pytest.fixture
def battery(grid):
    return device("battery", "Roof battery")


def fill(source, start, rows, state="closed", counted=0, **more):
    """A block a quarter from `start` on: each row holds its energies, None leaves the quarter out. The counters begin at `counted`."""
    ends = [counted] * 4
    blocks = []
    for i, energies in enumerate(rows):
        if energies is None:
            continue
        ends = [end + ((energies[k] or 0) if k < len(energies) else 0) for k, end in enumerate(ends)]
        values = {f"energy{k + 1}": energy for k, energy in enumerate(energies)} | {f"end{k + 1}": ends[k] for k in range(len(energies))}
        begin = start + i * QUARTER
        blocks.append(Block(source=source, length_s=900, start=begin, end=begin + QUARTER, state=state, covered_s=900, **values, **more))
    Block.objects.bulk_create(blocks)


def house(*sources, where=None, fed=None):
    return House(sources, [one.pk for one in sources] if fed is None else fed, BRUSSELS, where)


def periods(the_house, span, since, until, now):
    return balance.periods(the_house, span, since, until, now)


def right_of(*parts):
    return arithmetic.of(*parts)


def of(the_house, start, end, now=None):
    [found] = balance.ranges(the_house, [(start, end)], now or end)
    return found


def test_a_quarter_is_what_its_counters_counted(grid, roof):
    fill(grid, NOON, [(20, 5, 0, 460)])
    fill(roof, NOON, [(900,)])
    found = of(house(grid, roof), NOON, NOON + QUARTER)
    assert found.balance == Balance(imported=25, exported=460, solar=900)
    assert (found.balance.use, found.balance.direct, found.quarters, found.known, found.complete) == (465, 440, 1, 1, True)


def test_sql_splits_as_the_arithmetic_does_and_every_sum_is_the_sum_of_its_quarters(grid, roof, battery):
    chance, second = random.Random(4), device("production", "Shed")
    n = 4 * 24
    parts = [[chance.choice([0, chance.randrange(1200)]) for _part in range(7)] for _quarter in range(n)]
    fill(grid, NOON, [tuple(part[:4]) for part in parts])
    fill(roof, NOON, [(part[4],) for part in parts])
    fill(second, NOON, [(part[4] // 3,) for part in parts])
    fill(battery, NOON, [(part[5], part[6]) for part in parts])
    right = [right_of(a + b, c + d, e + e // 3, f, g) for a, b, c, d, e, f, g in parts]
    whole_house = house(grid, roof, second, battery)
    slots = [(NOON + i * QUARTER, NOON + (i + 1) * QUARTER) for i in range(n)]
    quarters = balance.ranges(whole_house, slots, NOON + n * QUARTER)
    assert [one.balance for one in quarters] == right
    day = of(whole_house, NOON, NOON + n * QUARTER)
    assert day.balance == sum(right[1:], start=right[0])
    assert (day.quarters, day.known, day.lacking) == (n, n, {})


@pytest.mark.parametrize(("day", "quarters"), [(date(2026, 3, 29), 92), (date(2026, 10, 25), 100), (date(2026, 7, 14), 96)])
def test_a_day_is_exactly_its_registers_whatever_the_clock_does(grid, roof, day, quarters):
    chance = random.Random(day.toordinal())
    start, end = timegrid.day_bounds(day, BRUSSELS)
    since = start - 8 * QUARTER
    fill(grid, since, [tuple(chance.randrange(300) for _register in range(4)) for _quarter in range(quarters + 16)])
    fill(roof, since, [(chance.randrange(900),) for _quarter in range(quarters + 16)])
    now = end + 2 * DAY
    [found] = periods(house(grid, roof), Span.DAY, day, day + DAY, now).values()
    [metered], [made] = (totals.of([source], start, end, now=now, zone=BRUSSELS) for source in (grid, roof))
    imported, exported = (sum(metered.registers[f"{way}_t{i}_wh"] for i in (1, 2)) for way in ("import", "export"))
    assert (found.quarters, found.known) == (quarters, quarters)
    assert (found.balance.imported, found.balance.exported, found.balance.solar) == (imported, exported, made.registers["total_wh"])


def test_a_quarter_without_the_inverters_block_is_unknown_and_not_a_house_without_sun(grid, roof):
    fill(grid, NOON, [(0, 0, 100, 0)] * 4)
    fill(roof, NOON, [(300,), None, (300,)])
    found = of(house(grid, roof), NOON, NOON + 4 * QUARTER)
    assert (found.known, found.quarters, found.lacking) == (2, 4, {"solar": 2})
    assert (found.balance.use, found.coverage, found.complete) == (400, 0.5, False)


def test_a_quarter_without_the_meters_block_is_unknown(grid, roof):
    fill(grid, NOON, [(0, 0, 100, 0), None, (0, 0, 100, 0)])
    fill(roof, NOON, [(300,)] * 3)
    found = of(house(grid, roof), NOON, NOON + 3 * QUARTER)
    assert (found.known, found.lacking) == (2, {"grid": 1})


def test_a_battery_that_lacks_makes_the_quarter_unknown(grid, roof, battery):
    fill(grid, NOON, [(0, 0, 100, 0)] * 2)
    fill(roof, NOON, [(300,)] * 2)
    fill(battery, NOON, [(50, 0), (None, None)])
    found = of(house(grid, roof, battery), NOON, NOON + 2 * QUARTER)
    assert (found.known, found.lacking, found.balance.use) == (1, {"battery": 1}, 150)


def test_blocks_that_wait_to_be_made_again_are_not_counted(grid, roof):
    fill(grid, NOON, [(0, 0, 100, 0)] * 2)
    fill(roof, NOON, [(300,)], state="done")
    fill(roof, NOON + QUARTER, [(300,)], state="todo")
    found = of(house(grid, roof), NOON, NOON + 2 * QUARTER)
    assert (found.known, found.complete) == (1, False)


def test_before_there_was_an_inverter_a_house_that_injects_is_unknown_and_one_that_does_not_uses_what_it_imports(grid, roof):
    fill(grid, NOON, [(50, 0, 0, 0), (50, 0, 950, 0), (50, 0, 100, 0), (50, 0, 100, 0)])
    fill(roof, NOON + 3 * QUARTER, [(300,)])
    found = of(house(grid, roof), NOON, NOON + 4 * QUARTER)
    assert (found.known, found.lacking) == (3, {"unread": 1})
    assert found.balance == Balance(imported=150, exported=1050, solar=300)
    assert of(house(grid), NOON, NOON + QUARTER).balance.use == 50


def test_an_inverter_that_was_retired_counts_until_its_end(grid, roof):
    roof.retired = NOON + QUARTER
    fill(grid, NOON, [(0, 0, 100, 0)] * 2, counted=5000)
    fill(roof, NOON, [(300,)])
    found = of(house(grid, roof, fed=()), NOON, NOON + 2 * QUARTER)
    assert (found.known, found.lacking, found.balance.use) == (1, {"unread": 1}, 200)


def test_a_history_that_was_read_in_counts_until_the_device_that_tells_now(grid, roof):
    read_in, old_meter = device("production", "Portal"), Source.objects.create(kind="electricity", medium="electricity", name="Portal grid")
    fill(old_meter, NOON, [(1, 0, 40, 0)] * 3)
    fill(read_in, NOON, [(100,)] * 3)
    fill(grid, NOON + QUARTER, [(1, 0, 40, 0)] * 3)
    fill(roof, NOON + QUARTER, [(100,)] * 3)
    found = of(house(grid, roof, read_in, old_meter, fed=[roof.pk]), NOON, NOON + 4 * QUARTER)
    assert found.balance == Balance(imported=4, exported=160, solar=400)


def test_a_counter_that_a_person_reads_tells_no_quarter(grid):
    by_hand = device("production", "By hand", by_hand=True)
    fill(grid, NOON, [(1, 0, 2000, 0)])
    fill(by_hand, NOON, [(100,)])
    assert of(house(grid, by_hand, fed=()), NOON, NOON + QUARTER).lacking == {"unread": 1}


def test_what_a_person_corrected_counts(grid, roof):
    fill(grid, NOON, [(10, 0, 100, 0)] * 2)
    fill(roof, NOON, [(300,)] * 2)
    Correction.objects.create(source=roof, register="total_wh", start=NOON, delta=-50, author="o", note="-")
    Correction.objects.create(source=grid, register="import_t1_wh", start=NOON, delta=7, author="o", note="-")
    Correction.objects.create(source=grid, register="export_t1_wh", start=NOON, delta=1000, author="o", note="-", undone=NOON)
    found = of(house(grid, roof), NOON, NOON + 2 * QUARTER)
    assert found.balance == Balance(imported=27, exported=200, solar=550)


def night(grid, roof, last_reading):
    """The meter goes on; the inverter's last block ends where the quarter of its last reading begins."""
    begin = timegrid.quarter_start(last_reading) - 4 * QUARTER
    fill(roof, begin, [(30,)] * 4, counted=1000)
    fill(grid, begin, [(50, 0, 0, 0)] * 40, counted=9000)
    ProductionReading.objects.create(source=roof, time=last_reading - timedelta(minutes=20), total_wh=1090)
    ProductionReading.objects.create(source=roof, time=last_reading, total_wh=1127)
    return begin


DUSK = datetime(2026, 7, 14, 20, 6, tzinfo=UTC)  # 22:06 in Brussels, the sun 1.5 degrees below the horizon


def test_quarters_in_the_dark_count_as_no_sun_until_the_inverter_wakes(grid, roof):
    begin = night(grid, roof, DUSK)
    found = of(house(grid, roof, where=BRUSSELS_CITY), begin, begin + 20 * QUARTER)
    assert (found.known, found.lacking, found.complete) == (20, {}, False)
    assert found.balance == Balance(imported=1000, solar=4 * 30 + 7)
    dawned = of(house(grid, roof, where=BRUSSELS_CITY), begin, begin + 40 * QUARTER)
    assert (dawned.known, dawned.lacking) == (34, {"solar": 6})  # dark until 03:30 UTC


def test_an_inverter_that_fell_silent_by_day_is_unknown_in_the_dark_too(grid, roof):
    begin = night(grid, roof, DUSK - timedelta(hours=3))
    found = of(house(grid, roof, where=BRUSSELS_CITY), begin, begin + 20 * QUARTER)
    assert (found.known, found.lacking) == (4, {"solar": 16})


def test_a_backlog_of_blocks_is_no_night(grid, roof):
    begin = night(grid, roof, DUSK)
    ProductionReading.objects.create(source=roof, time=DUSK + timedelta(minutes=30), total_wh=1130)
    assert of(house(grid, roof, where=BRUSSELS_CITY), begin, begin + 20 * QUARTER).lacking == {"solar": 16}


def test_where_nobody_knows_the_place_the_night_is_not_guessed(grid, roof):
    begin = night(grid, roof, DUSK)
    assert of(house(grid, roof), begin, begin + 20 * QUARTER).lacking == {"solar": 16}


def test_what_has_not_ended_or_came_before_the_meter_is_not_counted_as_passed(grid, roof):
    fill(grid, NOON, [(10, 0, 0, 0)] * 2)
    fill(roof, NOON, [(300,)] * 2)
    found = of(house(grid, roof), NOON - 4 * QUARTER, NOON + 40 * QUARTER, now=NOON + 2 * QUARTER + timedelta(minutes=5))
    assert (found.quarters, found.known, found.coverage, found.complete) == (2, 2, 1.0, False)
    assert of(house(), NOON, NOON + QUARTER).balance is None


def test_interpolated_energy_is_counted_and_marked(grid, roof):
    fill(grid, NOON, [(10, 0, 0, 0)], recovered=True)
    fill(roof, NOON, [(300,)])
    assert of(house(grid, roof), NOON, NOON + QUARTER).recovered == 1


def test_a_range_begins_and_ends_on_quarters():
    with pytest.raises(ValueError, match="quarter"):
        of(house(), NOON, NOON + timedelta(minutes=7))


SINCE, UNTIL, LATER = date(2026, 6, 1), date(2026, 8, 1), datetime(2026, 9, 1, tzinfo=UTC)


@pytest.fixture
def summer(grid, roof):
    start, end = timegrid.midnight(SINCE, BRUSSELS), timegrid.midnight(UNTIL, BRUSSELS)
    fill(grid, start, [(10, 0, 40, 0)] * ((end - start) // QUARTER))
    fill(roof, start, [(100,)] * ((end - start) // QUARTER))
    return house(grid, roof)


def test_months_and_years_are_their_days_and_asked_again_take_no_sql(summer):
    days = periods(summer, Span.DAY, SINCE, UNTIL, LATER)
    months = periods(summer, Span.MONTH, SINCE, UNTIL, LATER)
    [year] = periods(summer, Span.YEAR, SINCE, UNTIL, LATER).values()
    assert [month.balance.use for month in months.values()] == [70 * 96 * 30, 70 * 96 * 31]
    assert year.balance.use == sum(day.balance.use for day in days.values()) == 70 * 96 * 61
    with CaptureQueriesContext(connection) as asked:
        assert periods(summer, Span.DAY, SINCE, UNTIL, LATER) == days
        assert periods(summer, Span.MONTH, SINCE, UNTIL, LATER) == months
    assert len(asked) == 0
    cache.forget_all()
    with CaptureQueriesContext(connection) as asked:
        assert periods(summer, Span.MONTH, SINCE, UNTIL, LATER) == months
    assert len([query for query in asked.captured_queries if "meters_block" in query["sql"] and "oid" not in query["sql"]]) == 2


def test_what_was_kept_of_other_sources_says_nothing(summer, roof):
    [month, _july] = periods(summer, Span.MONTH, SINCE, UNTIL, LATER)
    shed = device("production", "Shed")
    fill(shed, timegrid.midnight(SINCE, BRUSSELS), [(1,)] * 96 * 30)
    wider = house(*summer.sources, shed)
    assert periods(wider, Span.MONTH, SINCE, UNTIL, LATER)[month].balance.use == 71 * 96 * 30


@pytest.mark.django_db(transaction=True)
def test_a_block_of_any_source_that_changes_drops_the_houses_day_month_and_year(summer, roof):
    day = Period(Span.DAY, date(2026, 6, 10))
    month, year = Period.of(Span.MONTH, day.first), Period.of(Span.YEAR, day.first)
    before = {span: periods(summer, span, day.first, day.until, LATER) for span in (Span.DAY, Span.MONTH, Span.YEAR)}
    Block.objects.filter(source=roof, start=timegrid.midnight(day.first, BRUSSELS)).update(energy1=160)
    outbox.mark(roof.pk, [day.first])
    for period in (day, month, year):
        [now] = periods(summer, period.span, day.first, day.until, LATER).values()
        assert now.balance.solar == before[period.span][period].balance.solar + 60
