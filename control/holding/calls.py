"""Calls of devices: each in a thread of its own, so that ten that hang delay nobody. Any clock and any way to call can stand in."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

CALL_S = 5.0


class Call(Protocol):
    def done(self) -> bool: ...

    def result(self) -> Any:
        """What the work returned, or raised."""


class Calls(Protocol):
    def start(self, name: str, work: Callable[[float], Any]) -> Call:
        """Begin `work(deadline)`; the deadline is of the clock that drivers use, 5 s from now."""


@dataclass(frozen=True, slots=True)
class Clock:
    """`mono`: seconds of a clock that is never set; `wall`: epoch seconds."""

    mono: Callable[[], float]
    wall: Callable[[], float]


def boottime() -> float:
    """Monotonic, and it goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


SYSTEM = Clock(boottime, time.time)


class Threads:
    """`woken` is called whenever a call has ended."""

    def __init__(self, woken: Callable[[], None]) -> None:
        self._woken = woken

    def start(self, name: str, work: Callable[[float], Any]) -> Call:
        future: Future[Any] = Future()

        def run() -> None:
            try:
                found = work(time.monotonic() + CALL_S)
            except BaseException as error:  # told to whoever asks for the result
                future.set_exception(error)
            else:
                future.set_result(found)
            self._woken()

        threading.Thread(target=run, name=f"output {name}", daemon=True).start()
        return future
