"""Replaced meters, readings by hand, and quarters that a person sets right."""

from datetime import timedelta

import pytest

from energysite.errors import BadReading
from energysite.models import AuditEntry
from meters.counting import by_hand, correct, decide, replace
from meters.models import Block, Correction, CounterCycle, Dirty, ElectricityReading, RejectEpisode, Source, VolumeReading
from tests.meters.counting.house import (
    ANNE,
    NOW,
    at,
    counted,
    episode,
    make,
    process,
    quarters,
    row,
    run,
    stand,
    take,
    total,
)

pytestmark = pytest.mark.django_db(transaction=True)
DAY_S = 86_400


def days_of(source: Source) -> list[int | None]:
    return [block.energy1 for block in Block.objects.filter(source=source, length_s=DAY_S).order_by("start")]


# Replacement


def test_a_replaced_meter_keeps_its_totals_exact_and_what_the_new_one_told_meanwhile_enters() -> None:
    source = make(serial="")
    run(source, 0, 1_000_000, 360)
    run(source, 4000, 17, 300)
    assert total(source) == 359
    replace.replaced(source, at(3700), {"import_t1_wh": 1_000_365}, {"import_t1_wh": 3}, "new", ANNE, NOW)
    assert counted(source)[360] == (3700, 1_000_365)
    assert total(source) == 365 + 313
    one = episode(source)
    assert (one.decision, one.asks) == ("overruled", False)
    assert stand(source, 7000, 317).new == 1
    process(source)
    done = [block for block in quarters(source) if block.state == "done"]
    assert sum(block.energy1 or 0 for block in done) == (done[-1].end1 or 0) - 1_000_000
    with pytest.raises(BadReading, match="cannot leave"):
        decide.undo(one, ANNE)
    assert AuditEntry.objects.get(action="meter replaced").detail["readings"] == 300


def test_a_replacement_that_cannot_be_is_refused_in_a_sentence() -> None:
    source = make(serial="")
    stand(source, 0, 1_000)
    stand(source, 600, 1_100)
    first = {"import_t1_wh": 0}
    for time, last, why in (
        (at(600), {"import_t1_wh": 1_200}, "after this time"),
        (at(700), {"import_t1_wh": 1_099}, "cannot be lower"),
        (at(700), {"import_t1_wh": 90_000}, "cannot have counted so much"),
        (at(700), {"import_t2_wh": 5}, "of each register"),
        (NOW + timedelta(days=1), {"import_t1_wh": 1_200}, "lies ahead"),
    ):
        with pytest.raises(BadReading, match=why):
            replace.replaced(source, time, last, first, "", ANNE, NOW)
    with pytest.raises(BadReading, match="own registers"):
        replace.replaced(source, at(700), {"volume_l": 1}, {"volume_l": 1}, "", ANNE, NOW)
    with pytest.raises(BadReading, match="its own serial number"):
        replace.replaced(make(), at(700), first, first, "", ANNE, NOW)
    assert (CounterCycle.objects.count(), ElectricityReading.objects.count()) == (0, 2)


def test_a_retired_source_ends_at_its_last_reading() -> None:
    source = make()
    run(source, 0, 1_000, 100)
    process(source)
    assert quarters(source)[-1].state == "todo"
    with pytest.raises(BadReading, match="after that time"):
        replace.retire(source, at(980), ANNE)
    replace.retire(source, at(5000), ANNE)
    process(source)
    assert [block.state for block in quarters(source)] == ["done", "done"]
    assert sum(block.energy1 or 0 for block in quarters(source)) == 99


# By hand


@pytest.fixture
def water() -> Source:
    return make("volume", "water", name="Water", per_hour=10_000, meter=None, serial="", by_hand=True)


def test_readings_by_hand_come_in_any_order_and_their_days_are_exact(water: Source) -> None:
    for day, litres in ((0, 100_000), (10, 101_000), (20, 101_500), (5, 100_700)):
        by_hand.add(water, at(day * DAY_S), {"volume_l": litres}, ANNE, NOW)
        process(water)
    assert counted(water) == [(0, 100_000), (5 * DAY_S, 100_700), (10 * DAY_S, 101_000), (20 * DAY_S, 101_500)]
    assert set(VolumeReading.objects.values_list("flags", flat=True)) == {ElectricityReading.BY_HAND}
    done = [block for block in quarters(water) if block.state == "done"]
    assert sum(block.energy1 or 0 for block in done) == 1_500
    assert sum(block.energy1 or 0 for block in done if block.end <= at(5 * DAY_S)) == 700


