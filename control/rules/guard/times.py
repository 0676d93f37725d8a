"""Minimum off, minimum on, and the wait after a start (rules 4 and 8). Pure."""

from __future__ import annotations

from control.rules.facts import Said, Threshold
from control.rules.sight import Sight

LEAST_START_S = 60.0
STAGGER_S = 300
# The holder makes everything safe at its start: such a switch belongs to the start.
AT_START_S = 30.0
# A prime near the golden ratio of 2**32: neighbouring numbers come out far apart.
SPREAD = 2_654_435_761


def stagger_s(load: int, started: float) -> int:
    """0 to 300 s, another for each load and each start: not everything comes back at once."""
    return ((load + int(started) * 31) * SPREAD >> 7) % (STAGGER_S + 1)


def start_wait_s(sight: Sight) -> float:
    """What is left of the wait after the start of these rules: max(60 s, averaging window, rest of minimum off) and a stagger."""
    strategy = sight.load.strategy
    window_s = strategy.average_s if isinstance(strategy, Threshold) else 0.0
    wait_s = max(LEAST_START_S, window_s) - sight.begun_s
    if sight.changed_s >= sight.begun_s - AT_START_S:
        wait_s = max(wait_s, sight.load.min_off_s - sight.changed_s)
    return wait_s + stagger_s(sight.load.id, sight.snapshot.mono - sight.begun_s)


def hold_off(sight: Sight) -> tuple[Said, float] | None:
    """It is off and may not start yet: why, and for how many seconds."""
    off_s = sight.load.min_off_s - sight.changed_s
    begin_s = start_wait_s(sight)
    if off_s <= 0 and begin_s <= 0:
        return None
    if off_s >= begin_s:
        return Said("min_off", {"wait_s": round(off_s), "min_s": sight.load.min_off_s}), off_s
    return Said("starting", {"wait_s": round(begin_s)}), begin_s


def rest_s(sight: Sight) -> float:
    """What is left of a minimum off, which nothing breaks for a compressor."""
    return max(0.0, sight.load.min_off_s - sight.changed_s)


def hold_on(sight: Sight) -> tuple[Said, float] | None:
    """It is on and may not stop yet."""
    on_s = sight.load.min_on_s - sight.changed_s
    if on_s <= 0:
        return None
    return Said("min_on", {"wait_s": round(on_s), "min_s": sight.load.min_on_s}), on_s
