"""What was read a moment ago, for who asks often: read again after some seconds, or once somebody says that it has changed."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

_all: list["Kept[object]"] = []


class Kept(Generic[T]):
    """`get` answers what `read` did at most `fresh_s` ago, in this process. All callers share the answer: nobody may change it.

    Whoever knows a stamp that changes with what is read (live.AGENTS_GENERATION) gives it: an answer of another stamp is an old one.
    """

    def __init__(self, read: Callable[[], T], fresh_s: float) -> None:
        self._read, self._fresh_s = read, fresh_s
        self._value: T | None = None
        self._until = float("-inf")
        self._stamp: bytes | None = None
        self._lock = threading.Lock()
        _all.append(self)  # type: ignore[arg-type]

    def get(self, stamp: bytes | None = None) -> T:
        """Raises what `read` raises, of which nothing is kept."""
        with self._lock:
            if time.monotonic() >= self._until or (stamp is not None and stamp != self._stamp):
                self._value = self._read()
                self._until, self._stamp = time.monotonic() + self._fresh_s, stamp
            return self._value  # type: ignore[return-value]

    def forget(self, **_signal: object) -> None:
        """The next one who asks has it read."""
        self._until = float("-inf")


def forget_all() -> None:
    for kept in _all:
        kept.forget()
