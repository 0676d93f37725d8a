"""The weather over the demo house as a service tells it: what was, and what it foretold, errors and all. Pure.

What was: light is the house's own clear sky times the share that its clouds let through (`weather.light`), the same share of
direct and of diffuse light, as its panels have it.

What was foretold, by a run every three hours: the truth without its single clouds (the mean share of more than an hour) plus an
error of the share, and one of the temperature. Each error is an AR(1) series over the quarters foretold (an Ornstein-Uhlenbeck
process: correlation exp(-distance / MEMORY)) of deviation 1, times an amplitude that grows with the square root of the time since
the run; SHARED of its variance is common to all runs, since runs that follow each other err alike. The result is cut off to what
the sky can do, so that errors are one-sided on clear and on dull days, as those of real services are.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from energysite.demo.calendar import QUARTER_S, chance, day_of, midnight, next_day
from energysite.demo.profile import QUARTER_STEPS, Recipe
from energysite.demo.sun import NODE_S, clear_sky, position
from energysite.demo.weather import dullest_and_brightest, light, weather

RUN_S = 3 * 3600
SHARED = 0.5
SMOOTHED = 2  # quarters on each side
LEAST_SHARE = 0.06
CHUNK = 192  # quarters of an error series that are made together
NODES = QUARTER_S // NODE_S
NODE_STEPS = QUARTER_STEPS // NODES

Light = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Error:
    """`at_once`: its deviation at the run itself; `in_two_days`: 48 h later; `memory_s`: its time constant."""

    name: str
    at_once: float
    in_two_days: float
    memory_s: float

    def deviation(self, ahead_s: float) -> float:
        return self.at_once + (self.in_two_days - self.at_once) * math.sqrt(max(0.0, ahead_s) / (48 * 3600))


SHARE_ERROR = Error("share", 0.05, 0.24, 5 * 3600)  # of the clear sky's light
TEMPERATURE_ERROR = Error("temperature", 0.4, 2.2, 12 * 3600)  # degrees


@dataclass(frozen=True, slots=True)
class Outlook:
    """Means of each interval of `step_s` from the epoch second `start` on: W/m2 (global on the level, direct normal to the sun,
    diffuse on the level), degrees Celsius, percent."""

    start: int
    step_s: int
    global_w_m2: list[float]
    direct_w_m2: list[float]
    diffuse_w_m2: list[float]
    temperature_c: list[float]
    cloud_pct: list[float]


@dataclass(frozen=True, slots=True)
class Observed:
    """One moment: degrees Celsius, percent, m/s, W/m2."""

    temperature_c: float
    cloud_pct: float
    humidity_pct: float
    wind_m_s: float
    global_w_m2: float
    direct_w_m2: float
    diffuse_w_m2: float


@dataclass(frozen=True, slots=True)
class Quarter:
    """`clear`: global, direct and diffuse light of a clear sky; `share`: what came through of it, None without any;
    `smooth`: the same without single clouds; `dullest`, `brightest`: the shares below a cloud and in free sun of its day."""

    clear: Light
    share: float | None
    smooth: float
    temperature_c: float
    cover: float
    dullest: float
    brightest: float

    def cloud_pct(self, share: float | None) -> float:
        """How much of the sky is covered where so much light comes through; None: at night, the day's own cover."""
        if share is None:
            return 100 * self.cover
        return 100 * min(1.0, max(0.0, (self.brightest - share) / (self.brightest - self.dullest)))


def happened(seed: int, start: int, steps: int, step_s: int = QUARTER_S, repeat: str = "") -> Outlook:
    """The weather as it was, or will be. `start` and `step_s`: whole quarters of an hour, else ValueError.

    `seed` is the demo house's; `repeat` names the fixed day that it lives for ever.
    """
    quarters = _quarters(seed, repeat, start, steps, step_s)
    return _outlook(start, step_s, quarters, [q.share for q in quarters], [q.temperature_c for q in quarters])


def foretold(seed: int, issued: int, start: int, steps: int, step_s: int = QUARTER_S, repeat: str = "") -> Outlook:
    """What the newest run at the epoch second `issued` foretold; otherwise as `happened`."""
    run = issued - issued % RUN_S
    quarters = _quarters(seed, repeat, start, steps, step_s)
    share_errors = _errors(SHARE_ERROR, seed, run, start, len(quarters))
    shares = [
        None if quarter.share is None else min(quarter.brightest, max(LEAST_SHARE, quarter.smooth + error))
        for quarter, error in zip(quarters, share_errors, strict=True)
    ]
    degrees = _errors(TEMPERATURE_ERROR, seed, run, start, len(quarters))
    return _outlook(start, step_s, quarters, shares, [q.temperature_c + e for q, e in zip(quarters, degrees, strict=True)])


def observed(seed: int, at: float, repeat: str = "") -> Observed:
    """The weather of the quarter that holds the epoch second `at`, as a station reads it."""
    start = int(at) - int(at) % QUARTER_S
    now = happened(seed, start, 1, repeat=repeat)
    hours = at / 3600
    cloud, degrees = now.cloud_pct[0], now.temperature_c[0]
    return Observed(
        temperature_c=degrees,
        cloud_pct=cloud,
        humidity_pct=min(100.0, max(25.0, 74 + 0.16 * cloud - 1.3 * (degrees - 8) + 3 * math.sin(hours * 0.37))),
        wind_m_s=max(0.2, 3.4 + 1.6 * math.sin(hours * 0.061) + 0.9 * math.sin(hours * 0.53)),
        global_w_m2=now.global_w_m2[0],
        direct_w_m2=now.direct_w_m2[0],
        diffuse_w_m2=now.diffuse_w_m2[0],
    )


