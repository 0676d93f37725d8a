"""What the house takes from the grid without our loads, learned for each hour of the local day. Pure.

A weekly plan counts on it: what a quarter has room for is the limit less this. It is no forecast, only what such an hour usually was.
"""

from __future__ import annotations

from collections.abc import Sequence

from control.rules.facts import Snapshot
from control.rules.localtime import minute
from control.rules.memory import Memory
from control.rules.sight import Sight

# How much a new hour weighs against what was learned.
NEWEST = 0.3
# An hour of which less was seen teaches nothing.
ENOUGH_S = 1200.0


def learn(memory: Memory, snapshot: Snapshot, sights: Sequence[Sight], dt_s: float) -> None:
    """Count this step into its hour, and an hour that ended into what is known."""
    hour = minute(snapshot.at, snapshot.zone) // 60
    if hour != memory.hour:
        if memory.hour >= 0 and memory.hour_s >= ENOUGH_S:
            seen, known = memory.hour_ws / memory.hour_s, memory.base_w[memory.hour]
            value = seen if known < 0 else known + NEWEST * (seen - known)
            memory.base_w = (*memory.base_w[: memory.hour], value, *memory.base_w[memory.hour + 1 :])
        memory.hour, memory.hour_ws, memory.hour_s = hour, 0.0, 0.0
    if snapshot.grid.fresh and snapshot.grid.net_w is not None:
        memory.hour_ws += max(0, snapshot.grid.net_w - sum(sight.own_w for sight in sights)) * dt_s
        memory.hour_s += dt_s


def at_hour(memory: Memory, hour: int, now_w: float) -> float:
    """W; `now_w` for an hour that was never seen."""
    known = memory.base_w[hour]
    return now_w if known < 0 else known
