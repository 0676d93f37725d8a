"""Random faults on a known truth, from the reading to the quarter: no energy is invented, none is lost but between two counters."""

import itertools
import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from meters.counting import decide, judge
from meters.models import Block, CounterCycle, RejectEpisode, Source
from tests.meters.counting.house import ANNE, LIMIT_W, T0, at, counted, make, process, quarters, row, take

pytestmark = pytest.mark.django_db(transaction=True)

STEP_S = 10
READINGS = 700
FAULTS = ("dip", "jump", "garbage", "duplicate", "reorder", "1970", "again", "restart")
Row = tuple[Any, ...]


@dataclass
class Story:
    """What arrives, in order, and the truth: Wh by second."""

    arrived: list[Row] = field(default_factory=list)
    truth: dict[int, int] = field(default_factory=dict)


def story(source: Source, chance: random.Random, *, swaps: int) -> Story:
    told, shift, level, joules, wrong = Story(), 4_000_000, 4_000_000, 0, 0
    faults = {chance.randrange(1, READINGS - 10): chance.choice(FAULTS) for _fault in range(25)}
    faults |= {chance.randrange(50 + 250 * i, 200 + 250 * i): "swap" for i in range(swaps)}
    for i in range(READINGS):
        joules += chance.choice((0, 300, chance.randrange(LIMIT_W))) * STEP_S
        second, real = i * STEP_S, joules // 3600
        told.truth[second] = real
        fault = faults.get(i, "")
        if fault == "swap":
            level -= 2_000_000  # far from the one before: what jumps between two levels fits both
            shift = level + chance.randrange(1_000) - real
        elif fault in ("dip", "jump"):
            wrong = chance.choice((1, 2, 3)) * (1 if fault == "jump" else -1)
        reading = row(source, second, max(real + shift + wrong * 2_000, 0))
        wrong -= (wrong > 0) - (wrong < 0)  # smaller with every reading: none goes on from another
        if fault == "garbage":
            told.arrived.append(row(source, second - 3, chance.randrange(2**31)))
        if fault == "1970":
            told.arrived.append((source.pk, T0.replace(year=1970), *reading[2:]))
        told.arrived += [reading] * (2 if fault == "duplicate" else 1)
        if fault == "reorder" and len(told.arrived) > 4:
            tail = told.arrived[-4:]
            chance.shuffle(tail)
            told.arrived[-4:] = tail
        if fault == "again":
            told.arrived += told.arrived[-chance.randrange(60) :]
    return told


def arrive(source: Source, told: Story, chance: random.Random) -> None:
    """In batches of any size, at times by a process that has just begun; a person says yes to every question."""
    rows = iter(told.arrived)
    while batch := list(itertools.islice(rows, chance.choice((1, 2, 2, 2, 20, 150)))):
        take(source, *batch)
        if chance.random() < 0.2:
            judge.forget()
        for episode in decide.waiting():
            decide.overrule(episode, ANNE)
        if chance.random() < 0.05:
            process(source)


def lost_between_counters(source: Source, told: Story) -> int:
    """Asserts that each stretch counted what was used, no more; returns what a change of counters left out."""
    begun = {int((cycle.since - T0).total_seconds()) for cycle in CounterCycle.objects.filter(source=source)}
    lost = 0
    for (second, value), (later, higher) in itertools.pairwise(counted(source)):
        real = told.truth[later] - told.truth[second]
        assert 0 <= higher - value <= real + 1
        if later in begun:
            lost += real - (higher - value)
        else:
            assert abs(real - (higher - value)) <= 1
    return lost


def assert_quarters(source: Source, told: Story, lost: int) -> None:
    """The quarters add up to what the readings say, and so does the truth."""
    done = [block for block in quarters(source) if block.state in ("done", "closed")]
    energies = [block.energy1 for block in done]
    assert len(done) == READINGS * STEP_S // 900
    assert all(energy is not None and energy >= 0 for energy in energies)
    first = counted(source)[0]
    end = int((done[-1].end - T0).total_seconds())
    assert sum(energy or 0 for energy in energies) == (done[-1].end1 or 0) - first[1]
    assert abs(sum(energy or 0 for energy in energies) + lost - (told.truth[end] - told.truth[first[0]])) <= 1


@pytest.mark.parametrize("seed", range(8))
def test_random_faults_invent_no_energy_and_lose_none(seed: int) -> None:
    chance, source = random.Random(seed), make()
    told = story(source, chance, swaps=0)
    arrive(source, told, chance)
    points = counted(source)
    assert {second for second, _value in points} <= told.truth.keys()
    lost = lost_between_counters(source, told)
    assert lost == 0
    process(source)
    assert_quarters(source, told, lost)
    before = (points, list(RejectEpisode.objects.values_list("rule", "first", "last", "count", "asks").order_by("id")))
    for start in range(0, len(told.arrived), 300):  # the whole day is imported once more
        taken = take(source, *told.arrived[start : start + 300])
        assert (taken.new, taken.suspects) == (0, 0)
    after = (counted(source), list(RejectEpisode.objects.values_list("rule", "first", "last", "count", "asks").order_by("id")))
    assert after == before
    assert Block.objects.filter(source=source, length_s=900, state="todo").count() <= 1


@pytest.mark.parametrize("seed", range(100, 105))
def test_random_faults_and_new_counters_lose_only_what_no_counter_saw(seed: int) -> None:
    chance, source = random.Random(seed), make()
    told = story(source, chance, swaps=2)
    arrive(source, told, chance)
    lost = lost_between_counters(source, told)
    process(source)
    assert counted(source)[-1][0] >= (READINGS - 61) * STEP_S, "after the faults the counter counts on"
    assert 1 <= CounterCycle.objects.filter(source=source).count() <= 2
    quarter = [block for block in quarters(source) if block.state == "done"]
    assert sum(block.energy1 or 0 for block in quarter) == (quarter[-1].end1 or 0) - counted(source)[0][1]
    assert at(0) <= quarter[0].start
    assert lost >= 0
