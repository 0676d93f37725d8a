"""Several who write the same source, and writers that are killed at any point."""

import copy
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from meters.counting import by_hand, decide, judge, memory
from meters.counting.judge import Taken
from meters.models import ElectricityReading, RejectEpisode, Source
from meters.segments import Record, Segments
from meters.writer import Writer
from tests.meters.counting.house import ANNE, NOW, T0, at, candidate, counted, episodes, make, row, run, stand, suspects, take, total
from tests.meters.rows import make_meter

pytestmark = pytest.mark.django_db(transaction=True)
BEGIN = int(T0.timestamp())


def together(*work: Callable[[], Any]) -> list[Any]:
    """Each in a thread with a connection of its own."""
    done: list[Any] = []

    def run_one(one: Callable[[], Any]) -> None:
        try:
            done.append(one())
        finally:
            connection.close()

    threads = [threading.Thread(target=run_one, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(done) == len(work)
    return done


def elsewhere(work: Callable[[], object]) -> None:
    """As in another process: what this one remembers stays as it was."""
    kept = copy.deepcopy(memory._kept)
    judge.forget()
    work()
    memory._kept.clear()
    memory._kept.update(kept)


def test_two_who_write_the_same_source_at_once_store_every_reading_once() -> None:
    source = make()
    rows = [row(source, 10 * i, 1_000 + i) for i in range(600)]

    def writer(seed: int) -> Taken:
        chance = random.Random(seed)
        mine = rows.copy()
        if seed:
            chance.shuffle(mine)
        taken, place = Taken(), 0
        while place < len(mine):
            size = chance.randrange(1, 20)
            taken += take(source, *mine[place : place + size])
            place += size
        return taken

    done = together(lambda: writer(0), lambda: writer(1))
    assert sum(taken.new for taken in done) == 600
    assert sum(taken.duplicates for taken in done) == 600
    assert RejectEpisode.objects.count() == 0
    assert [value for _second, value in counted(source)] == list(range(1_000, 1_600))


def test_sources_that_two_write_in_another_order_do_not_wait_for_each_other_for_ever() -> None:
    sources = [make(), make()]

    def writer(order: list[Source]) -> Taken:
        taken = Taken()
        for i in range(40):
            taken += take(order[0], *[row(source, i, 100 + i) for source in order for _twice in range(2)])
        return taken

    done = together(lambda: writer(sources), lambda: writer(sources[::-1]))
    assert sum(taken.new for taken in done) == 80
    assert [total(source) for source in sources] == [39, 39]


def test_an_import_by_another_process_is_noticed() -> None:
    source = make()
    run(source, 0, 1_000, 10)
    elsewhere(lambda: run(source, 100, 1_010, 10))
    assert stand(source, 200, 1_015).suspects == 1, "lower than what the other one stored"
    assert stand(source, 210, 1_020).new == 1
    elsewhere(lambda: take(source, *[row(source, 300 + 10 * i, i) for i in range(60)]))
    assert stand(source, 900, 60).suspects == 1
    assert candidate(source).count == 61


def test_a_decision_by_another_process_is_noticed() -> None:
    source = make()
    stand(source, 0, 1_000)
    run(source, 10, 0, 60)
    elsewhere(lambda: decide.accept(decide.waiting()[0], ANNE))
    stand(source, 620, 60)
    assert candidate(source).dismissed


def test_another_value_at_the_newest_time_is_noticed() -> None:
    source = make(by_hand=True)
    by_hand.add(source, at(0), {"import_t1_wh": 900}, ANNE, NOW)
    by_hand.add(source, at(600), {"import_t1_wh": 1_000}, ANNE, NOW)

    def set_right() -> None:
        by_hand.remove(source, at(600), ANNE)
        by_hand.add(source, at(600), {"import_t1_wh": 950}, ANNE, NOW)

    elsewhere(set_right)
    assert stand(source, 700, 960).new == 1


def test_a_register_that_another_process_filled_in_late_is_noticed() -> None:
    source = make()
    take(source, row(source, 0, 1_000, 500), row(source, 100, 1_001))
    elsewhere(lambda: stand(source, 50, 1_000, 510))
    assert stand(source, 200, 1_002, 505).suspects == 1
    assert stand(source, 210, 1_002, 511).new == 1


def test_a_memory_that_was_rolled_back_is_not_taken_for_that_of_another_process() -> None:
    source = make()
    stand(source, 0, 1_000)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        judge.take("electricity", [row(source, 10, 5)], NOW)
        raise ZeroDivisionError
    elsewhere(lambda: stand(source, 10, 300))
    stand(source, 20, 301)
    assert candidate(source).first.values[0] == 300


# Through the spool


def record(second: int, value: int, meter: str = "Main") -> Record:
    return ["electricity", meter, "electricity", "E1", BEGIN + second, BEGIN + second, 0, {"import_t1_wh": value}]


def faulty_day(meter: str = "Main") -> list[Record]:
    """Clean, a dip, a jump, then a counter that begins anew and stays."""
    values = [1_000_000 + i for i in range(100)]
    values[20], values[50], values[51] = 5, 9_000_000, 8_000_000
    values += range(100)
    return [record(10 * i, value, meter) for i, value in enumerate(values)]


def outcome(meter: str) -> tuple[object, ...]:
    source = Source.objects.get(meter__name=meter)
    level = candidate(source)
    return episodes(source), counted(source), suspects(source), level and (level.first, level.last, level.count, level.asked)


@pytest.mark.parametrize("batch", [1, 7, 60])
def test_a_writer_that_is_killed_between_batches_and_begins_again_ends_with_the_same(tmp_path: Path, batch: int) -> None:
    for name in ("Main", "Unbroken"):
        make_meter(name)
    whole = Segments(tmp_path / "whole")
    whole.append(faulty_day("Unbroken"))
    Writer(whole).step()
    day = faulty_day()
    for end in range(0, len(day), 23):
        segments = Segments(tmp_path / "killed", rotate_bytes=4000)
        segments.append(day[end : end + 23])
        judge.forget()  # another process
        writer = Writer(segments, batch=batch)
        for _step in range(10 * 23 // batch + 1):
            if not writer.step():
                break
    writer = Writer(Segments(tmp_path / "killed"), batch=batch)
    while writer.step():
        pass
    assert outcome("Main") == outcome("Unbroken")
    assert writer.aside == 0


def test_a_record_with_a_register_that_is_no_number_is_set_aside_and_stops_none_of_the_others(tmp_path: Path) -> None:
    make_meter()
    segments = Segments(tmp_path)
    bad = record(50, 5)
    bad[7] = {"import_t1_wh": "5"}
    segments.append([record(0, 1_000), bad, record(60, 1_001)])
    writer = Writer(segments)
    writer.step()
    assert (ElectricityReading.objects.count(), writer.aside) == (2, 1)


def test_a_decision_beside_a_running_writer_is_noticed_by_it(tmp_path: Path) -> None:
    make_meter()
    segments = Segments(tmp_path)
    writer = Writer(segments)
    segments.append(faulty_day())
    writer.step()
    [episode] = decide.waiting()
    together(lambda: decide.overrule(episode, ANNE))
    segments.append([record(2000, 100)])
    writer.step()
    assert counted(episode.source)[-1] == (2000, 1_000_099 + 100)
