"""The closed loop: a rule, a load and a history, minute by minute. Pure.

Ours runs as it runs live, through `control.rules.step`, on snapshots made of the minute that just ended; what it decides meets the plant
and shows in the next. Steps are a minute, and 10 s as live where a quarter of an hour is at stake while the load runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from control.backtest.history import QUARTER_MIN, STEP_S, History
from control.backtest.plant import Plant
from control.backtest.rules import Rival
from control.backtest.score import LEAST_PEAK_W, Course
from control.rules.facts import FOREVER, Decision, Device, Grid, Load, Snapshot
from control.rules.memory import Memory
from control.rules.step import step

FINE_S = 10
# Of the guard: what may come on beside the load, W. Here it only says when to look as often as live.
RESERVE_W = 300
QUARTER_S = 900
TOLD_EVERY = 1440

Tell: TypeAlias = Callable[[int, int], None]
Seen: TypeAlias = Callable[[Snapshot, Decision], None]


def _quiet(done: int, of: int) -> None:
    """Nobody listens."""


def follow(rival: Rival, plant: Plant, history: History, tell: Tell = _quiet) -> Course:
    """What another's rule does with this load."""
    course = Course.empty(history.minutes)
    level, own_w = 0.0, 0.0
    net_w: float | None = None
    at = history.start
    for i, (house, solar) in enumerate(zip(history.house_w, history.solar_w, strict=True)):
        level = rival.level(net_w, own_w, level)
        own_w = plant.power_w(level, at, STEP_S)
        course.level[i] = level
        course.drawn_w[i] = own_w
        net_w = None if house is None or solar is None else house + own_w - solar
        at += STEP_S
        if not i % TOLD_EVERY:
            tell(i, history.minutes)
    course.missing_wh = plant.missing_wh
    return course


@dataclass(slots=True)
class Meter:
    """What the meter shows of the running quarter and month; `limit_w` as the guard wants it."""

    own_target_w: int
    limit_w: int
    peak_w: float = 0.0
    quarter_ws: float = 0.0

    def new_quarter(self) -> None:
        watts = self.quarter_ws / QUARTER_S
        self.quarter_ws = 0.0
        if watts > self.peak_w:
            self.peak_w = watts
            self.limit_w = max(self.own_target_w, int(watts))

    def new_month(self) -> None:
        self.peak_w, self.limit_w = 0.0, self.own_target_w


class Loop:
    """One load of ours on one history."""

    def __init__(self, load: Load, plant: Plant, history: History, own_target_w: int = 0, seen: Seen | None = None) -> None:
        self.load, self.plant, self.history, self.seen = load, plant, history, seen
        target = max(int(LEAST_PEAK_W), own_target_w)
        self.meter = Meter(target, target)
        self.memory = Memory.fresh(float(history.start))
        self.loads: Sequence[Load] = (load,)
        self.level = self.own_w = 0.0
        self.changed = -FOREVER
        self.switches_today = 0
        self.lost = FOREVER  # since when the meter is silent

    def run(self, tell: Tell = _quiet) -> Course:
        history, meter, plant = self.history, self.meter, self.plant
        course = Course.empty(history.minutes)
        days = {day.first for day in history.days}
        months = {month.first for month in history.months}
        net_w: float | None = None
        solar_now: float | None = None
        at = float(history.start)
        for i, (house, solar) in enumerate(zip(history.house_w, history.solar_w, strict=True)):
            if not i % QUARTER_MIN:
                meter.new_quarter()
            if i in days:
                self.switches_today = 0
                tell(i, history.minutes)
                if i in months:
                    meter.new_month()
            known = house is not None and solar is not None
            rest_w = (house or 0.0) - (solar or 0.0)
            drawn = on = 0.0
            seconds = FINE_S if self._at_stake(net_w, i) else STEP_S
            for _part in range(0, STEP_S, seconds):
                self._decide(at, net_w, solar_now)
                self.own_w = plant.power_w(self.level, at, seconds)
                drawn += self.own_w * seconds
                on += self.level * seconds
                net_w = rest_w + self.own_w if known else None
                if net_w is not None and net_w > 0:
                    meter.quarter_ws += net_w * seconds
                at += seconds
            solar_now = solar
            course.drawn_w[i] = drawn / STEP_S
            course.level[i] = on / STEP_S
        course.missing_wh = plant.missing_wh
        return course

    def _at_stake(self, net_w: float | None, minute: int) -> bool:
        if not self.level or net_w is None or net_w <= 0:
            return False
        left_s = (QUARTER_MIN - minute % QUARTER_MIN) * STEP_S
        # Two minutes ahead: the house may take up to RESERVE_W more in any of them.
        return self.meter.quarter_ws + (net_w + RESERVE_W) * left_s > self.meter.limit_w * QUARTER_S

    def _decide(self, at: float, net_w: float | None, solar_w: float | None) -> None:
        snapshot = Snapshot(
            at=at,
            mono=at,
            grid=self._grid(at, net_w),
            zone=self.history.zone,
            solar_w=None if solar_w is None else round(solar_w),
            devices={
                self.load.id: Device(
                    level=self.level,
                    read=self.level,
                    power_w=round(self.own_w),
                    changed_s=at - self.changed,
                    switches_today=self.switches_today,
                    safety_class="A",
                )
            },
        )
        outcome = step(snapshot, self.loads, self.memory)
        self.memory = outcome.memory
        decision = outcome.decisions[0]
        if self.seen is not None:
            self.seen(snapshot, decision)
        if decision.level != self.level:
            self.level = decision.level
            self.changed = at
            self.switches_today += 1

    def _grid(self, at: float, net_w: float | None) -> Grid:
        meter = self.meter
        if net_w is None:
            self.lost = min(self.lost, at)
            return Grid(fresh=False, stale="silent", stale_s=at - self.lost, limit_w=meter.limit_w)
        self.lost = FOREVER
        return Grid(
            net_w=round(net_w),
            fresh=True,
            stale="",
            stale_s=0.0,
            quarter_w=int(meter.quarter_ws / QUARTER_S),
            month_peak_w=int(meter.peak_w),
            limit_w=meter.limit_w,
        )
