"""Sun by energy: on when so many Wh more than the load needs were given away, off when as many were borrowed from the grid. Pure.

A cloud costs a load what it borrows under it, and no more; a short hole in the clouds starts nothing. Both sums leak to zero and no
further, as in a cumulative-sum test: what was given away an hour ago starts no load now.

How much may be borrowed is a day's budget: what the load got so far that day earns it a share, so that a fine morning pays for a cloud at
noon, and a day of clouds ends early. Each start of a day asks for more than the one before. Tuned on some seventy broken days of the
demo house against the best that can be done with a day known beforehand (`control.backtest`).
"""

from __future__ import annotations

from control.rules.facts import Budget, Param, Said
from control.rules.localtime import day_number
from control.rules.memory import Memory, Wish
from control.rules.sight import Sight

HOUR_S, MINUTES = 3600, 60
# In minutes of the load's power, where nobody said Wh: what starts it, and so much more of that for each start of the day.
START_MIN, MORE_A_START = 4.0, 0.25
# What stops it: so many minutes, and EARNED times what is left of the grid's share of all that it got today; never less than the least.
BORROW_MIN, BORROW_LEAST_MIN = 3.0, 1.5
GRID_SHARE, EARNED = 0.06, 1.5
# Below what it needs for so long without a break: that is what a person is told, else what was borrowed under many clouds.
STEADY_S = 60


def start_wh(rule: Budget, sight: Sight) -> float:
    if rule.start_wh is not None:
        return rule.start_wh
    return sight.load.load_w * START_MIN / MINUTES * (1 + MORE_A_START * sight.memory.day_start_count)


def borrow_wh(rule: Budget, sight: Sight) -> float:
    if rule.borrow_wh is not None:
        return rule.borrow_wh
    memory, minute_wh = sight.memory, sight.load.load_w / MINUTES
    left_wh = GRID_SHARE * memory.day_delivered_wh - memory.day_borrowed_wh
    return max(BORROW_LEAST_MIN * minute_wh, BORROW_MIN * minute_wh + EARNED * left_wh)


def need_w(rule: Budget, sight: Sight) -> float:
    """What the sun has to carry: a running load's own draw, where it is measured."""
    measured = sight.measured_w if sight.running and sight.to_come_w == 0 else None
    return (sight.load.load_w if measured is None else measured) * rule.sun_pct / 100


def sense(rule: Budget, sight: Sight) -> None:
    """Count what was given away or borrowed since the last step."""
    memory = sight.memory
    surplus_w = sight.surplus_w
    _count_day(sight)
    if surplus_w is None:
        memory.credit_wh, memory.phase_mono = 0.0, None
        return
    over_w = surplus_w - need_w(rule, sight)
    over_wh = over_w * sight.dt_s / HOUR_S
    if sight.running:
        memory.credit_wh = 0.0
        memory.debt_wh = max(0.0, memory.debt_wh - over_wh)
    else:
        memory.debt_wh = 0.0
        memory.credit_wh = min(max(0.0, memory.credit_wh + over_wh), start_wh(rule, sight))
    if over_w >= 0:
        memory.phase_mono = None
    elif memory.phase_mono is None:
        memory.phase_mono = sight.snapshot.mono


def _count_day(sight: Sight) -> None:
    """What it got on this local day, how much of it came from the grid, and how often it was started."""
    memory, snapshot = sight.memory, sight.snapshot
    today = day_number(snapshot.at, snapshot.zone)
    if memory.sun_day != today:
        memory.sun_day, memory.day_start_count, memory.day_delivered_wh, memory.day_borrowed_wh = today, 0, 0.0, 0.0
    if sight.running:
        if not memory.sun_running:
            memory.day_start_count += 1
        drawn_w = sight.load.load_w if sight.load.dry_run else sight.own_w
        memory.day_delivered_wh += drawn_w * sight.dt_s / HOUR_S
        if sight.surplus_w is not None and sight.surplus_w < drawn_w:
            memory.day_borrowed_wh += min(drawn_w, drawn_w - sight.surplus_w) * sight.dt_s / HOUR_S
    memory.sun_running = sight.running


def think(rule: Budget, sight: Sight, house: Memory) -> Wish:
    memory, surplus_w = sight.memory, sight.surplus_w
    if surplus_w is None:
        return Wish(0.0, Said("battery_unread" if sight.snapshot.battery_unread else "surplus_unknown"))
    need = round(need_w(rule, sight))
    enough, most = start_wh(rule, sight), borrow_wh(rule, sight)
    below_s = 0 if memory.phase_mono is None else round(sight.snapshot.mono - memory.phase_mono)
    if sight.running:
        if memory.debt_wh >= most:
            told: dict[str, Param] = {"surplus_w": surplus_w, "borrowed_wh": round(memory.debt_wh)}
            if below_s >= STEADY_S:
                return Wish(0.0, Said("borrowed", {**told, "below_w": need, "for_s": below_s}))
            return Wish(0.0, Said("borrowed_at_times", {**told, "need_w": need}))
        if memory.debt_wh > 0:
            return Wish(1.0, Said("borrowing", {"surplus_w": surplus_w, "borrowed_wh": round(memory.debt_wh), "most_wh": round(most)}))
        return Wish(1.0, Said("surplus_carries", {"surplus_w": surplus_w, "need_w": need}))
    if memory.credit_wh >= enough:
        return Wish(1.0, Said("given_away", {"surplus_w": surplus_w, "given_wh": round(memory.credit_wh), "need_w": need}))
    if memory.credit_wh > 0:
        left_s = (enough - memory.credit_wh) / max(1.0, surplus_w - need) * HOUR_S
        said = Said("collecting", {"surplus_w": surplus_w, "given_wh": round(memory.credit_wh), "start_wh": round(enough)})
        return Wish(0.0, said, sight.snapshot.at + left_s if surplus_w > need else None)
    if below_s:
        return Wish(0.0, Said("surplus_below", {"surplus_w": surplus_w, "below_w": need, "for_s": below_s}))
    return Wish(0.0, Said("surplus_short", {"surplus_w": surplus_w, "need_w": need}))
