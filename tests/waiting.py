"""Waiting in tests: for an event, never for a length of time."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T], timeout_s: float = 10, message: str | Callable[[], str] = "") -> T:
    """What `condition` returns as soon as that is true; AssertionError with the message after the deadline.

    A message that tells what there is by then is a callable.
    """
    deadline = time.monotonic() + timeout_s
    pause = threading.Event()
    while True:
        if value := condition():
            return value
        if time.monotonic() >= deadline:
            said = message() if callable(message) else message
            raise AssertionError(f"not within {timeout_s} s: {said or condition}")
        pause.wait(0.02)
