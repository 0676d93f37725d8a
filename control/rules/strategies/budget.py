"""Sun by energy: on when so many Wh more than the load needs were given away, off when as many were borrowed from the grid. Pure.

A cloud costs a load what it borrows under it, and no more; a short hole in the clouds starts nothing. Both sums leak to zero and no
further, as in a cumulative-sum test: what was given away an hour ago starts no load now.
"""

from __future__ import annotations

from control.rules.facts import Budget, Load, Param, Said
from control.rules.memory import Memory, Wish
from control.rules.sight import Sight

HOUR_S = 3600
# Of the load's energy in an hour, where nobody said Wh: three minutes of it start it, six stop it.
START_SHARE = 0.05
BORROW_SHARE = 0.10
# Below what it needs for so long without a break: that is what a person is told, else what was borrowed under many clouds.
STEADY_S = 60


def start_wh(rule: Budget, load: Load) -> float:
    return START_SHARE * load.load_w if rule.start_wh is None else rule.start_wh


def borrow_wh(rule: Budget, load: Load) -> float:
    return BORROW_SHARE * load.load_w if rule.borrow_wh is None else rule.borrow_wh


def need_w(rule: Budget, sight: Sight) -> float:
    """What the sun has to carry: a running load's own draw, where it is measured."""
    measured = sight.measured_w if sight.running and sight.to_come_w == 0 else None
    return (sight.load.load_w if measured is None else measured) * rule.sun_pct / 100


def sense(rule: Budget, sight: Sight) -> None:
    """Count what was given away or borrowed since the last step."""
    memory = sight.memory
    surplus_w = sight.surplus_w
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
        memory.credit_wh = min(max(0.0, memory.credit_wh + over_wh), start_wh(rule, sight.load))
    if over_w >= 0:
        memory.phase_mono = None
    elif memory.phase_mono is None:
        memory.phase_mono = sight.snapshot.mono


def think(rule: Budget, sight: Sight, house: Memory) -> Wish:
    memory, surplus_w = sight.memory, sight.surplus_w
    if surplus_w is None:
        return Wish(0.0, Said("battery_unread" if sight.snapshot.battery_unread else "surplus_unknown"))
    need = round(need_w(rule, sight))
    enough, most = start_wh(rule, sight.load), borrow_wh(rule, sight.load)
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
