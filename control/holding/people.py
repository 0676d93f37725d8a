"""Rule 7 and 9: what a device that differs from our last command means. Pure."""

from collections import deque
from dataclasses import dataclass

from control.outputs import Reading

SAME, PERSON, TIMER, RESTART = "same", "person", "timer", "restart"
LEVEL_TOLERANCE = 0.05
TIMER_SLACK_S = 2.0
# A device's uptime is whole seconds, and its clock drifts: it booted later than it did before by more than this, or it did not restart.
BOOT_SLACK_S = 5.0
MANY, WITHIN_S = 3, 600.0


@dataclass(frozen=True, slots=True)
class Expected:
    """What the device should be. Times are monotonic.

    `certain`: our last command arrived; where that is unknown nobody is blamed. `gap`: it did not answer since.
    `armed_until`: its own timer ends then. `booted`: when it started, as it said last.
    """

    level: float
    certain: bool = True
    gap: bool = False
    armed_until: float | None = None
    booted: float | None = None


def same(one: float, other: float) -> bool:
    return abs(one - other) <= LEVEL_TOLERANCE


def booted_at(reading: Reading, now: float) -> float | None:
    return None if reading.uptime_s is None else now - reading.uptime_s


def verdict(expected: Expected, reading: Reading, now: float) -> str:
    """`now`: when the device was read. A device without power for a while, that tells no uptime, differs after a gap: it restarted."""
    booted = booted_at(reading, now)
    if booted is not None and expected.booted is not None and booted > expected.booted + BOOT_SLACK_S:
        return RESTART
    if reading.level is None or not expected.certain or same(reading.level, expected.level):
        return SAME
    if expected.gap:
        return RESTART
    if reading.level == 0 and expected.armed_until is not None and now >= expected.armed_until - TIMER_SLACK_S:
        return TIMER
    return PERSON


class Presses:
    """Three disagreements in 10 minutes pause the controller."""

    def __init__(self) -> None:
        self._at: deque[float] = deque(maxlen=MANY)

    def add(self, now: float) -> int:
        """How many there were in the last 10 minutes, this one included (3 at most)."""
        self._at.append(now)
        return sum(now - at <= WITHIN_S for at in self._at)

    def clear(self) -> None:
        self._at.clear()
