"""The main fuse (rules 4 and 6): at 90 % of it, for 5 s or two telegrams, whichever is later, loads go, last priority first. Pure.

Which phase a load stands on is not known: it is taken for the fullest. On 3x230 V the meter does not show L2: I1 + I3 bounds it.
"""

from __future__ import annotations

from collections.abc import Sequence

from control.rules.facts import Grid, Said
from control.rules.memory import Memory
from control.rules.order import smallest
from control.rules.sight import Sight

SHARE = 0.90
LASTS_S, TELEGRAMS = 5.0, 2
VOLTS = 230
# So long a load that went stays off; one that comes back at once would go at once.
REST_S = 300.0


def amps(grid: Grid) -> float | None:
    """Of the fullest phase; None where the meter does not tell."""
    if grid.connection == "3x230":
        told = [value for value in grid.phase_a if value is not None] if (grid.net_w or 0) >= 0 else [0.0]
    else:
        told = [value for phase in range(3) if (value := _phase(grid, phase)) is not None]
    if not told and grid.connection == "1x230" and grid.net_w is not None:
        told = [max(0, grid.net_w) / VOLTS]
    if not told:
        return None
    if grid.connection == "3x230" and len(told) > 1:
        first, last = told[0], told[-1]
        return max(first, last, first + last)
    return max(told)


def _phase(grid: Grid, phase: int) -> float | None:
    """A of one phase; 0 where it gives: to take a load away would only raise it."""
    w = grid.phase_w[phase] if phase < len(grid.phase_w) else None
    if w is not None and w < 0:
        return 0.0
    a = grid.phase_a[phase] if phase < len(grid.phase_a) else None
    return w / VOLTS if a is None and w is not None else a


def told(grid: Grid) -> Said:
    """How the house is guarded, for people."""
    if not grid.fuse_a:
        return Said("fuse_not_set")
    found = amps(grid)
    if found is None:
        return Said("fuse_untold", {"fuse_a": grid.fuse_a})
    code = "fuse_estimated" if grid.connection == "3x230" else "fuse_guarded"
    return Said(code, {"amps": round(found, 1), "fuse_a": grid.fuse_a})


def look(sights: Sequence[Sight], memory: Memory) -> None:
    """Mark those that have to go. `sights` in order of priority."""
    snapshot = sights[0].snapshot
    grid, mono = snapshot.grid, snapshot.mono
    found = amps(grid) if grid.fuse_a and grid.fresh else None
    if found is None or grid.fuse_a is None or found < SHARE * grid.fuse_a:
        memory.fuse_mono, memory.fuse_seen = None, 0
        return
    memory.fuse_seen += 1
    if memory.fuse_mono is None:
        memory.fuse_mono = mono
    if memory.fuse_seen < TELEGRAMS or mono - memory.fuse_mono < LASTS_S:
        return
    over_w = (found - SHARE * grid.fuse_a) * VOLTS
    drawing = [sight for sight in sights if sight.own_w > 0]
    for sight in smallest(drawing, over_w):
        sight.memory.fuse_mono = mono
    memory.fuse_mono, memory.fuse_seen = None, 0


def stop(sight: Sight, to_come_w: int) -> Said | None:
    """Why it may not be on. `to_come_w`: what others were just switched on for and the meter does not show yet."""
    memory, grid, mono = sight.memory, sight.snapshot.grid, sight.snapshot.mono
    if memory.fuse_mono is None and (sight.running or not grid.fuse_a):
        return None
    found = amps(grid) if grid.fresh else None
    if memory.fuse_mono is not None:
        left_s = REST_S - (mono - memory.fuse_mono)
        if left_s > 0:
            return Said("fuse", {"amps": round(found or 0, 1), "fuse_a": grid.fuse_a or 0, "wait_s": round(left_s)})
        memory.fuse_mono = None
    if sight.running or not grid.fuse_a or found is None:
        return None
    after = found + (sight.load.load_w + to_come_w) / VOLTS
    if after > SHARE * grid.fuse_a:
        return Said("fuse_no_room", {"amps": round(after, 1), "fuse_a": grid.fuse_a})
    return None
