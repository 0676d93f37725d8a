"""Days, hours and half hours are summed from quarters between local bounds."""

import random
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from energysite import blocks, timegrid
from energysite.blocks import Sample
from energysite.models import House
from meters.blocks import outbox
from meters.blocks.days import rebuild
from meters.blocks.process import drain, process
from meters.models import Block, Dirty
from tests.meters.blocks.known import at, found, make_source, manager, store, stored

pytestmark = pytest.mark.django_db

BRUSSELS = ZoneInfo("Europe/Brussels")
LENGTHS = (900, 1_800, 3_600, 86_400)


def metered(first: int, until: int, seed: int) -> list[Sample]:
    """Every five minutes or so, now and then nothing for hours, power and export lacking here and there."""
    chance = random.Random(seed)
    time, wh, samples = first, 1_000, []
    while time < until:
        power = None if chance.random() < 0.05 else chance.randrange(-4_000, 4_000)
        samples.append(Sample(time, (wh, wh // 3, None if chance.random() < 0.02 else wh // 2, None), (power, power, None, 5)))
        step = chance.choices([300, 301, 900, 7_200], [300, 20, 10, 1])[0]
        time += step
        wh += chance.randrange(0, step)
    return samples


def epoch(day: date, zone: ZoneInfo = BRUSSELS) -> int:
    return int(timegrid.midnight(day, zone).timestamp())


def local_days(source) -> dict[date, Block]:
    return {block.local_date: block for block in stored(source, 86_400).values() if block.local_date is not None}


@pytest.mark.parametrize(("first", "seed"), [(date(2026, 10, 23), 1), (date(2026, 3, 27), 2)])
def test_days_hours_and_half_hours_are_the_sums_of_their_quarters(first, seed):
    source = make_source()
    samples = metered(epoch(first) + 40_000, epoch(first + timedelta(days=4)) + 2_000, seed)
    store(source, samples)
    now = at(samples[-1].time)
    drain([manager(source, length) for length in LENGTHS], now)
    quarters = stored(source)
    for length in LENGTHS[1:]:
        rows = {start: block for start, block in stored(source, length).items() if block.state == "done"}
        assert len(rows) > 3
        for start, block in rows.items():
            parts = [found(q) for s, q in quarters.items() if start <= s and q.end <= block.end]
            ours, summed = found(block), blocks.summed(parts)
            assert (ours.energies, ours.powers, ours.covered_s) == (summed.energies, summed.powers, summed.covered_s)
            assert (ours.recovered, ours.counters, ours.proof) == (summed.recovered, summed.counters, summed.proof)
    days = local_days(source)
    assert [(block.end - block.start) / timedelta(minutes=15) for block in list(days.values())[:4]] == [
        len(timegrid.quarters(day, BRUSSELS)) for day in list(days)[:4]
    ]
    assert {block.length_s for block in days.values()} == {86_400}
    assert days[first].state == "done", "the first day of a source is a part of one"
    assert days[first + timedelta(days=4)].state == "todo"


def test_a_day_waits_for_all_its_quarters_and_is_summed_again_when_one_changes():
    source = make_source("volume")
    first = epoch(date(2026, 5, 1))
    store(source, [Sample(time, ((time - first) // 10,)) for time in range(first, first + 90_001, 300)])
    quarters, days = manager(source), manager(source, 86_400)
    now = at(first + 90_001)
    process(quarters, now, most=95)
    assert process(days, now).claimed == 0
    process(quarters, now, most=1)
    assert process(days, now).done == 1
    day = local_days(source)[date(2026, 5, 1)]
    assert (day.energy1, day.end1, day.covered_s) == (8_640, 8_640, 86_400)
    assert day.proof == at(first + 86_400)
    Block.objects.filter(source=source, start=at(first)).filter(length_s=900).update(state="todo", energy1=1)
    process(quarters, now, most=1)
    day.refresh_from_db()
    assert day.state == "todo"
    assert process(days, now).done == 1


def test_the_last_day_of_a_retired_source_ends_with_its_last_quarter():
    first = epoch(date(2026, 5, 1))
    source = make_source("volume", retired=at(first + 10_000))
    store(source, [Sample(time, ((time - first) // 10,)) for time in range(first, first + 10_001, 500)])
    drain([manager(source), manager(source, 86_400)], at(first + 200_000))
    day = local_days(source)[date(2026, 5, 1)]
    assert (day.state, day.energy1, day.proof) == ("done", 1_000, at(first + 10_000))


def test_another_zone_makes_other_days_of_the_same_quarters():
    house = House.load()
    source = make_source("volume")
    samples = [
        Sample(time, ((time - epoch(date(2026, 5, 1))) // 7,)) for time in range(epoch(date(2026, 5, 1)), epoch(date(2026, 5, 6)), 300)
    ]
    store(source, samples)
    now = at(samples[-1].time)
    drain([manager(source), manager(source, 86_400)], now)
    Dirty.objects.all().delete()
    House.objects.filter(pk=house.pk).update(zone="Asia/Kolkata")
    assert rebuild(now) == 5
    days = local_days(source)
    kolkata = ZoneInfo("Asia/Kolkata")
    assert {(block.start, block.end) for block in days.values()} == {timegrid.day_bounds(day, kolkata) for day in days}
    assert [block.energy1 for block in list(days.values())[1:4]] == [86_400 // 7] * 3 or {b.energy1 for b in list(days.values())[1:4]} <= {
        12_342,
        12_343,
    }
    assert {day for _source, day, _generation in outbox.take("cache", 100)} >= set(days)
    assert rebuild(now) == 0


def test_a_day_that_the_calendar_left_out_has_no_row():
    House.objects.update_or_create(pk=1, defaults={"zone": "Pacific/Apia"})
    apia = ZoneInfo("Pacific/Apia")
    source = make_source("volume")
    first = epoch(date(2011, 12, 28), apia)
    store(source, [Sample(time, ((time - first) // 10,)) for time in range(first, first + 5 * 86_400, 900)])
    drain([manager(source), manager(source, 86_400)], at(first + 6 * 86_400))
    days = local_days(source)
    assert [day.day for day in days] == [28, 29, 31, 1, 2]
    assert [days[date(2011, 12, day)].energy1 for day in (28, 29, 31)] == [8_640] * 3
