"""The life of blocks in the database: due, done, closed, faulty, tried again, reopened."""

from datetime import timedelta

import pytest
from django.db import connection

from energysite.blocks import Sample
from meters.blocks import claims, outbox, run
from meters.blocks.process import drain, process
from meters.blocks.run import prepare
from meters.blocks.touch import reopen, span
from meters.models import Block, CounterCycle, Dirty
from tests.meters.blocks.known import Q, at, expected, found, make_source, manager, store, stored, unchanged

pytestmark = pytest.mark.django_db

NOW = at(Q) + timedelta(days=2)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def gas(until: int, step: int = 300, first: int = Q) -> list[Sample]:
    return [Sample(time, (1_000 + (time - Q) // 10,)) for time in range(first, until + 1, step)]


def states(source, length_s: int = 900) -> list[str]:
    return [block.state for block in stored(source, length_s).values()]


def test_a_block_waits_for_a_reading_at_or_after_its_end():
    source = make_source("volume")
    store(source, gas(Q + 1_500))
    quarters = manager(source)
    assert process(quarters, NOW).done == 1
    assert states(source) == ["done", "todo"]
    assert process(quarters, NOW).claimed == 0
    store(source, gas(Q + 1_800, first=Q + 1_800))
    assert process(quarters, NOW).done == 1
    assert states(source) == ["done", "done"]


def test_a_block_closes_when_it_is_still_the_same_two_hours_later():
    source = make_source("volume")
    store(source, gas(Q + 900))
    quarters = manager(source)
    process(quarters, NOW)
    assert process(quarters, NOW + 2 * HOUR - SECOND).claimed == 0
    counts = process(quarters, NOW + 2 * HOUR)
    assert (counts.claimed, counts.done, counts.closed) == (1, 0, 1)
    assert states(source) == ["closed"]
    assert process(quarters, NOW + 9 * HOUR).claimed == 0


def test_a_block_that_has_changed_meanwhile_is_done_anew_and_marked():
    source = make_source("volume")
    store(source, gas(Q + 900))
    quarters = manager(source)
    process(quarters, NOW)
    Dirty.objects.all().delete()
    with connection.cursor() as cursor:  # unseen by whoever should have reopened it
        cursor.execute(
            "UPDATE meters_volumereading SET volume_l = volume_l + 7 WHERE source_id = %s AND time = %s", [source.pk, at(Q + 900)]
        )
    counts = process(quarters, NOW + 2 * HOUR)
    assert (counts.done, counts.closed) == (1, 0)
    [block] = Block.objects.filter(source=source)
    assert (block.energy1, block.state, block.done_at) == (97, "done", NOW + 2 * HOUR)
    assert Dirty.objects.filter(source=source).count() == 1


def test_one_poisoned_block_does_not_stop_the_others():
    source = make_source("volume")
    store(source, [sample._replace(registers=(2_000_000_000,)) if sample.time > Q + 1_800 else sample for sample in gas(Q + 4_500)])
    CounterCycle.objects.create(source=source, register="volume_l", since=at(Q + 1_801), offset=2_000_000_000)
    quarters = manager(source)
    counts = process(quarters, NOW)
    assert (counts.claimed, counts.done, counts.faulty) == (5, 4, 1)
    assert states(source) == ["done", "done", "faulty", "done", "done"]
    block = Block.objects.get(source=source, state="faulty")
    assert (block.reason, block.attempts, block.retry_after, block.busy_until) == ({"code": "out_of_range"}, 1, NOW + MINUTE, None)
    assert process(quarters, NOW + MINUTE - SECOND).claimed == 0
    assert process(quarters, NOW + MINUTE).faulty == 1
    block.refresh_from_db()
    assert (block.attempts, block.retry_after) == (2, NOW + 3 * MINUTE)
    CounterCycle.objects.all().delete()
    assert process(quarters, NOW + HOUR).done == 1
    block.refresh_from_db()
    assert (block.state, block.reason, block.attempts) == ("done", None, 0)


def test_claimed_blocks_are_nobody_elses_until_the_claim_runs_out():
    source = make_source("volume")
    store(source, gas(Q + 9_000))
    work = prepare(manager(source), NOW)
    assert work is not None
    until, mine = claims.claim(work, NOW, 4)
    assert [start for _pk, start, _end in mine] == [at(Q + i * 900) for i in range(4)]
    _until, theirs = claims.claim(work, NOW, 100)
    assert len(theirs) == 6
    assert claims.claim(work, until - SECOND, 100)[1] == []
    assert len(claims.claim(work, until, 100)[1]) == 10


def test_a_result_that_does_not_know_of_a_late_reading_is_not_stored():
    source = make_source("volume")
    store(source, gas(Q + 1_800))
    work = prepare(manager(source), NOW)
    assert work is not None
    until, blocks = claims.claim(work, NOW, 10)
    reopen(source.pk, [(at(Q), at(Q + 300))])
    assert run._stored(work, blocks, until, NOW).done == 1
    assert states(source) == ["todo", "done"]


def test_a_late_reading_reopens_every_length_and_its_days():
    source = make_source("volume", cadence_s=300)
    store(source, [sample for sample in gas(Q + 200_000) if sample.time != Q + 90_000])
    lengths = (300, 900, 3_600, 86_400)
    managers = [manager(source, length) for length in lengths]
    drain(managers, NOW + 3 * HOUR)
    drain(managers, NOW + 48 * HOUR)
    assert {length: {*states(source, length)[:-2]} for length in lengths} == {length: {"closed"} for length in lengths}
    Dirty.objects.all().delete()
    late = Sample(Q + 90_000, (11_000,))
    store(source, [late])
    before, after = at(Q + 89_700), at(Q + 90_300)
    count = reopen(source.pk, [span(before, at(late.time), after)])
    touched = {
        length: [s for s, b in stored(source, length).items() if b.state == "todo" and b.end < at(Q + 190_000)] for length in lengths
    }
    quarter = (Q + 90_000) // 900 * 900
    assert touched[900] == [quarter - 900, quarter]
    assert touched[300] == [Q + 89_700, Q + 90_000]
    assert [len(touched[length]) for length in (3_600, 86_400)] == [2 if quarter % 3_600 == 0 else 1, 1]
    assert count == sum(map(len, touched.values()))
    marks = outbox.take("cache", 10)
    assert [day for _source, day, _generation in marks] == [
        block.local_date for block in stored(source, 86_400).values() if block.state == "todo"
    ][:1]
    drain(managers, NOW + 49 * HOUR)
    samples = sorted([*(s for s in gas(Q + 200_000) if s.time != late.time), late])
    for start in touched[900]:
        assert found(stored(source)[start]) == expected(samples, start, start + 900, set_s=300)


def test_the_same_reading_again_changes_nothing():
    source = make_source("volume")
    store(source, gas(Q + 9_000))
    managers = [manager(source), manager(source, 86_400)]
    drain(managers, NOW)
    before = {start: unchanged(block) for start, block in stored(source).items()}
    Dirty.objects.all().delete()
    reopen(source.pk, [(at(Q), at(Q + 9_000))])
    marked = outbox.take("cache", 100)
    assert marked
    assert drain(managers, NOW).done == 10
    assert {start: unchanged(block) for start, block in stored(source).items()} == before
    assert outbox.take("cache", 100) == marked, "reopened, computed, the same: nothing more to tell"


def test_a_mark_that_grew_since_it_was_taken_stays():
    source = make_source("volume")
    day = at(Q).date()
    outbox.mark(source.pk, [day, day, day + timedelta(days=1)])
    taken = outbox.take("cache", 10)
    assert taken == [(source.pk, day, 1), (source.pk, day + timedelta(days=1), 1)]
    outbox.mark(source.pk, [day])
    assert outbox.drop("cache", taken) == 1
    assert outbox.take("cache", 10) == [(source.pk, day, 2)]


def test_short_blocks_are_made_only_where_a_quarter_holds_readings():
    source = make_source("volume", cadence_s=300)
    store(source, [*gas(Q + 1_800), *gas(Q + 20_700, first=Q + 18_900)])
    managers = [manager(source), manager(source, 300)]
    drain(managers, NOW)
    assert len(stored(source)) == 23
    assert sorted(stored(source, 300)) == [*range(Q, Q + 1_800, 300), *range(Q + 18_900, Q + 20_700, 300)]
    store(source, gas(Q + 9_900, first=Q + 9_300))
    reopen(source.pk, [(at(Q + 1_800), at(Q + 18_900))])
    drain(managers, NOW)
    assert set(range(Q + 9_000, Q + 9_900, 300)) <= set(stored(source, 300))
    assert set(states(source, 300)) == {"done"}


def test_readings_before_the_first_block_make_earlier_ones():
    source = make_source("volume", cadence_s=300)
    store(source, gas(Q + 9_000, first=Q + 4_500))
    managers = [manager(source), manager(source, 300), manager(source, 86_400)]
    drain(managers, NOW)
    store(source, gas(Q + 4_200, first=Q - 200_100))
    reopen(source.pk, [(at(Q - 200_100), at(Q + 4_500))])
    drain(managers, NOW)
    assert list(stored(source)) == list(range(Q - 200_700, Q + 9_000, 900))
    assert sum(block.energy1 or 0 for block in stored(source).values()) == (9_000 + 200_100) // 10
    assert sum(block.energy1 or 0 for block in stored(source, 86_400).values() if block.state == "done") == sum(
        block.energy1 or 0
        for block in stored(source).values()
        if block.start < max(b.end for b in stored(source, 86_400).values() if b.state == "done")
    )


def test_an_archive_makes_no_blocks():
    source = make_source("volume")
    with pytest.raises(ValueError, match="no blocks"):
        process(manager(source, 0, algorithm="archive"), NOW)


def test_short_blocks_begin_where_a_history_of_quarters_ends():
    """Months of quarters before the first finer reading: more than one run looks at."""
    source = make_source("volume")
    first = Q - 60 * 86_400
    store(source, [Sample(time, (100_000 + (time - first) // 10,)) for time in range(first, Q, 900)])
    store(source, [Sample(time, (100_000 + (time - first) // 10,)) for time in range(Q, Q + 1_801, 10)])
    minutes = manager(source, 60)
    assert process(minutes, NOW).done == 30
    assert sorted(stored(source, 60)) == list(range(Q, Q + 1_800, 60))
    store(source, [Sample(time, (100_000 + (time - first) // 10,)) for time in range(Q + 1_810, Q + 1_881, 10)])
    assert process(minutes, NOW).done == 1
