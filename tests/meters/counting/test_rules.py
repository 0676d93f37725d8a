"""The six rules of a counter, each by name, from the reading to the tables."""

from datetime import UTC, datetime

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from energysite.models import House
from meters.counting import judge, limits
from meters.models import CounterState, RejectEpisode, Source
from tests.meters.counting.house import (
    ANNE,
    NOW,
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


def test_a_dip_lies_aside_and_the_baseline_stays() -> None:
    source = make()
    stand(source, 0, 1_000_000)
    assert stand(source, 10, 999_900).suspects == 1
    assert stand(source, 20, 1_000_020).new == 1
    assert counted(source) == [(0, 1_000_000), (20, 1_000_020)]
    assert episodes(source) == [("drop", 10, 10, 1, False)]
    assert episode(source).parameters == {"register": "import_t1_wh", "before": 1_000_000, "value": 999_900, "seconds": 10}


def test_a_jump_is_quarantined_and_refuted_by_what_follows() -> None:
    source = make()
    stand(source, 0, 1_000_000)
    assert stand(source, 10, 1_000_031).new == 1  # 9.2 kW x 10 s x 1.2 + 1 Wh
    assert stand(source, 20, 1_000_063).suspects == 1
    assert stand(source, 30, 1_000_040).new == 1
    assert (total(source), candidate(source)) == (40, None)
    assert episodes(source) == [("rise", 20, 20, 1, False)]


def test_a_swapped_counter_asks_after_sixty_readings_over_five_minutes_and_holds_the_energy() -> None:
    source = make()
    stand(source, 0, 1_000_000)
    for start in range(0, 59, 2):
        run(source, 10 + 10 * start, start, 2)
        if start < 58:
            assert episodes(source) == [("drop", 10, 20 + 10 * start, start + 2, False)]
    assert episodes(source) == [("drop", 10, 600, 60, True)]
    run(source, 610, 60, 40)
    assert episodes(source) == [("drop", 10, 1000, 100, True)]
    assert (total(source), suspects(source)) == (0, 100)


def test_a_reset_that_returns_to_the_old_level_asks_no_more() -> None:
    source = make()
    stand(source, 0, 1_000_000)
    run(source, 10, 0, 70)
    assert episode(source).asks
    assert stand(source, 800, 1_000_100).new == 1
    assert not episode(source).asks
    assert (total(source), candidate(source)) == (100, None)


@pytest.mark.parametrize(
    "time", [datetime(1970, 1, 1, 0, 5, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC), datetime(2026, 11, 25, tzinfo=UTC)]
)
def test_a_stamp_of_1970_of_2000_or_of_tomorrow_is_refused(time: datetime) -> None:
    source = make("volume", "gas")
    stand(source, 0, 100)
    bad = (source.pk, time, 101, 0)
    assert [take(source, bad).suspects, take(source, bad, bad).duplicates] == [1, 2]
    assert RejectEpisode.objects.values_list("rule", "first", "last", "count").get() == ("time", time, time, 1)
    assert total(source) == 0


def test_a_duplicate_is_nothing_even_with_another_momentary_power() -> None:
    source = make()
    take(source, row(source, 0, 100, power_w=5), row(source, 1, 101, power_w=5))
    taken = take(source, row(source, 0, 100, power_w=5), row(source, 1, 101, power_w=6), row(source, 1, 101))
    assert (taken.new, taken.duplicates, taken.suspects) == (0, 3, 0)
    assert stand(source, 0, 100).duplicates == 1
    assert RejectEpisode.objects.count() == 0


def test_another_value_at_the_same_time_is_a_conflict() -> None:
    source = make()
    run(source, 0, 100, 3)
    assert stand(source, 10, 100).suspects == 1
    assert stand(source, 20, 101).suspects == 1
    assert [rule for rule, *_rest in episodes(source)] == ["conflict"]
    assert counted(source) == [(0, 100), (10, 101), (20, 102)]


def test_readings_out_of_order_find_their_place() -> None:
    source = make()
    rows = [row(source, second, 100 + second) for second in (0, 3, 1, 4, 2, 9)]
    assert take(source, *rows).new == 6
    taken = take(source, *[row(source, second, 100 + second) for second in (7, 5, 12, 6, 8)])
    assert (taken.new, taken.suspects) == (5, 0)
    assert counted(source) == [(second, 100 + second) for second in (*range(10), 12)]
    assert stand(source, 10, 120).suspects == 1


def test_a_counter_that_rolls_over_loses_nothing_once_a_person_has_confirmed() -> None:
    from meters.counting import decide

    source = make(rolls_over_at=1_000_000)
    stand(source, 0, 999_990)
    run(source, 10, 2, 60)
    decide.overrule(episode(source), ANNE)
    stand(source, 610, 62)
    assert total(source) == 72


def test_a_gap_of_four_hours_is_exact_and_its_blocks_are_recovered() -> None:
    source = make()
    run(source, 0, 1_000, 90)
    stand(source, 4 * 3600, 30_000)
    run(source, 4 * 3600 + 10, 30_001, 200)
    process(source)
    blocks = [block for block in quarters(source) if block.state == "done"]
    assert sum(block.energy1 or 0 for block in blocks) == (blocks[-1].end1 or 0) - 1_000
    assert [block.recovered for block in blocks[:2]] == [True, True]
    assert RejectEpisode.objects.count() == 0


def test_a_late_reading_opens_the_blocks_between_its_neighbours_and_no_others() -> None:
    source = make()
    for quarter in range(6):
        stand(source, quarter * 900, 1_000 + quarter)
    process(source)
    assert stand(source, 2 * 900 + 100, 1_002).reopened == 1
    assert [block.start for block in quarters(source) if block.state == "todo"] == [at(2 * 900)]


def test_a_register_that_only_some_readings_say_keeps_its_place() -> None:
    source = make("production", "solar")
    take(source, row(source, 0, 500, production_w=5), *[row(source, i, None, production_w=0) for i in range(1, 450)])
    judge.forget()
    assert stand(source, 500, 400).suspects == 1, "no reading of the last 300 says where it stood"
    assert stand(source, 510, 501).new == 1
    assert total(source) == 1


def test_an_analog_signal_has_only_the_rule_of_time() -> None:
    source = make("analog", "analog")
    taken = take(source, *[row(source, i, value_milli=1000 - i) for i in (5, 3, 9)])
    assert (taken.new, taken.suspects) == (3, 0)
    assert stand(source, 5, value_milli=7).duplicates == 1
    assert take(source, (source.pk, datetime(1970, 1, 1, tzinfo=UTC), 5, 0)).suspects == 1
    assert episode(source).rule == "time"


def test_the_clean_live_path_asks_two_statements_and_writes_nothing_but_the_reading() -> None:
    source = make()
    for second in range(0, 10, 2):
        run(source, second, 100 + second, 2, 1)
    with CaptureQueriesContext(connection) as asked:
        run(source, 10, 110, 2, 1)
    statements = [query["sql"].split()[0] for query in asked.captured_queries]
    assert statements == ["BEGIN", "SET", "INSERT", "COMMIT"]
    assert CounterState.objects.count() == 0


def test_what_is_rolled_back_leaves_no_memory() -> None:
    source = make()
    stand(source, 0, 1_000_000)
    for bad in (row(source, 10, 1_000_005), row(source, 10, 5)):
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            judge.take("electricity", [bad], NOW)
            raise ZeroDivisionError
    assert stand(source, 5, 1_000_001).new == 1
    assert counted(source) == [(0, 1_000_000), (5, 1_000_001)]
    assert candidate(source) is None


def test_a_batch_that_cannot_be_stored_is_judged_anew() -> None:
    from django.db import DataError

    source = make()
    stand(source, 0, 1_000)
    with pytest.raises(DataError):
        take(source, row(source, 10, 1_001), row(source, 20, 1_002, power_w=2**40))
    assert take(source, row(source, 10, 1_001)).new == 1


def test_replayed_batches_are_duplicates_and_never_rejects_suspects_included() -> None:
    source = make()
    batches = [
        [row(source, 0, 1_000_000), row(source, 10, 1_000_001)],
        [row(source, 20, 5), row(source, 30, 6), row(source, 40, 1_000_002)],
        [row(source, 50, 7), row(source, 60, 3), row(source, 70, 9_000_000)],
        [row(source, 80, 1_000_004), row(source, 0, 999), (source.pk, datetime(1970, 1, 1, tzinfo=UTC), *row(source, 0, 7)[2:])],
        [row(source, 90 + 10 * i, 100 + i) for i in range(65)],
    ]
    first = [take(source, *batch) for batch in batches]
    before = (episodes(source), counted(source), suspects(source), CounterState.objects.get().state)
    judge.forget()
    again = [take(source, *batch) for batch in batches]
    assert [taken.new + taken.suspects for taken in first] == [2, 3, 3, 3, 65]
    assert [(taken.new, taken.suspects, taken.duplicates) for taken in again] == [(0, 0, len(batch)) for batch in batches]
    assert (episodes(source), counted(source), suspects(source), CounterState.objects.get().state) == before


def test_a_row_of_conflicts_is_one_episode() -> None:
    source = make()
    run(source, 0, 1_000, 200)
    assert take(source, *[row(source, 10 * i, 500) for i in range(100)]).suspects == 100
    assert episodes(source) == [("conflict", 0, 990, 100, False)]


def test_history_of_last_year_goes_before_what_is_there() -> None:
    source = make()
    run(source, 0, 5_000_000, 20)
    year = 365 * 86_400
    old = [row(source, 900 * i - year, 100 * i) for i in range(12_000)]
    taken = judge.store("electricity", old, NOW)
    assert (taken.new, taken.suspects) == (12_000, 0)
    assert judge.store("electricity", reversed(old), NOW).duplicates == 12_000
    assert stand(source, -90, 5_000_001).suspects == 1


def test_finer_history_merges_with_what_is_there_and_its_errors_lie_aside() -> None:
    source = make()
    take(source, *[row(source, 900 * i, 1_000 + 90 * i) for i in range(100)])
    fine = [row(source, 10 * i, 1_000 + i + (50_000 if i == 777 else 0)) for i in range(8_900)]
    taken = judge.store("electricity", fine, NOW)
    assert (taken.new, taken.duplicates, taken.suspects) == (8_900 - 100 + 1 - 1, 99, 1)
    assert episodes(source) == [("rise", 7770, 7770, 1, False)]
    assert all(value == 1_000 + second // 10 for second, value in counted(source))


def test_limits_come_from_the_source_else_from_the_fuse_else_from_three_times_a_hundred_ampere() -> None:
    source = make(per_hour=None)

    def most(source: Source) -> int | None:
        return limits.of([source.pk])[source.pk][0].per_hour

    assert most(source) == 69_000
    house = House.load()
    for grid, fuse, watts in (("1x230", 40, 9_200), ("3x230", 40, 15_935), ("3x400+N", 25, 17_250)):
        house.grid, house.fuse_a = grid, fuse
        house.save()
        assert most(source) == watts
    source.per_hour = 5
    source.save()
    assert most(source) == 5
    assert [most(make("volume", medium, per_hour=None)) for medium in ("gas", "water")] == [40_000, 10_000]
    assert most(make("production", "solar", per_hour=None)) == 69_000
    house.delete()
    limits.forget()


def test_outside_of_a_transaction_nothing_is_judged() -> None:
    source = make()
    with pytest.raises(RuntimeError):
        judge.take("electricity", [row(source, 0, 1)], NOW)
