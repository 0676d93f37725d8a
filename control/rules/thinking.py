"""What a controller wants: by a person's mode, or by its strategy once a period slot. Pure."""

from __future__ import annotations

from control.rules.facts import Budget, Condition, Plan, Said, Threshold, Window
from control.rules.memory import Memory, Wish
from control.rules.sight import Sight
from control.rules.strategies import budget, plan, signal, threshold, window

ON, OFF = Wish(1.0, Said("mode_on")), Wish(0.0, Said("mode_off"))


def wish(sight: Sight, house: Memory) -> Wish:
    """Its wish of this step. `house`: what was learned of it."""
    load, memory = sight.load, sight.memory
    rule = load.strategy
    if memory.strategy != type(rule).__name__:
        memory.strategy, memory.slot = type(rule).__name__, -1
        memory.samples, memory.sum_s, memory.sum_ws, memory.credit_wh, memory.debt_wh = (), 0.0, 0.0, 0.0, 0.0
    _sense(sight)
    slot = int(sight.snapshot.at // load.period_s)
    if memory.wish is not None and slot == memory.slot and memory.mode == load.mode:
        return memory.wish
    memory.slot, memory.mode = slot, load.mode
    memory.wish = OFF if load.mode == "off" else ON if load.mode == "on" else _within_budget(sight, _think(sight, house))
    return memory.wish


def _sense(sight: Sight) -> None:
    rule = sight.load.strategy
    if isinstance(rule, Budget):
        budget.sense(rule, sight)
    elif isinstance(rule, Threshold):
        threshold.sense(rule, sight)
    elif isinstance(rule, Plan):
        plan.sense(rule, sight)


def _think(sight: Sight, house: Memory) -> Wish:
    rule = sight.load.strategy
    if isinstance(rule, Budget):
        return budget.think(rule, sight)
    if isinstance(rule, Threshold):
        return threshold.think(rule, sight)
    if isinstance(rule, Plan):
        return plan.think(rule, sight, house)
    if isinstance(rule, Window):
        return window.think(rule, sight)
    if isinstance(rule, Condition):
        return signal.think(rule, sight)
    raise TypeError(rule)


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
