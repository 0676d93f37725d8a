"""The month peak (rule 5). Pure.

L = max(2,500 W, month peak, own target); left = L x 900 Ws less the energy of the running clock quarter so far (the meter's 1.4.0 x 900 s).
A load goes only when what the house takes now, held to the end with a reserve, exceeds what is left, and waiting one more look would
leave no loads that save it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from control.rules.facts import Alarm, Grid, Said, Snapshot
from control.rules.localtime import QUARTER_S
from control.rules.memory import Memory
from control.rules.order import smallest
from control.rules.sight import Sight

RESERVE_W = 300
REACTION_S = 10.0
# So long after a quarter began the meter may still tell the last one's.
SETTLES_S = 15.0
# A new peak is told when it has looked like one for so long.
AHEAD_S = 60.0


@dataclass(frozen=True, slots=True)
class Quarter:
    """The running one. `so_far_ws`: import in it, Ws. `look_s`: until somebody looks again."""

    number: int
    limit_w: int
    left_s: float
    so_far_ws: float
    net_w: int
    look_s: float

    @property
    def end_at(self) -> float:
        return (self.number + 1) * float(QUARTER_S)

    def left_ws(self, limit_w: float) -> float:
        return limit_w * QUARTER_S - self.so_far_ws


def quarter(snapshot: Snapshot, memory: Memory, dt_s: float) -> Quarter | None:
    """Where the quarter stands; None without a fresh telegram. Counts along, for a meter that tells no quarter."""
    grid, at = snapshot.grid, snapshot.at
    number = int(at // QUARTER_S)
    begun_s = at - number * QUARTER_S
    taken_w = max(0, grid.net_w or 0) if grid.fresh else 0
    if number != memory.quarter:
        # Of a quarter whose beginning nobody saw: as if it had been like now.
        seen_s = min(dt_s, begun_s) if number == memory.quarter + 1 else begun_s
        memory.quarter, memory.quarter_ws = number, taken_w * seen_s
    else:
        memory.quarter_ws += taken_w * dt_s
    if not grid.fresh or grid.net_w is None:
        return None
    so_far_ws = memory.quarter_ws if grid.quarter_w is None or begun_s < SETTLES_S else grid.quarter_w * float(QUARTER_S)
    return Quarter(number, grid.limit_w, QUARTER_S - begun_s, so_far_ws, grid.net_w, max(REACTION_S, dt_s))


def told(grid: Grid) -> Said:
    """How the month peak is guarded, for people."""
    if not grid.fresh:
        return Said("peak_blind")
    return Said("peak_counted" if grid.quarter_own or grid.quarter_w is None else "peak_guarded", {"limit_w": grid.limit_w})


def limit_w(sight: Sight, house_w: int) -> int:
    """How high a quarter's import may become with this load in it."""
    load, wish = sight.load, sight.memory.wish
    if load.peak == "up_to":
        return max(house_w, load.peak_up_to_w)
    if load.peak == "departure" and sight.must and wish is not None:
        return max(house_w, wish.raise_to_w)
    return house_w


def sheddable(sight: Sight) -> bool:
    """It draws, no person asked for it, and its minimum on is over or may be broken."""
    if sight.own_w <= 0 or sight.override is not None:
        return False
    return sight.kind.resistive or sight.changed_s >= sight.load.min_on_s


def look(now: Quarter, sights: Sequence[Sight], memory: Memory) -> list[Alarm]:
    """Mark those that go, off until the next quarter. `sights` in order of priority. An alarm lasts until the quarter is over."""
    _shed(now, sights, memory)
    if memory.peak_told != now.number:
        return []
    expected_w = round((now.so_far_ws + max(0, now.net_w) * now.left_s) / QUARTER_S)
    return [Alarm(0, "peak_ahead", {"expected_w": expected_w, "limit_w": now.limit_w, "until_at": round(now.end_at)})]


def _shed(now: Quarter, sights: Sequence[Sight], memory: Memory) -> None:
    mono = sights[0].snapshot.mono
    taken_w = now.net_w + RESERVE_W
    if max(0, taken_w) * now.left_s <= now.left_ws(now.limit_w):
        memory.ahead_mono = None
        return
    if memory.look_mono is not None and mono < memory.look_mono:
        return
    able = [sight for sight in sights if sheddable(sight) and sight.memory.shed_quarter != now.number]
    for limit in sorted({limit_w(sight, now.limit_w) for sight in able}):
        left_ws = now.left_ws(limit)
        may_go = [sight for sight in able if limit_w(sight, now.limit_w) <= limit]
        if max(0, taken_w) * now.left_s <= left_ws:
            continue
        least_w = max(0, taken_w - sum(sight.own_w for sight in may_go))
        wait_s = min(now.look_s, now.left_s)
        if max(0, taken_w) * wait_s + least_w * (now.left_s - wait_s) <= left_ws:
            continue
        for sight in smallest(may_go, taken_w - left_ws / max(1.0, now.left_s)):
            sight.memory.shed_quarter = now.number
        memory.look_mono = mono + REACTION_S
        break
    _ahead(now, able, memory)


def _ahead(now: Quarter, able: Sequence[Sight], memory: Memory) -> None:
    """Mark a quarter whose new month peak none of our loads can prevent; a kettle at its beginning is none."""
    least_w = max(0, now.net_w - sum(sight.own_w for sight in able))
    if least_w * now.left_s <= now.left_ws(now.limit_w):
        memory.ahead_mono = None
    elif memory.ahead_mono is None:
        memory.ahead_mono = memory.mono
    elif memory.mono is not None and memory.mono - memory.ahead_mono >= AHEAD_S:
        memory.peak_told = now.number


def stop(now: Quarter | None, sight: Sight, to_come_w: int) -> tuple[Said, float] | None:
    """Why it is shed or may not start, and until when (epoch). `to_come_w`: what others were just switched on for."""
    if now is None:
        return None
    if sight.memory.shed_quarter == now.number:
        return Said("peak_shed", {"limit_w": limit_w(sight, now.limit_w), "until_at": round(now.end_at)}), now.end_at
    if sight.running:
        return None
    limit = limit_w(sight, now.limit_w)
    base_w = max(0, now.net_w + RESERVE_W + to_come_w)
    with_w = max(0, now.net_w + RESERVE_W + to_come_w + sight.load.load_w)
    run_s = min(sight.load.min_on_s, now.left_s)
    rest_s = min(sight.load.min_on_s - run_s, QUARTER_S)
    fits = with_w * run_s + base_w * (now.left_s - run_s) <= now.left_ws(limit)
    if fits and (rest_s <= 0 or with_w * rest_s + base_w * (QUARTER_S - rest_s) <= limit * QUARTER_S):
        return None
    return Said("peak_no_room", {"load_w": sight.load.load_w, "limit_w": limit, "until_at": round(now.end_at)}), now.end_at
