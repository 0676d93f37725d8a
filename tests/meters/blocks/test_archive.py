"""Retention: what goes lies behind closed blocks, and nothing that an open block is computed from goes."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, connections

from energysite import agents, timegrid
from energysite.models import House
from meters.blocks import archive, process
from meters.counting import judge
from meters.counting.memory import LOCK_CLASS
from meters.models import Block, DataManager, ElectricityReading, Source
from tests.meters.rows import electricity, make_meter, make_source

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
BEGIN = datetime(2026, 3, 28, 23, tzinfo=UTC)  # a midnight in Brussels, of the day with 23 hours
ZONE = ZoneInfo("Europe/Brussels")
SECOND, QUARTER, DAY = timedelta(seconds=1), timedelta(minutes=15), timedelta(days=1)
ARCHIVE, DIFFERENCE = DataManager.Algorithm.ARCHIVE, DataManager.Algorithm.DIFFERENCE


@pytest.fixture
def source() -> Source:
    """With a manager of quarters and one of days, as each has. Retired, so that its newest reading is like any other."""
    House.objects.update_or_create(pk=1, defaults={"zone": ZONE.key})
    made = make_source(make_meter())
    made.retired = NOW
    made.save()
    DataManager.objects.filter(source=made).delete()
    for name, length_s in (("quarter", 900), ("day", 86_400)):
        manager(made, name, length_s=length_s)
    return made


def manager(source: Source, name: str, **fields: Any) -> DataManager:
    return agents.create(DataManager, name=f"{name} {source.pk}", source=source, **{"algorithm": DIFFERENCE, "period_s": 60, **fields})


def archiving(source: Source, **fields: Any) -> DataManager:
    return manager(source, "archive", **{"algorithm": ARCHIVE, "length_s": 0, "keep_days": 30, **fields})


def blocks(source: Source, start: datetime, end: datetime, length_s: int = 900, state: str = "closed") -> None:
    step = timedelta(seconds=length_s)
    Block.objects.bulk_create(
        Block(source=source, length_s=length_s, start=start + i * step, end=start + (i + 1) * step, state=state)
        for i in range((end - start) // step)
    )


def day_blocks(source: Source, start: datetime, number: int, states: list[str] | None = None) -> None:
    first = timegrid.local_day(start, ZONE)
    for i in range(number):
        low, high = timegrid.day_bounds(first + i * DAY, ZONE)
        state = states[i] if states else "closed"
        Block.objects.create(source=source, length_s=86_400, start=low, end=high, local_date=first + i * DAY, state=state)


def readings(source: Source, start: datetime, end: datetime, every: timedelta) -> list[datetime]:
    """From start to end, both included."""
    times = [start + i * every for i in range((end - start) // every + 1)]
    electricity(source, [(time, 1000 + i) for i, time in enumerate(times)])
    return times


def left(source: Source) -> list[datetime]:
    return list(ElectricityReading.objects.filter(source_id=source.pk).order_by("time").values_list("time", flat=True))


def in_use(source: Source) -> None:
    source.retired = None
    source.save()


def test_what_lies_behind_closed_blocks_goes_and_what_lies_behind_none_stays(source):
    times = readings(source, BEGIN, BEGIN + 2 * DAY, timedelta(minutes=1))
    blocks(source, BEGIN, BEGIN + 2 * DAY)
    day_blocks(source, BEGIN, 2)
    thinned = archive.thin(archiving(source), NOW)
    # The change to summer time makes the first day an hour shorter: what follows the second day lies in none.
    assert left(source) == [time for time in times if time >= BEGIN + timedelta(hours=47)]
    assert (thinned.rows, thinned.kept_back, thinned.before, thinned.more) == (47 * 60, 61, NOW - 30 * DAY, False)


def test_readings_younger_than_the_days_that_are_kept_stay(source):
    begin = NOW - 40 * DAY
    times = readings(source, begin, NOW, timedelta(hours=1))
    blocks(source, begin, NOW)
    day_blocks(source, begin, 42)
    archive.thin(archiving(source), NOW)
    assert left(source) == [time for time in times if time >= NOW - 30 * DAY]


def test_an_open_block_keeps_its_own_readings_and_one_neighbour_on_each_side(source):
    times = readings(source, BEGIN - timedelta(seconds=50), BEGIN + DAY, timedelta(seconds=70))
    blocks(source, BEGIN - DAY, BEGIN + 3 * DAY)
    day_blocks(source, BEGIN - DAY, 5)
    start = BEGIN + timedelta(hours=5)
    Block.objects.filter(length_s=900, start=start).update(state="done")
    kept_back = archive.thin(archiving(source), NOW).kept_back
    assert start not in times, "its edge is to lie between two readings"
    own = [i for i, time in enumerate(times) if start <= time <= start + QUARTER]
    assert left(source) == times[own[0] - 1 : own[-1] + 2]
    assert kept_back == len(own) + 2


def test_a_reading_at_an_edge_is_the_neighbour(source):
    readings(source, BEGIN, BEGIN + DAY, timedelta(minutes=5))
    blocks(source, BEGIN - DAY, BEGIN + 3 * DAY)
    day_blocks(source, BEGIN - DAY, 5)
    start = BEGIN + timedelta(hours=5)
    Block.objects.filter(length_s=900, start=start).update(state="todo")
    archive.thin(archiving(source), NOW)
    assert left(source) == [start + i * timedelta(minutes=5) for i in range(4)]


def test_an_open_day_keeps_all_of_its_readings(source):
    times = readings(source, BEGIN, BEGIN + 3 * DAY, timedelta(minutes=30))
    blocks(source, BEGIN, BEGIN + 4 * DAY)
    day_blocks(source, BEGIN, 5, ["closed", "faulty", "closed", "closed", "closed"])
    archive.thin(archiving(source), NOW)
    low, high = timegrid.day_bounds(timegrid.local_day(BEGIN, ZONE) + DAY, ZONE)
    assert left(source) == [time for time in times if low <= time <= high]


def test_a_block_that_a_manager_has_yet_to_make_counts_as_open(source):
    times = readings(source, BEGIN, BEGIN + DAY, timedelta(seconds=30))
    blocks(source, BEGIN - DAY, BEGIN + 3 * DAY)
    day_blocks(source, BEGIN - DAY, 5)
    minutes = manager(source, "minute", length_s=60)
    blocks(source, BEGIN - DAY, BEGIN + timedelta(hours=3), 60)
    archive.thin(archiving(source), NOW)
    assert left(source) == [time for time in times if time >= BEGIN + timedelta(hours=3)]
    minutes.enabled = False
    minutes.save()
    archive.thin(DataManager.objects.get(algorithm=ARCHIVE), NOW)
    assert left(source) == []


def test_a_manager_that_drops_its_blocks_sooner_holds_nothing_back(source):
    readings(source, BEGIN, BEGIN + DAY, timedelta(minutes=1))
    blocks(source, BEGIN - DAY, BEGIN + 3 * DAY)
    day_blocks(source, BEGIN - DAY, 5)
    manager(source, "minute", length_s=60, keep_days=10)
    archive.thin(archiving(source), NOW)
    assert left(source) == []


def test_a_source_whose_quarters_nobody_makes_keeps_everything(source):
    times = readings(source, BEGIN, BEGIN + DAY, timedelta(minutes=30))
    DataManager.objects.filter(source=source, length_s=86_400).update(enabled=False)
    blocks(source, BEGIN - DAY, BEGIN + 3 * DAY)
    assert archive.thin(archiving(source), NOW) == archive.Thinned()
    assert left(source) == times


def test_an_archive_without_days_keeps_everything(source):
    assert archive.thin(archiving(source, keep_days=None), NOW).before is None
    with pytest.raises(ValueError, match="no archive"):
        archive.thin(DataManager.objects.get(source=source, length_s=900), NOW)


def test_thinning_out_keeps_the_last_reading_of_each_interval_its_end_included(source):
    readings(source, BEGIN, BEGIN + DAY, timedelta(seconds=50))
    blocks(source, BEGIN - DAY, BEGIN + 3 * DAY)
    day_blocks(source, BEGIN - DAY, 5)
    taken = archiving(source, length_s=300)
    thinned = archive.thin(taken, NOW)
    assert left(source) == [BEGIN + i * timedelta(minutes=5) for i in range(288 + 1)]
    assert thinned.rows == 1728 + 1 - 289
    assert thinned.kept_back == 0
    assert archive.thin(taken, NOW).rows == 0


def test_the_newest_reading_stays_until_its_source_is_retired(source):
    times = readings(source, BEGIN, BEGIN + timedelta(hours=23), timedelta(minutes=5))
    blocks(source, BEGIN, BEGIN + timedelta(hours=23))
    day_blocks(source, BEGIN, 1)
    taken = archiving(source)
    in_use(source)
    archive.thin(taken, NOW)
    assert left(source) == times[-1:]
    source.retired = times[-1]
    source.save()
    archive.thin(taken, NOW)
    assert left(source) == []


def test_another_source_is_not_touched(source):
    other = make_source(source.meter, serial="2")
    for one in (source, other):
        readings(one, BEGIN, BEGIN + DAY, timedelta(hours=1))
    blocks(source, BEGIN - DAY, BEGIN + 3 * DAY)
    day_blocks(source, BEGIN - DAY, 5)
    archive.thin(archiving(source), NOW)
    assert (len(left(source)), len(left(other))) == (0, 25)


def test_short_blocks_go_when_closed_and_old_quarters_and_days_never(source):
    begin = NOW - 800 * DAY
    manager(source, "minute", length_s=60, keep_days=730)
    blocks(source, begin, begin + QUARTER, 60)
    blocks(source, begin + QUARTER, begin + 2 * QUARTER, 60, state="faulty")
    blocks(source, NOW - DAY, NOW - DAY + QUARTER, 60)
    blocks(source, begin, begin + 2 * QUARTER)
    day_blocks(source, begin, 1)
    DataManager.objects.filter(source=source, length_s=900).update(keep_days=1)
    assert archive.thin(archiving(source), NOW, step_rows=4).blocks == 15
    assert Block.objects.filter(length_s=60).count() == 30
    assert Block.objects.filter(length_s__gte=900).count() == 3


# Against the words of the rule, on anything


def expected(source: Source, times: list[datetime], before: datetime, lengths: list[int]) -> list[datetime]:
    """What stays, said plainly: of each open block its own readings and one neighbour on each side; and what is too young."""
    stays = {time for time in times if time >= before} | (set() if source.retired else {times[-1]})
    for length_s in lengths:
        known = {block.start: block for block in Block.objects.filter(source=source, length_s=length_s)}
        spans = {(block.start, block.end) for block in known.values() if block.state != "closed"}
        for time in times:
            if length_s == 86_400:
                low, high = timegrid.day_bounds(timegrid.local_day(time - SECOND, ZONE), ZONE)
            else:
                low = datetime.fromtimestamp((time - SECOND).timestamp() // length_s * length_s, UTC)
                high = low + timedelta(seconds=length_s)
            if low not in known and high > times[0]:
                spans.add((low, high))
        for low, high in spans:
            stays |= {time for time in times if low <= time <= high}
            stays |= {max((time for time in times if time <= low), default=times[0])} if times[0] <= low else set()
            stays |= {min((time for time in times if time >= high), default=times[-1])} if times[-1] >= high else set()
    return sorted(stays)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_the_states_nothing_goes_that_an_open_block_needs_and_nothing_else_stays(source, seed):
    chance = random.Random(seed)
    span_s = 2 * 86_400
    every_s = chance.choice([61, 300, 900, 4000])
    times = sorted(
        {BEGIN + timedelta(seconds=s) for s in range(0, span_s, every_s) if chance.random() < 0.7}
        | {BEGIN + chance.randrange(span_s // 900) * QUARTER for _i in range(20)}
    )
    electricity(source, [(time, i) for i, time in enumerate(times)])
    faulty, lengths = chance.choice([0.0, 0.02, 0.5]), [900, 86_400]
    Block.objects.bulk_create(
        Block(source=source, length_s=900, start=BEGIN + i * QUARTER, end=BEGIN + (i + 1) * QUARTER, state=state)
        for i in range(span_s // 900)
        if (state := chance.choice(["todo", "faulty", "done", ""]) if chance.random() < faulty else "closed")
    )
    day_blocks(source, BEGIN, 4, [chance.choice(["closed", "closed", "closed", "done"]) for _i in range(4)])
    if chance.random() < 0.5:
        manager(source, "five", length_s=300)
        lengths.append(300)
        blocks(source, BEGIN, BEGIN + timedelta(seconds=span_s), 300)
        Block.objects.filter(length_s=300, start=BEGIN + chance.randrange(span_s // 300) * timedelta(minutes=5)).update(state="done")
    if chance.random() < 0.7:
        in_use(source)
    now = BEGIN + timedelta(days=30, seconds=chance.randrange(span_s))
    wanted = expected(source, times, now - 30 * DAY, lengths)
    thinned = archive.thin(archiving(source), now, step_rows=chance.choice([7, 100, 50_000]), most_steps=100_000)
    assert left(source) == wanted
    assert thinned.rows == len(times) - len(wanted)
    assert thinned.kept_back == sum(time < now - 30 * DAY for time in wanted)
    assert archive.thin(DataManager.objects.get(algorithm=ARCHIVE), now).rows == 0, "what stayed once stays"


@pytest.mark.django_db(transaction=True)
def test_a_step_waits_for_whoever_is_judging_readings_of_the_source(source):
    """Held by another session, the lock keeps a step from beginning."""
    readings(source, BEGIN, BEGIN + timedelta(hours=1), timedelta(minutes=5))
    blocks(source, BEGIN - DAY, BEGIN + 3 * DAY)
    day_blocks(source, BEGIN - DAY, 5)
    taken = archiving(source)
    other = connections.create_connection("default")
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_CLASS, source.pk])
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout TO '100ms'")
        with pytest.raises(Exception, match="lock timeout"):
            archive.thin(taken, NOW)
        assert len(left(source)) == 13
        other.rollback()
        assert archive.thin(taken, NOW).rows == 13
    finally:
        other.close()
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")


def test_a_late_reading_among_readings_that_are_gone_changes_no_closed_total(source):
    """The whole way: computed, closed, thinned out, reopened by a late reading, computed again from stored counters."""
    in_use(source)
    DataManager.objects.filter(source=source, length_s=900).update(keep_days=None)
    times = readings(source, BEGIN, BEGIN + DAY, timedelta(minutes=1))
    quarters = DataManager.objects.filter(source=source, length_s__in=(900, 86_400))
    for hours in (0, 48, 96):
        process.drain(quarters, BEGIN + 2 * DAY + timedelta(hours=hours))
    closed = Block.objects.filter(source=source, length_s=900, state="closed").order_by("start")
    assert closed.count() == 96
    before = list(closed.values_list("start", "energy1", "end1"))
    archive.thin(archiving(source), NOW)
    assert len(left(source)) < len(times) / 2
    late = BEGIN + timedelta(hours=3, seconds=30)
    judge.store("electricity", [(source.pk, late, 1180, *(None,) * 3, 100, *(None,) * 3, *(None,) * 8, 0)], NOW)
    assert Block.objects.filter(source=source, length_s=900, state="todo").exists()
    for hours in (1, 49):
        process.drain(quarters, NOW + timedelta(hours=hours))
    again = Block.objects.filter(source=source, length_s=900, start__in=[row[0] for row in before]).order_by("start")
    assert list(again.values_list("start", "energy1", "end1")) == before
