"""So many kWh by an hour of the week: with the sun while there is time, from the grid from the latest start on. Pure.

The latest start counts on what the quarters until then have room for: the limit less what the house usually takes at that hour. What
does not fit is said early: "only 9 of 14 kWh by 07:30 without raising the peak".
"""

from __future__ import annotations

from control.rules import base_load, localtime
from control.rules.facts import Departure, Load, Param, Plan, Said
from control.rules.guard.peak import RESERVE_W
from control.rules.memory import Memory, Wish
from control.rules.sight import Sight
from control.rules.strategies import budget

HOUR_S, QUARTER_S, WEEK = 3600, 900, 7
# More than needed is planned for, and begun so much earlier: the house never is what it usually is.
MARGIN, EARLY_S = 1.15, 900.0
STEP_W = 100
# With the latest start so far ahead again, as after an hour of sun, it waits once more.
GOES_ON_S = 7200.0
# What fits to this is kept short by time alone, not by the month peak.
LATE_WH = 100.0
# The room until then is counted again after a quarter of the time that is left for it, within these.
SOONEST_S, LATEST_S = 300.0, 3600.0


def sense(rule: Plan, sight: Sight) -> None:
    """Count what went in, and what the sun gives."""
    budget.sense(rule.sun, sight)
    memory = sight.memory
    drawn_w = sight.load.load_w * sight.running if sight.load.dry_run else sight.own_w
    memory.delivered_wh += drawn_w * sight.dt_s / HOUR_S
    if memory.plan_by_at and sight.snapshot.at >= memory.plan_by_at:
        memory.delivered_wh = memory.plan_by_at = 0.0


def following(rule: Plan, at: float, zone: str) -> tuple[Departure, float] | None:
    """The next departure and its epoch."""
    today = localtime.day_number(at, zone)
    for day in range(today, today + WEEK + 1):
        weekday = localtime.weekday(day)
        times = [(localtime.epoch(day, one.by_min, zone), one) for one in rule.departures if one.day == weekday]
        later = [(by_at, one) for by_at, one in times if by_at > at]
        if later:
            by_at, departure = min(later, key=lambda found: found[0])
            return departure, by_at
    return None


