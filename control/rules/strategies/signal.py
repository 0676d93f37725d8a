"""An analog value as the condition: on above (or below) a value, off again so much the other way. An old value is none. Pure."""

from __future__ import annotations

from control.rules.facts import Condition, Said
from control.rules.memory import Memory, Wish
from control.rules.sight import Sight


def sense(rule: Condition, sight: Sight) -> None:
    """Only the newest value counts, when it thinks."""


def think(rule: Condition, sight: Sight, house: Memory) -> Wish:
    memory = sight.memory
    found = sight.snapshot.signals.get(rule.signal)
    if found is None or found.age_s > rule.longest_age_s:
        memory.signal_on = False
        if found is None:
            return Wish(0.0, Said("signal_missing"))
        return Wish(0.0, Said("signal_old", {"age_s": round(found.age_s)}))
    way = 1 if rule.above else -1
    beyond = way * (found.value - rule.value)
    before = memory.signal_on
    if before:
        memory.signal_on = beyond > -rule.hysteresis
    else:
        memory.signal_on = beyond > 0
    told = {"value": round(found.value, 3), "limit": round(rule.value - way * rule.hysteresis * before, 3)}
    code = "signal_above" if rule.above else "signal_below"
    if memory.signal_on:
        return Wish(1.0, Said(code, told))
    return Wish(0.0, Said(code.replace("signal_", "signal_not_"), told))
