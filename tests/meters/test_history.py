"""From readings as houses really send them to exact history: judged, condensed, added up, and set right, all of it together."""

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from energysite import timegrid
from meters.blocks.managers import ensure_defaults
from meters.blocks.process import drain
from meters.counting import judge
from meters.kinds import ELECTRICITY
from meters.models import Block, ElectricityReading, RejectEpisode, Source
from meters.totals import totals

BRUSSELS = ZoneInfo("Europe/Brussels")
STEP_S = 10
FIRST, OCTOBER, LAST = date(2026, 10, 23), date(2026, 10, 25), date(2026, 10, 26)
BEGIN = int(timegrid.midnight(FIRST, BRUSSELS).timestamp()) - 600
END = int(timegrid.midnight(LAST + timedelta(days=1), BRUSSELS).timestamp()) + 600
OUTAGE = (int(datetime(2026, 10, 24, 12, 7, tzinfo=UTC).timestamp()), int(datetime(2026, 10, 24, 16, 7, tzinfo=UTC).timestamp()))
NOW = datetime(2026, 10, 28, tzinfo=UTC)

Row = tuple[Any, ...]


def shown(at: int) -> int:
    """The import counter of the house, Wh: 1,080 W, and 300 Wh more in the first ten minutes of each sixth hour."""
    passed = at - BEGIN
    return 5_000_000 + passed * 3 // 10 + 300 * (passed // 21_600) + min(passed % 21_600 // 2, 300)


def row(source: Source, at: int, value: int) -> Row:
    values = {
        "source_id": source.pk,
        "time": datetime.fromtimestamp(at, UTC),
        "import_t1_wh": value,
        "export_t1_wh": 0,
        "power_w": 1080,
        "flags": 0,
    }
    return tuple(values.get(name) for name in ELECTRICITY.columns)


@pytest.fixture
def source(db: None) -> Source:
    made = Source.objects.create(kind="electricity", medium="electricity", name="House", serial="1")
    ensure_defaults(made)
    return made


def true_rows(source: Source) -> list[Row]:
    return [row(source, at, shown(at)) for at in range(BEGIN, END, STEP_S) if not OUTAGE[0] < at < OUTAGE[1]]


def settle(source: Source) -> None:
    """Now, and once more after every grace."""
    for later in (timedelta(), timedelta(hours=3), timedelta(hours=30)):
        drain(source.managers.all(), NOW + later)


def counted(source: Source, start: datetime, end: datetime) -> int:
    [total] = totals.of([source], start, end, now=NOW, zone=BRUSSELS)
    return total.registers["import_t1_wh"]


def truth(start: datetime, end: datetime) -> int:
    return shown(int(end.timestamp())) - shown(int(start.timestamp()))


def days() -> list[date]:
    return [FIRST + timedelta(days=i) for i in range((LAST - FIRST).days + 1)]


def assert_exact(source: Source) -> None:
    for day in days():
        start, end = timegrid.day_bounds(day, BRUSSELS)
        assert counted(source, start, end) == truth(start, end), day
        quarters = Block.objects.filter(source=source, length_s=900, start__gte=start, start__lt=end)
        assert sum(quarter.energy1 or 0 for quarter in quarters) == truth(start, end), day
    whole = timegrid.midnight(FIRST, BRUSSELS), timegrid.midnight(LAST + timedelta(days=1), BRUSSELS)
    assert counted(source, *whole) == truth(*whole)


def test_every_day_is_exact_with_100_quarters_in_october_and_no_peak_after_an_outage(source: Source) -> None:
    judge.store("electricity", true_rows(source), NOW)
    settle(source)
    assert_exact(source)
    start, end = timegrid.day_bounds(OCTOBER, BRUSSELS)
    assert Block.objects.filter(source=source, length_s=900, start__gte=start, start__lt=end).count() == 100
    day = Block.objects.get(source=source, length_s=86400, local_date=OCTOBER)
    assert (day.state, day.covered_s, day.recovered) == ("closed", 25 * 3600, False)
    in_the_gap = Block.objects.filter(
        source=source, length_s=900, end__gt=datetime.fromtimestamp(OUTAGE[0], UTC), start__lt=datetime.fromtimestamp(OUTAGE[1], UTC)
    )
    assert [(block.recovered, block.max1) for block in in_the_gap] == [(True, None)] * 17
    fullest = max(block.energy1 or 0 for block in Block.objects.filter(source=source, length_s=900, recovered=False))
    assert max(block.energy1 or 0 for block in in_the_gap) <= fullest
    assert not RejectEpisode.objects.exists()


def test_what_meters_do_wrong_adds_nothing_and_loses_nothing(source: Source) -> None:
    dice = random.Random(2026)
    rows = true_rows(source)
    wrong = [row(source, BEGIN + 5 + STEP_S * i, shown(BEGIN + STEP_S * i) - 100) for i in (4000, 4001, 9000)]
    wrong += [row(source, BEGIN + 5 + STEP_S * 6000, shown(BEGIN) + 53_700_000), row(source, 0, 12), row(source, 946_684_800, 0)]
    given = sorted([*rows, *wrong], key=lambda one: one[1])
    pieces = [given[i : i + 500] for i in range(0, len(given), 500)]
    for i in dice.sample(range(len(pieces) - 1), 10):  # a piece that comes late, and one that comes twice
        pieces[i], pieces[i + 1] = pieces[i + 1], pieces[i]
    for piece in [*pieces, *dice.sample(pieces, 5)]:
        judge.store("electricity", piece, NOW)
        judge.forget()  # as after a restart
    settle(source)
    assert_exact(source)
    assert ElectricityReading.objects.filter(source=source).count() == len(rows)
    assert sum(RejectEpisode.objects.values_list("count", flat=True)) == len(wrong)


def test_a_day_that_comes_late_after_all_was_closed_makes_its_blocks_exact_again(source: Source) -> None:
    rows = true_rows(source)
    start, end = timegrid.day_bounds(OCTOBER, BRUSSELS)
    judge.store("electricity", [one for one in rows if not start < one[1] < end], NOW)
    settle(source)
    assert Block.objects.get(source=source, length_s=86400, local_date=OCTOBER).recovered
    assert not Block.objects.exclude(state="closed").filter(source=source, length_s__gte=900, end__lt=end).exists()
    assert_totals_of_days(source)
    judge.store("electricity", rows, NOW)
    assert Block.objects.get(source=source, length_s=86400, local_date=OCTOBER).state == "todo"
    settle(source)
    assert_exact(source)
    assert not Block.objects.get(source=source, length_s=86400, local_date=OCTOBER).recovered


def assert_totals_of_days(source: Source) -> None:
    """Whole days stay exact across a gap that begins and ends at midnight."""
    for day in days():
        start, end = timegrid.day_bounds(day, BRUSSELS)
        assert counted(source, start, end) == truth(start, end), day
