"""What a person decides about suspects, and takes back again."""

from typing import Any

import pytest

from energysite.errors import BadReading
from energysite.models import AuditEntry
from meters.counting import decide, judge
from meters.counting.decide import waiting
from meters.models import Block, CounterCycle, CounterState, Dirty, RejectEpisode, Source
from tests.meters.counting.house import (
    ANNE,
    at,
    candidate,
    counted,
    episode,
    episodes,
    make,
    process,
    quarters,
    row,
    run,
    stand,
    suspects,
    take,
    total,
)

pytestmark = pytest.mark.django_db(transaction=True)


def reset_meter(**fields: Any) -> Source:
    """An hour at 1,000,000 Wh and more, then an hour from 0 on: 360 readings each."""
    source = make(**fields)
    run(source, 0, 1_000_000, 360)
    run(source, 3600, 0, 360)
    return source


def test_overruling_a_reset_begins_a_cycle_and_the_counter_goes_on_without_energy_between() -> None:
    source = reset_meter()
    assert [one.pk for one in waiting()] == [episode(source).pk]
    process(source)
    decide.overrule(episode(source), ANNE)
    assert waiting() == []
    assert list(CounterCycle.objects.values_list("register", "since", "offset", "episode")) == [
        ("import_t1_wh", at(3600), 1_000_359, episode(source).pk)
    ]
    assert stand(source, 7200, 360).new == 1
    assert total(source) == 359 + 360
    process(source)
    assert sum(block.energy1 or 0 for block in quarters(source) if block.state == "done") == 719
    assert (episode(source).decision, episode(source).decided_by) == ("overruled", "Anne")
    assert AuditEntry.objects.filter(actor="Anne", action="readings taken in").count() == 1


def test_a_running_writer_notices_what_was_decided_elsewhere() -> None:
    source = reset_meter()
    assert stand(source, 7200, 360).suspects == 1
    decide.overrule(episode(source), ANNE)
    assert stand(source, 7210, 361).new == 1
    decide.undo(episode(source), ANNE)
    assert stand(source, 7220, 362).suspects == 1
    assert stand(source, 7230, 1_000_400).new == 1


def test_a_rise_is_energy_when_a_person_says_so_and_none_otherwise() -> None:
    for counted_it, expected in ((True, 20_060 + 119), (False, 80 + 119)):
        source = make()
        run(source, 0, 1_000, 60)
        stand(source, 600, 1_080)
        run(source, 610, 21_060, 120)
        before = decide.preview(episode(source), "counted" if counted_it else "overrule")
        decide.overrule(episode(source), ANNE, counted=counted_it)
        assert total(source) == expected
        assert {(one.register, one.before, one.after) for one in before.days} == {("import_t1_wh", 80, expected)}
        assert before.readings == 120


def test_a_preview_says_what_would_change_and_changes_nothing() -> None:
    source = reset_meter()
    process(source)
    state = (CounterState.objects.get().version, CounterState.objects.get().state, counted(source), episodes(source))
    marks = Dirty.objects.count()
    effects = decide.preview(episode(source), "overrule")
    assert effects.readings == 360
    assert [(str(one.day), one.register, one.before, one.after) for one in effects.days] == [("2026-10-24", "import_t1_wh", 359, 718)]
    assert (CounterState.objects.get().version, CounterState.objects.get().state, counted(source), episodes(source)) == state
    assert (Dirty.objects.count(), CounterCycle.objects.count(), episode(source).decision) == (marks, 0, "open")
    assert stand(source, 7200, 360).suspects == 1


def test_undoing_an_overrule_takes_back_all_that_stands_on_it_and_the_level_is_doubted_again() -> None:
    source = reset_meter()
    decide.overrule(episode(source), ANNE)
    run(source, 7200, 360, 400)
    process(source)
    effects = decide.preview(episode(source), "undo")
    assert (effects.readings, [(one.before, one.after) for one in effects.days]) == (-760, [(359 + 759, 359)])
    decide.undo(episode(source), ANNE)
    assert (total(source), suspects(source), CounterCycle.objects.count()) == (359, 760, 0)
    assert episodes(source) == [("drop", 3600, 7200 + 3990, 760, True)]
    assert candidate(source).count == 760
    process(source)
    assert [block.energy1 for block in quarters(source) if block.start >= at(3600)] == []
    assert stand(source, 11_200, 760).suspects == 1
    decide.overrule(episode(source), ANNE)
    assert stand(source, 11_210, 761).new == 1
    process(source)
    assert total(source) == 359 + 761
    assert (
        sum(block.energy1 or 0 for block in quarters(source) if block.state == "done") == 359 + (quarters(source)[-2].end1 or 0) - 1_000_359
    )