def _quarters(seed: int, repeat: str, start: int, steps: int, step_s: int) -> list[Quarter]:
    if start % QUARTER_S or step_s % QUARTER_S or step_s <= 0 or steps < 0:
        raise ValueError("the demo's weather is told in whole quarters of an hour")
    found: list[Quarter] = []
    end = start + steps * step_s
    while (at := start + len(found) * QUARTER_S) < end:
        day = day_of(at)
        found += _day(seed, repeat, day)[(at - midnight(day)) // QUARTER_S : (end - midnight(day)) // QUARTER_S]
    return found


@lru_cache(maxsize=400)  # a year, 10 MB
def _day(seed: int, repeat: str, day: date) -> tuple[Quarter, ...]:
    """The quarters of a local day. A repeated day has its own sun, as the demo's panels have."""
    recipe = Recipe(seed=seed, repeat=repeat)
    model_date = recipe.model_date(day)
    skies = weather(recipe.seed_of(model_date), model_date)
    seconds = midnight(next_day(day)) - midnight(day)
    clear = [_clear(midnight(model_date) + second + NODE_S / 2) for second in range(0, seconds, NODE_S)]
    shares = _shares(recipe.seed_of(model_date), model_date, skies.cover, clear)
    means = []
    for first in range(0, len(clear), NODES):
        of_quarter = clear[first : first + NODES]
        bright = sum(glob for glob, _direct, _diffuse in of_quarter)
        came = sum(light[0] * share for light, share in zip(of_quarter, shares[first : first + NODES], strict=True))
        means.append((tuple(sum(column) / NODES for column in zip(*of_quarter, strict=True)), came / bright if bright else None))
    dullest, brightest = dullest_and_brightest(skies.cover)
    return tuple(
        Quarter(light, share, _around(means, index), skies.temperature_c((index + 0.5) * QUARTER_S), skies.cover, dullest, brightest)
        for index, (light, share) in enumerate(means)
    )


def _clear(at: float) -> Light:
    elevation, _azimuth = position(at)
    direct, diffuse = clear_sky(elevation)
    return direct * math.sin(elevation) + diffuse if direct else 0.0, direct, diffuse


def _shares(seed: object, day: date, cover: float, clear: list[Light]) -> list[float]:
    """The mean share of light in each five minutes; 0 in the dark."""
    lit = [index for index, (_global, direct, _diffuse) in enumerate(clear) if direct]
    shares = [0.0] * len(clear)
    if lit:
        steps = light(seed, day, cover, lit[0] * NODE_STEPS, (lit[-1] + 1) * NODE_STEPS)
        for place, index in enumerate(range(lit[0], lit[-1] + 1)):
            shares[index] = sum(steps[place * NODE_STEPS : (place + 1) * NODE_STEPS]) / NODE_STEPS
    return shares


def _around(means: Sequence[tuple[object, float | None]], index: int) -> float:
    near = [share for _light, share in means[max(0, index - SMOOTHED) : index + SMOOTHED + 1] if share is not None]
    return sum(near) / len(near) if near else 0.0


def _errors(error: Error, seed: int, run: int, start: int, count: int) -> list[float]:
    own = _series(error, (seed, run), start, count)
    common = _series(error, (seed,), start, count)
    both = (math.sqrt(1 - SHARED) * mine + math.sqrt(SHARED) * ours for mine, ours in zip(own, common, strict=True))
    return [error.deviation(start + i * QUARTER_S - run) * value for i, value in enumerate(both)]


def _series(error: Error, key: tuple[int, ...], start: int, count: int) -> list[float]:
    """Unit AR(1) values of the quarters from `start` on: the same for a quarter, wherever the series is entered."""
    first = start // QUARTER_S
    chunk = first // CHUNK
    values: list[float] = []
    while (at := first + len(values)) < first + count:
        chunk = at // CHUNK
        values += _chunk(error, key, chunk)[at - chunk * CHUNK : first + count - chunk * CHUNK]
    return values


@lru_cache(maxsize=64)
def _chunk(error: Error, key: tuple[int, ...], number: int) -> tuple[float, ...]:
    """Run in from the chunk before, whose beginning is forgotten by then."""
    keep = math.exp(-QUARTER_S / error.memory_s)
    fresh = math.sqrt(1 - keep * keep)
    value = 0.0
    values: list[float] = []
    for which in (number - 1, number):
        source = chance(key, error.name, which)
        values = []
        for _quarter in range(CHUNK):
            value = keep * value + fresh * source.gauss(0, 1)
            values.append(value)
    return tuple(values)


def _outlook(start: int, step_s: int, quarters: list[Quarter], shares: list[float | None], degrees: list[float]) -> Outlook:
    def means(values: list[float]) -> list[float]:
        width = step_s // QUARTER_S
        return [sum(values[first : first + width]) / width for first in range(0, len(values), width)]

    lights = [[(share or 0.0) * part for part in quarter.clear] for quarter, share in zip(quarters, shares, strict=True)]
    return Outlook(
        start=start,
        step_s=step_s,
        global_w_m2=means([light[0] for light in lights]),
        direct_w_m2=means([light[1] for light in lights]),
        diffuse_w_m2=means([light[2] for light in lights]),
        temperature_c=means(degrees),
        cloud_pct=means([quarter.cloud_pct(share) for quarter, share in zip(quarters, shares, strict=True)]),
    )
