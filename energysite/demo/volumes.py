"""Gas and water of the demo house, per model day in slots of five minutes. Pure.

Gas heats the house and the tap water (10.2 kWh a cubic metre, 94 % of it used).
"""

from datetime import date
from typing import NamedTuple

from energysite.demo.calendar import VOLUME_S, chance
from energysite.demo.loads import DISHWASHER, WASHER
from energysite.demo.weather import LONGEST_DAY_S, Weather

KWH_PER_M3 = 10.2 * 0.94
LOSS_W_PER_K = 165  # of the whole house
GAINS_W = 420  # people and appliances
BURNER_W = 9000
HOT_WH_PER_L = 46.5  # 12 to 52 degrees
SLOTS = LONGEST_DAY_S // VOLUME_S

# name, litres each time, share of hot water, first and last hour, times on a working day, on a free day
DRAWS = (
    ("toilet morning", 6.0, 0.0, 6.3, 9.0, 3, 3),
    ("toilet day", 6.0, 0.0, 9.0, 23.0, 5, 9),
    ("shower early", 52.0, 0.7, 6.3, 7.6, 2, 0),
    ("shower late", 55.0, 0.7, 8.5, 22.0, 1, 3),
    ("kitchen", 4.5, 0.5, 7.0, 21.5, 6, 9),
    ("hands", 1.4, 0.3, 6.5, 23.0, 9, 14),
)


class Volumes(NamedTuple):
    """Millilitres in each slot of the day."""

    gas_ml: list[int]
    water_ml: list[int]


def _ml_of_gas(wh: float) -> int:
    return round(wh * 1000 / KWH_PER_M3)


def volumes(seed: object, day: date, air: Weather) -> Volumes:
    gas, water = [0] * SLOTS, [0] * SLOTS
    dice = chance(seed, "water", day)
    free = day.weekday() >= 5
    for _name, litres, hot, first_h, last_h, working_times, free_times in DRAWS:
        for _ in range(free_times if free else working_times):
            slot = int((first_h + (last_h - first_h) * dice.random()) * 3600) // VOLUME_S
            drawn = litres * (0.75 + 0.5 * dice.random())
            water[slot] += round(drawn * 1000)
            gas[slot] += _ml_of_gas(drawn * hot * HOT_WH_PER_L)
    for appliance in (WASHER, DISHWASHER):
        for start in appliance.starts(seed, day):
            water[start // VOLUME_S] += round(appliance.water_l * 1000)
    _heat(gas, air)
    return Volumes(gas, water)


def _heat(gas: list[int], air: Weather) -> None:
    """The burner runs whole slots at one power, as often as the house loses that much."""
    owed_wh = 0.0
    burn_wh = BURNER_W * VOLUME_S / 3600
    for slot in range(SLOTS):
        second = slot * VOLUME_S
        inside_c = 20.3 if 6 * 3600 <= second < 22.5 * 3600 else 16.5
        lost_w = LOSS_W_PER_K * (inside_c - air.temperature_c(second)) - GAINS_W
        owed_wh = max(0.0, owed_wh + lost_w * VOLUME_S / 3600)
        if owed_wh >= burn_wh and air.mean_c < 15.5:
            gas[slot] += _ml_of_gas(burn_wh)
            owed_wh -= burn_wh
