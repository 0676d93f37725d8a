"""What a weather service tells: how it is, and how it will be. Pure.

Degrees Celsius, percent, m/s, W/m2; None is what the service did not say. Times are epoch seconds.
"""

import itertools
from dataclasses import dataclass, field

Values = list[float | None]
HOURS_AHEAD = 48


@dataclass(frozen=True, slots=True)
class Observation:
    """`global_w_m2`: all light on level ground."""

    time: int
    temperature_c: float | None = None
    cloud_pct: float | None = None
    humidity_pct: float | None = None
    wind_m_s: float | None = None
    global_w_m2: float | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """Means of each interval of `step_s` from `start` on; an empty list where the service does not tell of it at all.

    `global_w_m2` and `diffuse_w_m2` on level ground, `direct_w_m2` normal to the sun.
    """

    start: int
    step_s: int
    temperature_c: Values
    cloud_pct: Values = field(default_factory=list)
    global_w_m2: Values = field(default_factory=list)
    direct_w_m2: Values = field(default_factory=list)
    diffuse_w_m2: Values = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Report:
    observation: Observation
    forecast: Forecast


def between(instants: Values) -> Values:
    """The means of the intervals between moments that follow each other: one less than there are moments. Straight lines between
    them; None beside a moment that is not told."""
    pairs = itertools.pairwise(instants)
    return [None if first is None or last is None else (first + last) / 2 for first, last in pairs]
