"""Who of many devices may be read now: ten at once, and those that hang keep to three places, so that they delay nobody else. Pure.

A device is slow while its last read took long. A slow one that gave nothing, too, is asked less and less often, so that each of
more than three has its turn and one that is back is noticed within a minute.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

PLACES = 10
SLOW_PLACES = 3
# The last of the places are given for a second only: ten devices that begin to hang together leave room after that.
ROOMY = 5
QUICK_S = 1.0
# A burst of devices with the same period: how long a quick one may wait for a place.
PATIENCE_S = 1.2
LONGEST_PAUSE_S = 60.0
LONGEST_READ_S = 5.0
SHARE = 0.8  # of the period, at most, so that a read has ended before the next one


def allowed_s(period_s: float) -> float:
    """What a device that is read every `period_s` may take in all."""
    return min(LONGEST_READ_S, SHARE * period_s)


@dataclass(slots=True)
class _Known:
    reading: bool = False
    slow: bool = False
    in_vain: int = 0  # slow reads in a row that gave nothing
    again_at: float = 0.0


class Lanes:
    """Of one process; from any thread. `clock`: seconds that never go back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, patience_s: float = PATIENCE_S) -> None:
        self._clock, self._patience_s = clock, patience_s
        self._known: dict[str, _Known] = {}
        self._quick = self._slow = 0
        self._changed = threading.Condition()

    @contextmanager
    def place(self, name: str, period_s: float) -> Iterator[float | None]:
        """The seconds that a read of this device may take; None where it has to leave out a run. An error of the block is one of
        the device."""
        limit_s = self._enter(name, period_s)
        if limit_s is None:
            yield None
            return
        began, failed = self._clock(), True
        try:
            yield limit_s
            failed = False
        finally:
            self._leave(name, self._clock() - began, limit_s, period_s, failed=failed)

    def rests(self, name: str) -> bool:
        """Whether it gave nothing so often that this run is left out."""
        known = self._known.get(name)
        return known is not None and self._clock() < known.again_at

    def forget(self) -> None:
        with self._changed:
            self._known = {name: known for name, known in self._known.items() if known.reading}

    def _enter(self, name: str, period_s: float) -> float | None:
        with self._changed:
            known = self._known.setdefault(name, _Known())
            if known.reading or self._clock() < known.again_at:
                return None
            whole_s = allowed_s(period_s)
            if known.slow:
                if self._slow >= SLOW_PLACES or self._full():
                    return None
                self._slow += 1
            else:
                known.reading = True  # while it waits, too
                if not self._changed.wait_for(lambda: not self._full(), self._patience_s):
                    known.reading = False
                    return None
                if self._quick + self._slow >= ROOMY:
                    whole_s = min(whole_s, QUICK_S)
                self._quick += 1
            known.reading = True
            return whole_s

    def _full(self) -> bool:
        return self._quick + self._slow >= PLACES

    def _leave(self, name: str, took_s: float, limit_s: float, period_s: float, *, failed: bool) -> None:
        with self._changed:
            known = self._known[name]
            if known.slow:
                self._slow -= 1
            else:
                self._quick -= 1
            known.reading = False
            known.slow = took_s >= min(QUICK_S, 0.75 * limit_s)
            known.in_vain = known.in_vain + 1 if known.slow and failed else 0
            pause_s = min(LONGEST_PAUSE_S, period_s * (2**known.in_vain - 1)) if known.in_vain > 1 else 0.0
            # Just less than whole periods: the run of then may begin a moment early.
            known.again_at = self._clock() + pause_s - period_s / 2 if pause_s else 0.0
            self._changed.notify_all()
