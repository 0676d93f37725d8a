"""The demo house's past, its own car left out: one of its fixed days, or a year. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from control.backtest.history import STEP_S, History
from energysite.demo import calendar
from energysite.demo.calendar import NAMED_DAYS, ZONE, midnight
from energysite.demo.loads import LOADS, Car
from energysite.demo.profile import Day, Recipe

YEAR = "year"
YEAR_FROM, YEAR_DAYS, SEED = date(2025, 7, 1), 365, 1
NAMES = (*NAMED_DAYS, YEAR)
STEPS = STEP_S // calendar.STEP_S


def history(name: str, tell: Callable[[int, int], None] = lambda done, of: None) -> History:
    """Of NAMES."""
    first, days = (YEAR_FROM, YEAR_DAYS) if name == YEAR else (NAMED_DAYS[name], 1)
    recipe = Recipe(seed=SEED, loads=tuple(load for load in LOADS if not isinstance(load, Car)))
    house_w: list[float | None] = []
    solar_w: list[float | None] = []
    for number in range(days):
        day = Day(recipe, first + timedelta(number))
        for step in range(0, day.steps, STEPS):
            solar = sum(day.solar_w[step : step + STEPS]) / STEPS
            solar_w.append(solar)
            house_w.append(sum(day.net_w[step : step + STEPS]) / STEPS + solar)
        tell(number + 1, days)
    return History(midnight(first), house_w, solar_w, str(ZONE))
