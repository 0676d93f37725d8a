"""Blocks made by the database are those of the pure arithmetic, whatever the readings look like."""

import os
import random
from datetime import timedelta

import pytest

from energysite.blocks import Sample
from energysite.registers import CounterCycle
from meters import models
from meters.blocks.process import process
from meters.kinds import KINDS
from tests.meters.blocks.known import Q, at, continuous, expected, found, make_source, manager, store, stored

pytestmark = pytest.mark.django_db

SEEDS = int(os.environ.get("SEEDS", "6"))
LATER = at(Q) + timedelta(days=30)
CASES = [
    ("electricity", 1, 900),
    ("electricity", 1, 60),
    ("electricity", 10, 900),
    ("electricity", 10, 60),
    ("electricity", 300, 900),
    ("electricity", 900, 900),
    ("electricity", 10, 300),
    ("production", 10, 900),
    ("production", 300, 900),
    ("analog", 10, 900),
    ("analog", 60, 300),
    ("volume", 300, 900),
    ("volume", 3600, 900),
]


def readings(kind: str, step_s: int, seed: int) -> list[Sample]:
    """Some missing, some late by a second, a gap, registers and powers that some lack; a reading on a boundary or not."""
    chance = random.Random(seed)
    known = KINDS[kind]
    time, samples = Q + chance.choice([0, 1, 7, step_s, 895]), []
    counters = [chance.randrange(1_000_000) for _register in known.registers]
    lacking = {name: chance.choice([0, 0, 0.05, 0.6]) for name in (*known.registers, *known.channels)}
    if clean := chance.random() < 0.5:
        lacking = {name: lack / 5 for name, lack in lacking.items()}
    lacking |= {name: 0 for name in ("volume_l", "value_milli") if name in lacking}  # never missing from their rows
    absent = chance.choice([*known.registers[1:], None, None, None, None])
    until = Q + max(4_000, step_s * 12)
    while time < until:
        samples.append(
            Sample(
                time,
                tuple(None if chance.random() < lacking[name] or name == absent else counters[i] for i, name in enumerate(known.registers)),
                tuple(None if chance.random() < lacking[name] else chance.randrange(-9_000, 9_000) for name in known.channels),
            )
        )
        gone = (
            chance.choices([1, 2, 3, 4, 30], [3_000 if clean else 200, 5, 2, 1, 1])[0] * step_s
            + chance.choices([0, 1, -1], [1_000 if clean else 30, 1, 1 if step_s > 1 else 0])[0]
        )
        time += gone
        counters = [counter + chance.randrange(0, 3 * gone + 2) for counter in counters]
    return samples


def cycles(kind: str, samples: list[Sample], seed: int) -> list[CounterCycle]:
    chance = random.Random(-seed)
    if not KINDS[kind].registers or chance.random() < 0.5:
        return []
    register = chance.randrange(len(KINDS[kind].registers))
    times = sorted(chance.choice([chance.choice(samples).time, Q + 900, Q + 901, Q + 1_350]) for _i in range(chance.choice([1, 2])))
    return [CounterCycle(register, time, offset) for time, offset in zip(dict.fromkeys(times), (10_000_000, 12_345_678), strict=False)]


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize(("kind", "step_s", "length_s"), CASES)
def test_the_database_computes_what_the_arithmetic_says(kind, step_s, length_s, seed):
    shown = readings(kind, step_s, seed * 100 + length_s + step_s)
    made = cycles(kind, shown, seed)
    retired = seed == 3
    set_s = step_s if seed == 4 else None
    source = make_source(kind, cadence_s=set_s, retired=LATER if retired else None)
    store(source, shown)
    for register, since, offset in made:
        models.CounterCycle.objects.create(source=source, register=KINDS[kind].registers[register], since=at(since), offset=offset)
    counts = process(manager(source, length_s), LATER)
    samples = continuous(shown, made)
    rows = stored(source, length_s)
    values = {start: expected(samples, start, start + length_s, set_s=set_s, retired=retired) for start in rows}
    assert {start: found(block) if block.state == "done" else None for start, block in rows.items()} == values
    assert counts.done == sum(value is not None for value in values.values())
    if length_s == 900:
        assert list(rows) == list(range(shown[0].time // 900 * 900, shown[-1].time, 900))
