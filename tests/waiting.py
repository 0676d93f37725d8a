"""Waiting in tests: for an event, never for a length of time."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T], timeout_s: float = 10, message: str = "") -> T:
    """What `condition` returns as soon as that is true; AssertionError with the message after the deadline."""
    deadline = time.monotonic() + timeout_s
    pause = threading.Event()
    while True:
        if value := condition():
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {timeout_s} s: {message or condition}")
        pause.wait(0.02)
