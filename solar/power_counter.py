"""Counters of a device that tells only its power: of a battery, or of panels whose inverter counts its battery in. Pure.

Between two readings the power is taken for a straight line; where it crosses nought, what lies on each side goes to its own counter.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Count:
    """At an epoch second: W (positive: it gives), and what it took and gave so far, in watt-seconds, so that nothing is lost to
    rounding between readings."""

    at: float
    w: int
    taken_ws: int = 0
    given_ws: int = 0

    @property
    def taken_wh(self) -> int:
        return self.taken_ws // 3600

    @property
    def given_wh(self) -> int:
        return self.given_ws // 3600


def counted(before: Count | None, at: float, w: int, longest_gap_s: float) -> Count:
    """With a reading more. After a gap of more than `longest_gap_s` nobody knows what happened: nothing is added."""
    if before is None:
        return Count(at, w)
    taken_ws = given_ws = 0
    gap_s = at - before.at
    if 0 < gap_s <= longest_gap_s:
        taken_ws, given_ws = _between(before.w, w, gap_s)
    return Count(at, w, before.taken_ws + taken_ws, before.given_ws + given_ws)


def _between(first_w: int, last_w: int, seconds: float) -> tuple[int, int]:
    """Ws taken and given on a straight line from one power to the other."""
    if first_w * last_w >= 0:
        parts = [(first_w + last_w) / 2 * seconds]
    else:
        crossing = abs(first_w) / (abs(first_w) + abs(last_w))
        parts = [first_w / 2 * crossing * seconds, last_w / 2 * (1 - crossing) * seconds]
    return round(-sum(part for part in parts if part < 0)), round(sum(part for part in parts if part > 0))
