"""What is wired to the analog inputs of the demo house: raw values, 0 to 1023 of 3.3 V. Pure.

Channel 0: a TMP36 outside (0.5 V at 0 degrees, 10 mV a degree). Channel 1: the rain water tank, 0.5 V empty to 2.5 V full. The
others are tied to ground.
"""

import math
from datetime import date, timedelta
from functools import lru_cache

from energysite.demo.calendar import chance, day_of, midnight, next_day
from energysite.demo.model import House
from energysite.demo.profile import Recipe
from energysite.demo.weather import Weather, weather

VOLT = 3.3
STEPS = 1023
BLEND_S = 3 * 3600  # around midnight: one day's air passes into the next one's
# value = FACTOR x (raw - OFFSET), as the settings of an analog input have it.
OUTSIDE_FACTOR, OUTSIDE_OFFSET = round(100 * VOLT / STEPS, 6), round(0.5 / VOLT * STEPS, 1)
TANK_FACTOR, TANK_OFFSET = round(100 / 2 * VOLT / STEPS, 6), round(0.5 / VOLT * STEPS, 1)
OUTSIDE, TANK = 0, 1


def outside_c(recipe: Recipe, at: int) -> float:
    """The air around the house, without the step that the model's days have at midnight."""
    day = day_of(at)
    second, left = at - midnight(day), midnight(next_day(day)) - at
    here = _degrees(recipe, day, second)
    if second < BLEND_S:
        other, own = _degrees(recipe, day - timedelta(days=1), second), 0.5 + second / (2 * BLEND_S)
    elif left < BLEND_S:
        other, own = _degrees(recipe, next_day(day), second), 0.5 + left / (2 * BLEND_S)
    else:
        return here
    return own * here + (1 - own) * other


def tank_pct(at: int) -> float:
    """Filled by the rain of some days, emptied by the garden."""
    days = at / 86400
    return 58 + 24 * math.sin(days * 0.41) + 9 * math.sin(days * 1.7)


def raw_value(house: House, channel: int, at: int) -> int:
    """With the noise of such a chip: a step more or less."""
    recipe = house.ledger.recipe
    if channel == OUTSIDE:
        volt = 0.5 + 0.01 * outside_c(recipe, at)
    elif channel == TANK:
        volt = 0.5 + 0.02 * tank_pct(at)
    else:
        return 0
    noise = chance(recipe.seed, "noise", channel, at).gauss(0, 0.4)
    return min(STEPS, max(0, round(volt / VOLT * STEPS + noise)))


def _degrees(recipe: Recipe, day: date, second: int) -> float:
    """Of the day's own air at that second; each of them repeats itself after 24 hours."""
    model_date = recipe.model_date(day)
    return _air(recipe.seed_of(model_date), model_date).temperature_c(second)


@lru_cache(maxsize=8)
def _air(seed: object, model_date: date) -> Weather:
    return weather(seed, model_date)