def test_a_value_that_cannot_be_is_refused_in_a_sentence_and_leaves_no_doubt_behind(water: Source) -> None:
    by_hand.add(water, at(0), {"volume_l": 100_000}, ANNE, NOW)
    by_hand.add(water, at(DAY_S), {"volume_l": 101_000}, ANNE, NOW)
    for day, litres, why in (
        (2, 100_999, "does not go back"),
        (0.5, 99_000, "does not go back"),
        (1.01, 999_000, "nothing counts that fast"),
        (1, 101_001, "another value at this time"),
        (1, 101_000, "there already"),
        (60, 102_000, "cannot be true"),
    ):
        with pytest.raises(BadReading, match=why):
            by_hand.add(water, at(round(day * DAY_S)), {"volume_l": litres}, ANNE, NOW)
    with pytest.raises(BadReading, match="read by hand"):
        by_hand.add(make(), at(0), {"import_t1_wh": 1}, ANNE, NOW)
    with pytest.raises(BadReading, match="own registers"):
        by_hand.add(water, at(5), {"import_t1_wh": 1}, ANNE, NOW)
    assert RejectEpisode.objects.count() == 0
    by_hand.add(water, at(2 * DAY_S), {"volume_l": 101_001}, ANNE, NOW)


def test_a_typing_error_is_removed_and_typed_again(water: Source) -> None:
    for day, litres in ((0, 100_000), (10, 101_000), (20, 109_500)):
        by_hand.add(water, at(day * DAY_S), {"volume_l": litres}, ANNE, NOW)
    process(water)
    by_hand.remove(water, at(20 * DAY_S), ANNE)
    assert max(block.end for block in quarters(water)) <= at(10 * DAY_S + 900)
    by_hand.add(water, at(20 * DAY_S), {"volume_l": 101_500}, ANNE, NOW)
    process(water)
    assert sum(block.energy1 or 0 for block in quarters(water) if block.state == "done") == 1_500
    with pytest.raises(BadReading, match="no reading at this time"):
        by_hand.remove(water, at(7), ANNE)
    by_hand.remove(water, at(10 * DAY_S), ANNE)
    process(water)
    assert sum(block.energy1 or 0 for block in quarters(water) if block.end <= at(10 * DAY_S)) == 750


# Corrections


def test_a_correction_is_a_row_of_its_own_and_can_be_undone() -> None:
    source = make()
    run(source, 0, 1_000, 400)
    process(source)
    Dirty.objects.all().delete()
    one = correct.correct(source, "import_t1_wh", at(900), -50, "the  boiler test", ANNE, NOW)
    assert (one.delta, one.note, one.author) == (-50, "the boiler test", "Anne")
    assert [str(mark.local_date) for mark in Dirty.objects.all()] == ["2026-10-24"]
    assert quarters(source)[1].energy1 == 90
    with pytest.raises(BadReading, match=r"counted 0\.040 kWh"):
        correct.correct(source, "import_t1_wh", at(900), -41, "more", ANNE, NOW)
    more = correct.correct(source, "import_t1_wh", at(900), 30, "less", ANNE, NOW)
    correct.correct(source, "import_t1_wh", at(900), -60, "again", ANNE, NOW)
    with pytest.raises(BadReading, match="less than nothing"):
        correct.undo(more, ANNE)
    correct.undo(one, ANNE)
    correct.undo(more, ANNE)
    with pytest.raises(BadReading, match="undone already"):
        correct.undo(more, ANNE)
    assert [row.undone_by for row in Correction.objects.order_by("id")] == ["Anne", "Anne", ""]


@pytest.mark.parametrize(
    ("register", "second", "delta", "note", "why"),
    [
        ("volume_l", 900, 5, "x", "no such register"),
        ("import_t1_wh", 901, 5, "x", "whole quarter"),
        ("import_t1_wh", 900, 0, "x", "changes nothing"),
        ("import_t1_wh", 900, 5, "  ", "Say why"),
        ("import_t1_wh", 900, 24 * 9_200 + 1, "x", "So much cannot"),
        ("import_t1_wh", 9000, 5, "x", "Nothing is known"),
        ("import_t1_wh", -900, 5, "x", "Nothing is known"),
        ("import_t2_wh", 900, 5, "x", "Nothing is known"),
        ("import_t1_wh", 60 * DAY_S, 5, "x", "not over yet"),
    ],
)
def test_a_correction_that_cannot_be_is_refused(register: str, second: int, delta: int, note: str, why: str) -> None:
    source = make()
    take(source, *[row(source, 10 * i, 1_000 + i) for i in range(400)])
    with pytest.raises(BadReading, match=why):
        correct.correct(source, register, at(second), delta, note, ANNE, NOW)
    assert Correction.objects.count() == 0
