"""Sun by power, as the original did it: on at a mean surplus from so many W, off below that less the deadband. Pure.

The original added the load's power to the mean while it was on. Here every sample has the load's power of its own moment in it, so that
the mean is right in the first minutes after a change too.
"""

from __future__ import annotations

from control.rules.facts import Said, Threshold
from control.rules.memory import Memory, Wish
from control.rules.sight import Sight

# A mean of less than this share of its time is none.
COVERED = 0.8


def sense(rule: Threshold, sight: Sight) -> None:
    """Take the surplus of this step into the mean."""
    memory, mono = sight.memory, sight.snapshot.mono
    samples = memory.samples
    old = 0
    while old < len(samples) and samples[old][0] <= mono - rule.average_s:
        memory.sum_ws -= samples[old][1] * samples[old][2]
        memory.sum_s -= samples[old][2]
        old += 1
    if sight.surplus_w is not None and sight.dt_s > 0:
        samples = (*samples[old:], (mono, sight.surplus_w, sight.dt_s))
        memory.sum_ws += sight.surplus_w * sight.dt_s
        memory.sum_s += sight.dt_s
    elif old:
        samples = samples[old:]
    memory.samples = samples
    if not samples:
        memory.sum_ws = memory.sum_s = 0.0


def mean_w(rule: Threshold, sight: Sight) -> int | None:
    """Of the last `average_s`; None until enough of it was seen."""
    memory = sight.memory
    if memory.sum_s < COVERED * rule.average_s:
        return None
    return round(memory.sum_ws / memory.sum_s)


def think(rule: Threshold, sight: Sight, house: Memory) -> Wish:
    memory, at, mono = sight.memory, sight.snapshot.at, sight.snapshot.mono
    mean = mean_w(rule, sight)
    if mean is None and sight.snapshot.battery_unread:
        return Wish(0.0, Said("battery_unread"))
    if mean is None:
        return Wish(0.0, Said("averaging", {"average_s": rule.average_s}))
    lower_w = rule.upper_w - rule.deadband_w
    beyond = mean < lower_w if sight.running else mean >= rule.upper_w
    if not beyond:
        memory.beyond_mono = None
    elif memory.beyond_mono is None:
        memory.beyond_mono = mono
    lasted_s = 0.0 if memory.beyond_mono is None else round(mono - memory.beyond_mono + rule.average_s)
    wait_s = rule.min_change_s - sight.changed_s
    if beyond and wait_s > 0:
        said = Said("change_waits", {"surplus_w": mean, "wait_s": round(wait_s), "on": int(not sight.running)})
        return Wish(float(sight.running), said, at + wait_s)
    if sight.running:
        if beyond:
            return Wish(0.0, Said("surplus_below", {"surplus_w": mean, "below_w": lower_w, "for_s": lasted_s}))
        return Wish(1.0, Said("surplus_stays", {"surplus_w": mean, "above_w": lower_w}))
    if beyond:
        return Wish(1.0, Said("surplus_above", {"surplus_w": mean, "above_w": rule.upper_w, "for_s": lasted_s}))
    return Wish(0.0, Said("surplus_short", {"surplus_w": mean, "need_w": rule.upper_w}))
