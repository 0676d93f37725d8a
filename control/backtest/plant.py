"""What a load does with the power it is given: the other half of the closed loop. Pure.

A plant is asked for the mean power of the next seconds at a level, and remembers what went in. Powers are W, energies Wh.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

HOUR_S = 3600.0
# From the contact to the current: a car and its cable speak to each other first, a compressor builds up.
LAG_S = {"ev": 20.0, "heat_pump": 60.0}
# Of its battery, from here on a car takes less and less, down to this share of its power.
TAPER_FROM, TAPER_TO = 0.97, 0.4
# A car takes 6 A or nothing.
LEAST_A, VOLTS = 6, 230
# A boiler of 200 litres from 15 to 60 degrees, what a family takes from it in a day, and what it loses standing there.
TANK_WH, TAKEN_WH, LOST_W = 10_000.0, 7_000.0, 60.0
# Its thermostat closes again so much below full.
THERMOSTAT_WH = 1_000.0
# When hot water is taken: shares of the day by local hour.
TAKEN = {6: 0.15, 7: 0.25, 8: 0.10, 12: 0.05, 18: 0.10, 19: 0.10, 20: 0.10, 21: 0.15}


class Plant(Protocol):
    """`drawn_wh`: all that went in. `missing_wh`: what should have been in by a departure, or as hot water, and was not."""

    drawn_wh: float
    missing_wh: float

    def power_w(self, level: float, at: float, seconds: float) -> float:
        """Mean of [at, at + seconds) at this level. Asked in order of time, without holes."""


class Lag:
    """Nothing flows in the first seconds after a contact closed."""

    __slots__ = ("lag_s", "on_s")

    def __init__(self, lag_s: float) -> None:
        self.lag_s = lag_s
        self.on_s = 0.0

    def share(self, level: float, seconds: float) -> float:
        """Of these seconds, how many something flows."""
        if level <= 0:
            self.on_s = 0.0
            return 0.0
        if self.on_s >= self.lag_s:
            return 1.0
        waited = min(seconds, self.lag_s - self.on_s)
        self.on_s += seconds
        return 1.0 - waited / seconds


class Steady:
    """It draws its power whenever it may."""

    def __init__(self, load_w: float, lag_s: float = 0.0) -> None:
        self.load_w = load_w
        self.drawn_wh = self.missing_wh = 0.0
        self._lag = Lag(lag_s)

    def power_w(self, level: float, at: float, seconds: float) -> float:
        if level <= 0:
            self._lag.on_s = 0.0
            return 0.0
        watts = self.load_w * level * self._lag.share(level, seconds)
        self.drawn_wh += watts * seconds / HOUR_S
        return watts


@dataclass(frozen=True, slots=True)
class Stay:
    """A car is plugged in from `comes` to `leaves` (epoch s), with room for `wh`, all of it wanted by then."""

    comes: float
    leaves: float
    wh: float


class Car:
    """A car that stands at home for some stays, in order of time; between them nothing is drawn."""

    def __init__(self, load_w: float, stays: Sequence[Stay], phases: int = 1) -> None:
        self.load_w = load_w
        self.stays = stays
        self.drawn_wh = self.missing_wh = 0.0
        self.least_w = min(load_w, LEAST_A * VOLTS * phases)
        self._lag = Lag(LAG_S["ev"])
        self._next = 0
        self._stay: Stay | None = None
        self._in_wh = 0.0

    def _here(self, at: float) -> Stay | None:
        stay = self._stay
        if stay is not None and at >= stay.leaves:
            self.missing_wh += max(0.0, stay.wh - self._in_wh)
            self._stay = stay = None
        while stay is None and self._next < len(self.stays) and at >= self.stays[self._next].comes:
            coming = self.stays[self._next]
            self._next += 1
            self._in_wh = 0.0
            self._lag.on_s = 0.0
            if at < coming.leaves:
                self._stay = stay = coming
            else:
                self.missing_wh += coming.wh
        return stay

    def power_w(self, level: float, at: float, seconds: float) -> float:
        stay = self._here(at)
        if stay is None or level <= 0:
            self._lag.on_s = 0.0
            return 0.0
        left = stay.wh - self._in_wh
        if left <= 0:
            return 0.0
        watts = self.load_w * level
        if watts < self.least_w:
            return 0.0
        watts *= self._lag.share(level, seconds)
        full = self._in_wh / stay.wh
        if full > TAPER_FROM:
            watts *= max(TAPER_TO, 1 - (full - TAPER_FROM) / (1 - TAPER_FROM) * (1 - TAPER_TO))
        wh = min(left, watts * seconds / HOUR_S)
        self._in_wh += wh
        self.drawn_wh += wh
        return wh * HOUR_S / seconds

    @property
    def room_wh(self) -> float:
        """Of the car that stands there now."""
        return 0.0 if self._stay is None else self._stay.wh - self._in_wh


class Boiler:
    """A tank that is heated up to full, loses a little and is emptied through the day. `missing_wh`: hot water that was asked for and
    was not there."""

    def __init__(self, load_w: float, offset_s: int = 3600) -> None:
        """`offset_s`: of local time, for the hours of the day at which water is taken."""
        self.load_w = load_w
        self.offset_s = offset_s
        self.drawn_wh = self.missing_wh = 0.0
        self.tank_wh = TANK_WH / 2
        self._heating = True

    def power_w(self, level: float, at: float, seconds: float) -> float:
        hour = int((at + self.offset_s) % 86_400) // 3600
        self.tank_wh -= (LOST_W * self.tank_wh / TANK_WH + TAKEN_WH * TAKEN.get(hour, 0.0)) * seconds / HOUR_S
        if self.tank_wh < 0:
            self.missing_wh -= self.tank_wh
            self.tank_wh = 0.0
        if self.tank_wh < TANK_WH - THERMOSTAT_WH:
            self._heating = True
        if level <= 0 or not self._heating:
            return 0.0
        wh = min(TANK_WH - self.tank_wh, self.load_w * level * seconds / HOUR_S)
        self.tank_wh += wh
        self._heating = self.tank_wh < TANK_WH - 1
        self.drawn_wh += wh
        return wh * HOUR_S / seconds


def plant(kind: str, load_w: float, stays: Sequence[Stay] = (), offset_s: int = 3600) -> Plant:
    """Of a kind of load, see control.rules.loads. A car without stays stands there always, and takes what comes."""
    if kind == "ev" and stays:
        return Car(load_w, stays)
    if kind == "boiler":
        return Boiler(load_w, offset_s)
    return Steady(load_w, LAG_S.get(kind, 0.0))
