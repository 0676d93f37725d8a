"""What holds on every history: random clouds, people, faults and clocks."""

import random
from dataclasses import replace

import pytest

from control.rules.facts import Budget, Condition, Decision, Departure, Load, Override, Plan, Signal, Strategy, Threshold, Window
from control.rules.loads import KINDS
from control.rules.memory import Memory
from control.rules.step import step
from tests.control.rules.simulated import NOON, House

SEEDS = range(24)
STEPS = 240


def random_house(dice: random.Random) -> House:
    def strategy() -> Strategy:
        choices: list[Strategy] = [
            Threshold(dice.choice([60, 300]), dice.randrange(200, 2000, 100), dice.randrange(0, 1000, 100), dice.choice([0, 300])),
            Budget(dice.choice([None, 10, 80]), dice.choice([None, 20, 200])),
            Window(dice.randrange(1440), dice.randrange(1440), frozenset(dice.sample(range(1, 8), 4))),
            Plan(tuple(Departure(day, dice.randrange(1440), dice.uniform(1, 20)) for day in dice.sample(range(1, 8), 3))),
            Condition(1, dice.random() < 0.5, 5.0, dice.choice([0.0, 1.0])),
        ]
        return dice.choice(choices)

    loads = [
        Load(
            number,
            f"load {number}",
            kind=dice.choice(list(KINDS)),
            priority=dice.randint(1, 3),
            mode=dice.choice(["auto"] * 6 + ["on", "off"]),
            load_w=dice.randrange(300, 4000, 100),
            rated_w=4000,
            strategy=strategy(),
            period_s=dice.choice([10, 60]),
            min_on_s=dice.choice([0, 120, 600]),
            min_off_s=dice.choice([0, 120, 600]),
            peak=dice.choice(["never", "up_to", "departure"]),
            peak_up_to_w=dice.choice([0, 4000]),
            blind=dice.random() < 0.2,
            dry_run=dice.random() < 0.2,
        )
        for number in range(1, dice.randint(2, 6))
    ]
    house = House(*loads, at=NOON + dice.randrange(0, 86_400), started=dice.choice([-100_000.0, 0.0]))
    house.grid = {"limit_w": dice.choice([2500, 5000]), "fuse_a": dice.choice([None, 25])}
    return house


def weather(house: House, dice: random.Random) -> None:
    """What may happen between two steps."""
    house.base_w = max(-6000, min(6000, house.base_w + dice.randrange(-1500, 1501)))
    house.signals[1] = Signal(dice.uniform(0, 10), dice.choice([1.0, 400.0]))
    if dice.random() < 0.03:
        house.grid["fresh"] = not house.grid.get("fresh", True)
        house.grid |= {"stale": "silent", "stale_s": 35.0}
    number = dice.choice(list(house.loads))
    if dice.random() < 0.03:
        blind, button = dice.random() < 0.3, dice.random() < 0.3
        house.overrides[number] = Override(dice.choice([0.0, 1.0]), house.at + dice.randrange(20, 900), "Ann", button, blind)
    if dice.random() < 0.02:
        house.plugs[number].told["locked"] = dice.choice(["", "over_temperature"])
    if dice.random() < 0.02:
        house.plugs[number].told["power_w"] = dice.choice([None, 0, 120, 5000])
    if dice.random() < 0.05:
        house.plugs[number].told.pop("power_w", None)


def check(house: House, number: int, was: tuple[float, float], decision: Decision) -> None:
    """`was`: level and seconds since the last switch before this decision."""
    load, (level, since_s) = house.loads[number], was
    kind = KINDS[load.kind]
    assert 0 <= decision.level <= 1
    if decision.level < level and since_s < load.min_on_s:
        may = {"fuse", "device", "fresh", "override"} | ({"peak"} if kind.resistive else set())
        assert decision.rule in may
        assert decision.rule != "override" or not kind.compressor or decision.said.code == "button_off"
    if decision.level > level and since_s < load.min_off_s:
        assert decision.rule == "override"
        assert not kind.compressor or decision.said.code == "button_on"
    if house.grid.get("fresh") is False and decision.level > 0:
        override = house.overrides.get(number)
        assert decision.blind and override is not None and override.blind
    if house.plugs[number].told.get("locked"):
        assert decision.level == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_on_every_history_minimum_times_hold_and_nothing_runs_that_may_not(seed: int) -> None:
    """Rules 2, 3, 4 and 9."""
    dice = random.Random(seed)
    house = random_house(dice)
    for _ in range(STEPS):
        weather(house, dice)
        before = house.snapshot()
        was = {}
        for number, plug in house.plugs.items():
            kept = house.memory.loads.get(number)
            if house.loads[number].dry_run:
                since_s = float("inf") if kept is None or kept.changed_mono is None else house.mono - kept.changed_mono
                was[number] = (kept.level if kept else 0.0, since_s)
            else:
                was[number] = (plug.level, house.mono - plug.changed)
        kept_text = house.memory.to_json()
        decisions = house.step()
        for number, decision in decisions.items():
            check(house, number, was[number], decision)
        assert step(before, list(house.loads.values()), Memory.of_json(kept_text)).decisions == tuple(
            decisions[load.id] for load in sorted(house.loads.values(), key=lambda load: (load.priority, load.id))
        ), "from its text the memory decides alike"


@pytest.mark.parametrize("seed", SEEDS)
def test_rule_5_on_every_house_whose_own_use_is_steady_no_quarter_passes_the_limit(seed: int) -> None:
    dice = random.Random(1000 + seed)
    house = random_house(dice)
    house.at = house.at // 900 * 900
    house.grid = {"limit_w": 2500}
    plain = {
        "rated_w": 9000,
        "mode": "auto",
        "kind": "ev",
        "peak": "never",
        "dry_run": False,
        "strategy": Window(),
        "min_on_s": 60,
        "min_off_s": 60,
    }
    house.loads = {number: replace(load, **plain) for number, load in house.loads.items()}  # type: ignore[arg-type]
    for _ in range(12):
        house.base_w = dice.randrange(-1000, 2200)
        so_far_ws = 0.0
        for _ in range(90):
            house.grid["quarter_w"] = int(so_far_ws / 900)
            house.step()
            so_far_ws += max(0, house.base_w + sum(plug.draws_w * plug.level for plug in house.plugs.values())) * 10
        assert so_far_ws / 900 <= 2500


@pytest.mark.parametrize("seed", range(4))
def test_a_clock_that_is_set_changes_no_wait(seed: int) -> None:
    """Epochs may jump; what lasts is counted by the other clock."""
    dice = random.Random(2000 + seed)
    load = Load(1, "it", kind="heat_pump", load_w=1000, strategy=Window(), min_on_s=600, min_off_s=600)
    house = House(load)
    house.overrides[1] = Override(1.0, 1e12, "Ann")
    last_mono, last_level = -100_000.0, 0.0
    for _ in range(300):
        house.at += dice.choice([0] * 20 + [-3600, 3600, 400_000_000, -400_000_000])
        if dice.random() < 0.2:
            house.overrides[1] = Override(dice.choice([0.0, 1.0]), 1e12, "Ann")
        mono = house.mono
        level = house.step()[1].level
        if level != last_level:
            assert mono - last_mono >= 600
            last_mono, last_level = mono, level
