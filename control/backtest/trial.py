"""One load on one history under every rule, ours among them, and what is possible at best. Pure but for perfect foresight's solver."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from zoneinfo import ZoneInfo

from control.backtest import foresight
from control.backtest.history import STEP_S, History
from control.backtest.plant import Boiler, Plant, Stay, plant
from control.backtest.rules import rivals
from control.backtest.run import Loop, follow
from control.backtest.score import Course, Prices, Score, score
from control.rules import localtime
from control.rules.facts import Load

OURS = "ours"
Tell = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Trial:
    """`stays`: of a car that comes and goes; empty: the load is always there. `own_target_w`: the house's, of the month peak."""

    history: History
    load: Load
    stays: tuple[Stay, ...] = ()
    prices: Prices = field(default_factory=Prices)
    own_target_w: int = 0

    @property
    def demands(self) -> bool:
        """The load wants so much, and not only what the sun leaves."""
        return bool(self.stays) or self.load.kind == "boiler"

    def plant(self) -> Plant:
        offset = datetime.fromtimestamp(self.history.start, UTC).astimezone(ZoneInfo(self.history.zone)).utcoffset()
        return plant(self.load.kind, self.load.load_w, self.stays, int(offset.total_seconds()) if offset else 0)


@dataclass(frozen=True, slots=True)
class Result:
    score: Score
    course: Course | None = None


def run(trial: Trial, tell: Tell = lambda what, done, of: None) -> list[Result]:
    """Nothing first, ours and perfect foresight last. Perfect foresight is left out for a boiler, whose heat is no matter of an hour.
    Raises foresight.NoAnswer."""
    history, found = trial.history, []
    for rival in rivals(trial.load.load_w, demands=trial.demands):
        course = follow(rival, trial.plant(), history, partial(tell, rival.name))
        found.append(Result(score(rival.name, history, course, trial.prices), course))
    course = ours(trial, partial(tell, OURS))
    found.append(Result(score(OURS, history, course, trial.prices), course))
    if not isinstance(trial.plant(), Boiler):
        tell("foresight", 0, 1)
        found.append(Result(foresight.best(history, trial.load.load_w, trial.stays, trial.prices)))
        tell("foresight", 1, 1)
    return found


def ours(trial: Trial, tell: Callable[[int, int], None] = lambda done, of: None) -> Course:
    """The controller as it would run live: never in dry-run here, whatever it is in the house."""
    load = replace(trial.load, dry_run=False, mode="auto")
    return Loop(load, trial.plant(), trial.history, trial.own_target_w).run(tell)


def peak_saving_pct(nothing: Score, ours: Score, best: Score) -> float | None:
    """How much of the saving in paid month peaks that is possible was reached; None where none is."""
    possible = nothing.payable_w - best.payable_w
    return 100 * (nothing.payable_w - ours.payable_w) / possible if possible > 0 else None


def stays_by_day(
    history: History, kwh: float, comes_min: int, leaves_min: int, days: frozenset[int] = frozenset(range(1, 8))
) -> tuple[Stay, ...]:
    """A car that comes home each day at one hour and leaves at another with so much more in it. `days`: of leaving, 1 is Monday."""
    zone = history.zone
    first = localtime.day_number(history.start, zone)
    last = localtime.day_number(history.start + history.minutes * STEP_S, zone)
    stays = []
    for day in range(first, last + 1):
        if localtime.weekday(day) not in days:
            continue
        leaves = localtime.epoch(day, leaves_min, zone)
        comes = localtime.epoch(day if comes_min < leaves_min else day - 1, comes_min, zone)
        if comes >= history.start and leaves <= history.start + history.minutes * STEP_S:
            stays.append(Stay(comes, leaves, kwh * 1000))
    return tuple(stays)
