"""The weather over the demo house: temperature, and how much of the clear sky's light comes through. Pure.

Seconds here count from local midnight of a model day.
"""

import math
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from energysite.demo.calendar import NAMED_DAYS, STEP_S, chance

# Cloud cover, 0 (none) to 1 (closed), in which the named days lie.
COVERS = {"clear": 0.04, "cloudy": 0.52, "overcast": 1.0, "winter": 0.75}
CLOUD_S = 180  # light changes with clouds of a few minutes
PATCH_S = 1800  # which come in patches of half an hour
LONGEST_DAY_S = 25 * 3600


@dataclass(frozen=True, slots=True)
class Weather:
    cover: float
    mean_c: float
    swing_c: float

    def temperature_c(self, second: float) -> float:
        """Outside; warmest at half past three."""
        return self.mean_c + self.swing_c * math.cos((second - 15.5 * 3600) * math.tau / 86400)


def _season(day: date) -> float:
    """-1 in the middle of January, 1 in the middle of July."""
    return -math.cos((day.timetuple().tm_yday - 15) * math.tau / 365.25)


def weather(seed: object, day: date) -> Weather:
    """Neighbouring days resemble each other: two thirds of a day's cover come from a wave of four days."""
    for name, fixed in NAMED_DAYS.items():
        if day == fixed:
            cover, wobble = COVERS[name], 0.0
            break
    else:
        here, between = divmod(day.toordinal(), 4)
        low, high = chance(seed, "front", here).random(), chance(seed, "front", here + 1).random()
        own = chance(seed, "sky", day)
        front = low + (high - low) * between / 4
        cover = min(1.0, max(0.0, (2 * front + own.random()) / 3 * 1.5 - 0.2 - 0.08 * _season(day)))
        wobble = own.gauss(0, 2.2)
    season = _season(day)
    # Clouds keep winter nights mild and take the heat from summer days.
    mean = 10.8 + 7.6 * season + wobble - 3.0 * season * (cover - 0.5)
    return Weather(cover, mean, 1.5 + (1 - cover) * (3.0 + 1.5 * season))


def _smooth(values: list[float], spacing_s: int) -> list[float]:
    """A value for each step, eased between nodes."""
    steps = spacing_s // STEP_S
    ease = [(3 - 2 * x) * x * x for x in (i / steps for i in range(steps))]
    return [low + (high - low) * e for low, high in pairwise(values) for e in ease]


def dullest_and_brightest(cover: float) -> tuple[float, float]:
    """The share of light below a cloud (thin clouds on fine days, thick ones on dull days), and of a free sun: a cloud's edge adds."""
    return 0.62 - 0.46 * cover, 1.03 - 0.05 * cover


def light(seed: object, day: date, cover: float, dawn: int, dusk: int) -> list[float]:
    """The share of the clear sky's light for the day's steps from dawn to dusk: sharp edges where the cover is broken."""
    nodes = chance(seed, "clouds", day)
    small = _smooth([nodes.random() for _ in range(LONGEST_DAY_S // CLOUD_S + 1)], CLOUD_S)
    large = _smooth([nodes.random() for _ in range(LONGEST_DAY_S // PATCH_S + 1)], PATCH_S)
    through, bright = dullest_and_brightest(cover)
    # The sum of the two waves lies between 0 and 1, mostly between 0.25 and 0.75.
    edge, gain = 0.1 + 0.8 * cover, 1 / 0.07
    shares = []
    for s, p in zip(small[dawn:dusk], large[dawn:dusk], strict=True):
        sun = (0.45 * s + 0.55 * p - edge) * gain + 0.5
        if sun >= 1:
            shares.append(bright)
        elif sun <= 0:
            shares.append(through * (0.8 + 0.4 * s))
        else:
            shares.append(through + (bright - through) * sun)
    return shares
