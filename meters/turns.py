"""How many runs work at once in a process: connections of its pool are few, and other tasks need its threads. Pure."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """`most` work, `queue` more may wait for `patience_s`; whoever comes then is turned away and comes again on its period."""

    def __init__(self, most: int, queue: int, patience_s: float) -> None:
        self._most, self._queue, self._patience_s = most, queue, patience_s
        self._working = self._waiting = 0
        self._changed = threading.Condition()

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """False inside the block where there was no place."""
        taken = self._take()
        try:
            yield taken
        finally:
            if taken:
                with self._changed:
                    self._working -= 1
                    self._changed.notify()

    def wanted(self) -> bool:
        """Whether somebody waits, so that whoever has much to do lets others in between."""
        return self._waiting > 0

    def _take(self) -> bool:
        with self._changed:
            if self._working >= self._most:
                if self._waiting >= self._queue:
                    return False
                self._waiting += 1
                try:
                    if not self._changed.wait_for(lambda: self._working < self._most, self._patience_s):
                        return False
                finally:
                    self._waiting -= 1
            self._working += 1
            return True
