"""What the commands of the backup share: the registers that are compared by day, and the progress on the terminal."""

import time
from typing import Any

from energysite import backup
from meters import queries

EVERY_S = 5.0  # in a log; a terminal's line is written anew more often
TERMINAL_EVERY_S = 0.2
BAR = 30


def counters() -> backup.Counters:
    return {queries.TABLES[kind]: registers for kind, registers in queries.REGISTERS.items()}


class Progress:
    """A bar on a terminal, now and then a line elsewhere. Called with what is done, rows done, rows in all."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.terminal = stream.isatty()
        self._next = time.monotonic() + (0 if self.terminal else EVERY_S)
        self._open = False

    def __call__(self, what: str, done: int, total: int, unit: str = "rows") -> None:
        """`str` keeps Django from painting it as an error."""
        now = time.monotonic()
        if now < self._next and not (self.terminal and done >= total):
            return
        self._next = now + (TERMINAL_EVERY_S if self.terminal else EVERY_S)
        total = max(total, done)
        share = done / total if total else 1.0
        line = f"{what}: {share:4.0%} {done:,} {unit}"
        if self.terminal:
            filled = round(share * BAR)
            self.stream.write(f"\r[{'#' * filled}{'.' * (BAR - filled)}] {line}", str, "")
            self._open = True
        else:
            self.stream.write(line, str)

    def end(self) -> None:
        if self._open:
            self.stream.write("")
            self._open = False
