"""How many runs work at once in a process: connections of its pool are few, and other tasks need its threads. Pure."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """`most` work, `queue` more may wait for `patience_s`; whoever comes then is turned away and comes again on its period."""

    def __init__(self, most: int, queue: int, patience_s: float) -> None:
        self._most, self._queue, self._patience_s = most, queue, patience_s
        self._working = self._waiting = self._lingering = 0
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
                    self._changed.notify_all()

    def wanted(self) -> bool:
        """Whether somebody waits, so that whoever has much to do lets others in between."""
        return self._waiting > 0

    def let_in(self) -> bool:
        """Between two turns of who has much to do: waits until those who wait are in. False where they are not in time, or where so
        many linger here already that more would take the threads of others."""
        with self._changed:
            if self._lingering >= self._most:
                return False
            self._lingering += 1
            try:
                return self._changed.wait_for(lambda: not self._waiting, self._patience_s)
            finally:
                self._lingering -= 1

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
                    self._changed.notify_all()
            self._working += 1
            return True
