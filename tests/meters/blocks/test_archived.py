"""Blocks whose readings were thinned out are computed again from the counters at the ends of blocks."""

from datetime import timedelta

import pytest
from django.db import connection

from energysite.blocks import Sample
from meters.blocks.process import drain
from meters.blocks.touch import reopen, span
from meters.models import Source
from tests.meters.blocks.known import Q, at, expected, found, make_source, manager, remove, store, stored, unchanged

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
HOURS = 24
END = Q + HOURS * 3_600
LATER = at(END) + timedelta(days=60)


def wavy(first: int = Q, until: int = END) -> list[Sample]:
    """No straight line anywhere: an interpolation would show."""
    return [
        Sample(time, ((time - Q) ** 2 // 1_000, (time - Q) // 50, None, 7), ((time - Q) % 4_000, 1, None, -((time - Q) % 900)))
        for time in range(first, until + 1, 60)
    ]


def archived(samples: list[Sample], kept_from: int) -> tuple[Source, list]:
    source = make_source()
    store(source, samples)
    manager(source, 0, algorithm="archive", keep_days=30)
    managers = [manager(source, length) for length in (300, 900, 86_400)]
    drain(managers, LATER)
    drain(managers, LATER + 3 * HOUR)
    drain(managers, LATER + 48 * HOUR)
    remove(source, kept_from)
    return source, managers


def test_computed_again_without_readings_nothing_changes():
    source, managers = archived(wavy(), END - 3_600)
    before = {length: {start: unchanged(block) for start, block in stored(source, length).items()} for length in (300, 900, 86_400)}
    assert reopen(source.pk, [(at(Q), at(END - 3_600))]) > 100
    drain(managers, LATER + 49 * HOUR)
    after = {length: {start: unchanged(block) for start, block in stored(source, length).items()} for length in (300, 900, 86_400)}
    assert after == before
    drain(managers, LATER + 96 * HOUR)
    assert {block.state for block in stored(source).values()} == {"closed"}


def test_a_late_reading_in_an_archived_range_does_not_bend_what_was_proven():
    source, managers = archived(wavy(), END - 3_600)
    before = {start: unchanged(block) for start, block in stored(source).items()}
    late = Sample(Q + 30_000, (30_000**2 // 1_000, 800, None, 7), (500, 1, None, 0))
    store(source, [late])
    reopen(source.pk, [span(None, at(late.time), at(END - 3_600))])
    drain(managers, LATER + 49 * HOUR)
    assert {start: unchanged(block) for start, block in stored(source).items()} == before


def test_readings_for_an_old_gap_fill_it_and_leave_the_rest():
    gap = range(Q + 30_000, Q + 51_000)
    source, managers = archived([s for s in wavy() if s.time not in gap], END - 3_600)
    before = {start: unchanged(block) for start, block in stored(source).items()}
    hollow = {start for start, block in stored(source).items() if block.recovered}
    assert len(hollow) > 20
    filling = [s for s in wavy() if s.time in gap]
    store(source, filling)
    reopen(source.pk, [(at(Q), at(END - 3_600))])
    drain(managers, LATER + 49 * HOUR)
    rows = stored(source)
    assert {start: unchanged(block) for start, block in rows.items() if start not in hollow} == {
        start: values for start, values in before.items() if start not in hollow
    }
    whole = wavy()
    for start in sorted(hollow)[2:-2]:
        assert found(rows[start]) == expected(whole, start, start + 900)
    total = sum(block.energy1 or 0 for block in rows.values())
    assert total == max(block.end1 or 0 for block in rows.values()), "the sum is still the difference of the counters"


def test_what_a_removed_reading_proved_is_proven_no_more():
    source = make_source("volume", cadence_s=900)
    manager(source, 0, algorithm="archive", keep_days=30)
    wrong = Sample(Q + 1_800, (700,))
    store(source, [Sample(Q, (0,)), Sample(Q + 900, (100,)), wrong, Sample(Q + 2_700, (1_000,))])
    managers = [manager(source)]
    drain(managers, LATER)
    assert [block.energy1 for block in stored(source).values()] == [100, 600, 300]
    remove(source, 0)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM meters_volumereading WHERE source_id = %s AND time = %s", [source.pk, at(wrong.time)])
    reopen(source.pk, [(at(Q + 900), at(Q + 2_700))], removed=True)
    drain(managers, LATER)
    assert [block.energy1 for block in stored(source).values()] == [100, 450, 450]