def test_a_replay_after_the_overrule_is_known() -> None:
    source = reset_meter()
    decide.overrule(episode(source), ANNE)
    judge.forget()
    taken = run(source, 3600, 0, 360)
    assert (taken.duplicates, taken.suspects) == (360, 0)


def test_an_accepted_episode_is_asked_about_no_more_until_it_is_undone() -> None:
    source = reset_meter()
    decide.accept(episode(source), ANNE)
    assert (waiting(), candidate(source).dismissed) == ([], True)
    assert run(source, 7200, 360, 100).suspects == 100
    assert waiting() == []
    decide.undo(episode(source), ANNE)
    assert len(waiting()) == 1
    decide.overrule(episode(source), ANNE)
    assert total(source) == 359 + 459


def test_a_person_need_not_wait_for_sixty_readings() -> None:
    source = make("volume", "gas", per_hour=None)
    for hour in range(3):
        stand(source, 3600 * hour, 500_000 + hour)
    stand(source, 3 * 3600, 4)
    decide.overrule(episode(source), ANNE)
    stand(source, 4 * 3600, 9)
    assert total(source) == 2 + 5


def test_a_dip_that_the_counter_left_again_cannot_be_taken_in() -> None:
    source = make()
    stand(source, 0, 1_000)
    stand(source, 10, 900)
    stand(source, 20, 1_001)
    with pytest.raises(BadReading, match="does not go back"):
        decide.preview(episode(source), "overrule")
    with pytest.raises(BadReading, match="does not go back"):
        decide.overrule(episode(source), ANNE)
    assert (total(source), episode(source).decision) == (1, "open")


def test_a_late_rise_between_its_neighbours_can_be_taken_in_and_left_out_again() -> None:
    source = make()
    take(source, row(source, 0, 1_000), row(source, 3600, 5_000))
    run(source, 3610, 5_001, 600)
    process(source)
    assert stand(source, 60, 3_000).suspects == 1
    effects = decide.preview(episode(source), "overrule")
    assert (effects.readings, effects.days) == (1, ())
    before = [block.energy1 for block in quarters(source)]
    decide.overrule(episode(source), ANNE)
    process(source)
    assert (quarters(source)[0].energy1 or 0) > 2_000 + 400
    decide.undo(episode(source), ANNE)
    process(source)
    assert [block.energy1 for block in quarters(source)] == before
    assert counted(source)[1] == (3600, 5_000)


def test_two_values_at_one_time_change_places() -> None:
    source = make()
    run(source, 0, 1_000, 100)
    assert take(source, row(source, 500, 1_049), row(source, 990, 1_098)).suspects == 2
    decide.overrule(episode(source), ANNE)
    assert (dict(counted(source))[500], counted(source)[-1]) == (1_049, (990, 1_098))
    assert stand(source, 1000, 1_099).new == 1
    assert stand(source, 500, 1_050).duplicates == 1
    decide.undo(episode(source), ANNE)
    assert (dict(counted(source))[500], dict(counted(source))[990]) == (1_050, 1_099)
    assert suspects(source) == 2


def test_decisions_are_made_once() -> None:
    source = reset_meter()
    one = episode(source)
    with pytest.raises(BadReading, match="Nothing has been decided"):
        decide.undo(one, ANNE)
    with pytest.raises(BadReading, match="Only a rise"):
        decide.overrule(one, ANNE, counted=True)
    decide.overrule(one, ANNE)
    with pytest.raises(BadReading, match="decided already"):
        decide.accept(one, ANNE)


def test_the_newer_of_two_decisions_is_undone_first() -> None:
    source = reset_meter()
    decide.overrule(episode(source), ANNE)
    run(source, 7200, 360, 10)
    run(source, 7300, 7, 60)
    second = RejectEpisode.objects.order_by("-first")[0]
    decide.overrule(second, ANNE)
    stand(source, 8000, 70)
    first = RejectEpisode.objects.order_by("first")[0]
    with pytest.raises(BadReading, match="undo that one first"):
        decide.undo(first, ANNE)
    expected = total(source)
    assert expected == 359 + 369 + 63
    decide.undo(second, ANNE)
    assert total(source) == 359 + 369
    decide.undo(first, ANNE)
    assert total(source) == 359
    assert Block.objects.filter(source=source).count() == 0


def test_a_reading_stamped_ahead_can_be_taken_in_once_its_time_has_come() -> None:
    from datetime import timedelta

    source = make()
    stand(source, 0, 100)
    ahead = row(source, 90 * 86_400, 120)
    assert take(source, ahead).suspects == 1
    with pytest.raises(BadReading, match="cannot be true"):
        decide.overrule(episode(source), ANNE, now=at(0))
    decide.overrule(episode(source), ANNE, now=ahead[1] + timedelta(hours=1))
    assert total(source) == 20
