"""What a controller wants: by a person's mode, or by its strategy once a period slot. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from control.rules.facts import Budget, Condition, Plan, Said, Threshold, Window
from control.rules.memory import Memory, Wish
from control.rules.sight import Sight
from control.rules.strategies import budget, plan, signal, threshold, window


class Way(NamedTuple):
    """`sense(rule, sight)` counts every step; `think(rule, sight, house)` says what it wants."""

    sense: Callable[[Any, Sight], None]
    think: Callable[[Any, Sight, Memory], Wish]


# The strategies that there are: one line for each file.
WAYS: dict[type, Way] = {
    Budget: Way(budget.sense, budget.think),
    Threshold: Way(threshold.sense, threshold.think),
    Plan: Way(plan.sense, plan.think),
    Window: Way(window.sense, window.think),
    Condition: Way(signal.sense, signal.think),
}
ON, OFF = Wish(1.0, Said("mode_on")), Wish(0.0, Said("mode_off"))


def wish(sight: Sight, house: Memory) -> Wish:
    """Its wish of this step. `house`: what was learned of it. Raises KeyError for a strategy that nobody knows."""
    load, memory = sight.load, sight.memory
    rule = load.strategy
    if memory.strategy != type(rule).__name__:
        memory.strategy, memory.slot = type(rule).__name__, -1
        memory.samples, memory.sum_s, memory.sum_ws, memory.credit_wh, memory.debt_wh = (), 0.0, 0.0, 0.0, 0.0
    way = WAYS[type(rule)]
    way.sense(rule, sight)
    slot = int(sight.snapshot.at // load.period_s)
    if memory.wish is not None and slot == memory.slot and memory.mode == load.mode:
        return memory.wish
    memory.slot, memory.mode = slot, load.mode
    memory.wish = OFF if load.mode == "off" else ON if load.mode == "on" else _within_budget(sight, way.think(rule, sight, house))
    return memory.wish


def _within_budget(sight: Sight, wanted: Wish) -> Wish:
    """No start that leaves no switch for its end, unless a departure needs it; and none of a load that took nothing a while ago."""
    if wanted.level <= 0 or sight.running:
        return wanted
    load, memory = sight.load, sight.memory
    if memory.retry_mono is not None:
        left_s = memory.retry_mono - sight.snapshot.mono
        return Wish(0.0, Said("took_nothing", {"wait_s": round(left_s)}), sight.snapshot.at + left_s)
    if not wanted.must and sight.switches + 2 > load.switches_a_day:
        return Wish(0.0, Said("switches_used", {"switches": sight.switches, "most": load.switches_a_day}))
    return wanted