def room_wh(load: Load, memory: Memory, begin: float, end: float, limit_w: float, now_w: float, zone: str) -> list[tuple[float, float]]:
    """(start of a piece, Wh that fit in it) of the hours from `begin` to `end`, the last piece first."""
    pieces: list[tuple[float, float]] = []
    upper = end
    while upper > begin:
        lower = max(begin, (upper - 1) // HOUR_S * HOUR_S)
        base_w = base_load.at_hour(memory, localtime.minute(lower, zone) // 60, now_w)
        pieces.append((lower, share(load, limit_w - base_w) * load.load_w * (upper - lower) / HOUR_S))
        upper = lower
    return pieces


def share(load: Load, room_w: float) -> float:
    """Of a quarter that the load may be on below the limit: the reserve is kept only for what is left of it when the load goes."""
    if room_w - RESERVE_W >= load.load_w:
        return 1.0
    part = (room_w - RESERVE_W) / max(1.0, load.load_w - RESERVE_W)
    return min(1.0, part) if part * QUARTER_S >= load.min_on_s else 0.0


def latest_start(pieces: list[tuple[float, float]], need_wh: float, end: float) -> float | None:
    """The last moment from which the room is enough; None where all of it is not."""
    upper, got = end, 0.0
    for lower, wh in pieces:
        if got + wh >= need_wh:
            return upper - (need_wh - got) / wh * (upper - lower)
        got += wh
        upper = lower
    return None


def think(rule: Plan, sight: Sight, house: Memory) -> Wish:
    found = following(rule, sight.snapshot.at, sight.snapshot.zone)
    sun = budget.think(rule.sun, sight, house)
    if found is None:
        return sun if sun.level > 0 else Wish(0.0, Said("plan_none"))
    departure, by_at = found
    memory = sight.memory
    if memory.plan_by_at != by_at:
        memory.plan_by_at, memory.plan_look_at = by_at, 0.0
    need_wh = departure.kwh * 1000 - memory.delivered_wh
    if need_wh <= 0:
        return sun if sun.level > 0 else Wish(0.0, Said("plan_done", {"kwh": departure.kwh, "by_at": round(by_at)}))
    if sight.snapshot.at >= memory.plan_look_at:
        _look_ahead(sight, house, by_at, need_wh)
    return _from_grid(sight, departure, need_wh, sun)


def _look_ahead(sight: Sight, house: Memory, by_at: float, need_wh: float) -> None:
    """When it has to start, what fits until the departure, and how high it would raise the peak: into the memory."""
    load, memory, snapshot = sight.load, sight.memory, sight.snapshot
    grid, at = snapshot.grid, snapshot.at
    now_w = float(max(0, (grid.net_w or 0) - sight.own_w))
    limit_w = float(max(grid.limit_w, load.peak_up_to_w) if load.peak == "up_to" else grid.limit_w) if grid.exists else float("inf")
    pieces = room_wh(load, house, at, by_at, limit_w, now_w, snapshot.zone)
    memory.plan_fits_wh = sum(wh for _, wh in pieces)
    start = latest_start(pieces, need_wh * MARGIN, by_at)
    memory.plan_start_at = at if start is None else start - EARLY_S
    memory.plan_look_at = at + min(max((memory.plan_start_at - at) / 4, SOONEST_S), LATEST_S)
    memory.plan_raise_w = 0
    if memory.plan_fits_wh < need_wh and load.peak == "departure" and grid.exists:
        memory.plan_raise_w = _least_raise(sight, house, by_at, need_wh, now_w)


def _from_grid(sight: Sight, departure: Departure, need_wh: float, sun: Wish) -> Wish:
    """The wish while something is still to come."""
    memory, grid = sight.memory, sight.snapshot.grid
    told: dict[str, Param] = {"need_kwh": round(need_wh / 1000, 1), "kwh": departure.kwh, "by_at": round(memory.plan_by_at)}
    # What began goes on: each kWh and the margin move the latest start a little, and that is no reason to switch.
    slack_s = memory.plan_start_at - sight.snapshot.at
    if slack_s > (GOES_ON_S if sight.must else 0):
        if sun.level > 0:
            return Wish(1.0, Said("plan_sun", told), sun.next_at)
        return Wish(0.0, Said("plan_waits", {**told, "start_at": round(memory.plan_start_at)}), memory.plan_start_at)
    if memory.plan_raise_w:
        told["to_w"] = memory.plan_raise_w
        if grid.peak_eur_kw is not None:
            told["cost_eur"] = round(max(0, memory.plan_raise_w - grid.limit_w) / 1000 * grid.peak_eur_kw, 2)
        said = Said("plan_raises" if grid.peak_eur_kw is None else "plan_raises_eur", told)
        return Wish(1.0, said, must=True, raise_to_w=memory.plan_raise_w)
    if memory.plan_fits_wh < need_wh:
        told["got"] = round((memory.delivered_wh + memory.plan_fits_wh) / 1000, 1)
        most_wh = sight.load.load_w * max(0.0, memory.plan_by_at - sight.snapshot.at) / 3600
        return Wish(1.0, Said("plan_late" if most_wh <= memory.plan_fits_wh + LATE_WH else "plan_short", told), must=True)
    return Wish(1.0, Said("plan_must", told), must=True)


def _least_raise(sight: Sight, house: Memory, by_at: float, need_wh: float, now_w: float) -> int:
    """The lowest limit under which it still fits, in steps; where nothing helps, all of the load."""
    load, zone = sight.load, sight.snapshot.zone
    low = sight.snapshot.grid.limit_w
    high = int(low + load.load_w + max(0.0, *house.base_w, now_w) + RESERVE_W)
    while high - low > STEP_W:
        middle = (low + high) // 2
        if sum(wh for _, wh in room_wh(load, house, sight.snapshot.at, by_at, float(middle), now_w, zone)) >= need_wh:
            high = middle
        else:
            low = middle
    return high
