"""Others' rules, to be scored beside ours: each sees the meter of the minute before, and answers on or off. Pure.

A step is a minute. None of them knows a month peak, and each keeps its last word while the meter says nothing, as they do.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

from control.backtest.history import STEP_S


class Rival(Protocol):
    name: str

    def level(self, net_w: float | None, own_w: float, level: float) -> float:
        """`net_w`: of the meter in the last minute, import positive, None: silent; `own_w`: of the load in it; `level`: now."""


class Nothing:
    """The load stays off."""

    name = "nothing"

    def level(self, net_w: float | None, own_w: float, level: float) -> float:
        return 0.0


class Always:
    """Nobody controls it: it takes what it wants, when it wants it."""

    name = "always"

    def level(self, net_w: float | None, own_w: float, level: float) -> float:
        return 1.0


class Plain:
    """On while the surplus carries the load, off while it does not."""

    name = "threshold"

    def __init__(self, load_w: float) -> None:
        self.load_w = load_w

    def level(self, net_w: float | None, own_w: float, level: float) -> float:
        if net_w is None:
            return level
        return 1.0 if own_w - net_w >= self.load_w else 0.0


class Original:
    """A moving average of what is given away, while on with the load's power added to it; on from `upper_w`, off below that less the
    deadband, changes `min_change_s` apart."""

    name = "original"

    def __init__(self, load_w: float, average_s: int = 300, upper_w: float | None = None, deadband_w: float | None = None) -> None:
        self.load_w = load_w
        self.upper_w = load_w if upper_w is None else upper_w
        self.lower_w = self.upper_w - (load_w / 2 if deadband_w is None else deadband_w)
        self.seen: deque[float] = deque(maxlen=max(1, average_s // STEP_S))
        self.min_change = 300 // STEP_S
        self.since = self.min_change

    def level(self, net_w: float | None, own_w: float, level: float) -> float:
        self.since += 1
        if net_w is None:
            return level
        self.seen.append(-net_w)
        if len(self.seen) < (self.seen.maxlen or 1) or self.since < self.min_change:
            return level
        mean = sum(self.seen) / len(self.seen) + (self.load_w if level else 0.0)
        wanted = 0.0 if level and mean < self.lower_w else 1.0 if not level and mean >= self.upper_w else level
        if wanted != level:
            self.since = 0
        return wanted


class Evcc:
    """On after 60 s in which the surplus carries the load, off after 180 s in which it does not."""

    name = "evcc"
    ENABLE = 60 // STEP_S
    DISABLE = 180 // STEP_S

    def __init__(self, load_w: float) -> None:
        self.load_w = load_w
        self.since = 0

    def level(self, net_w: float | None, own_w: float, level: float) -> float:
        if net_w is None:
            return level
        carried = own_w - net_w >= self.load_w
        if carried == bool(level):
            self.since = 0
            return level
        self.since += 1
        if self.since > (self.DISABLE if level else self.ENABLE):
            self.since = 0
            return 1.0 - level
        return level


def rivals(load_w: float, *, demands: bool) -> list[Rival]:
    """`demands`: the load wants so much by an hour or a day, so that leaving it alone means something."""
    found: list[Rival] = [Nothing(), Plain(load_w), Original(load_w), Evcc(load_w)]
    return [found[0], Always(), *found[1:]] if demands else found
