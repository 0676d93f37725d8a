"""What the demo house's people have moved beside its recipe, kept in a file so that no counter ever falls: not by a restart, not by
kill -9 (a power cut may lose what the kernel had not written).

Two files: the present, one record of a fixed length that is written over itself in one call; and the past, one line for each quarter in
which something moved and for each pause, so that a reading of any second can be told afterwards.
"""

import json
import os
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from energysite.demo.calendar import QUARTER_S

RECORD_BYTES = 4096
REGISTERS, PARTS = 4, 3
COUNTERS = REGISTERS + PARTS  # Ws: import on 1 and 2, export on 1 and 2, and what each inverter made
ZERO = (0,) * COUNTERS


class Moves:
    """`folder` None: nothing is kept. Raises OSError, and ValueError for a file that is none of these."""

    def __init__(self, folder: Path | None = None, name: str = "own") -> None:
        self.at = 0
        self.total: list[int] = [0] * COUNTERS
        self.past: list[tuple[int, tuple[int, ...]]] = []
        self.rest: dict[str, Any] = {}  # what else the house remembers, JSON
        self._log: Path | None = None
        self._file = -1
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self._log = folder / f"switched-{name}.log"
            self._file = self._opened(folder / f"switched-{name}.json")
            self._load(os.pread(self._file, RECORD_BYTES, 0))

    @staticmethod
    def _opened(path: Path) -> int:
        """A new file with the old one's record in its place: what an earlier program still writes goes nowhere."""
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.write_bytes(path.read_bytes() if path.exists() else b"")
        fresh.chmod(0o600)
        fresh.replace(path)
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def _load(self, record: bytes) -> None:
        if record.strip():
            kept = json.loads(record)
            self.at, self.total, self.rest = kept["at"], list(kept["total"]), kept["rest"]
        if self._log is not None and self._log.exists():
            # Only its last line can be half of one: the program was killed while it wrote.
            whole = self._log.read_text().rpartition("\n")[0]
            for line in whole.splitlines():
                at, *total = json.loads(line)
                if not self.past or at > self.past[-1][0]:
                    self.past.append((at, tuple(total)))

    def move(self, at: int, deltas: Sequence[int]) -> None:
        """In the second that ended at `at`. The first second of a quarter closes the one before it."""
        quarter = at - 1 - (at - 1) % QUARTER_S
        if 0 < self.at < at - 1:
            self._pause(at - 1)
        elif self.at and self.at <= quarter:
            self._close(quarter)
        self.at = at
        for index, delta in enumerate(deltas):
            self.total[index] += delta

    def _close(self, end: int) -> None:
        """The quarter that ends here has passed; it is written down when something moved in it."""
        now, last = tuple(self.total), self.past[-1] if self.past else (0, ZERO)
        if now == last[1] or end <= last[0]:
            return
        begin = end - QUARTER_S
        self._write([(begin, last[1]), (end, now)])

    def _pause(self, until: int) -> None:
        """Nothing moved from the last second that was told to this one: the program stood still."""
        now, begin = tuple(self.total), self.at - 1 - (self.at - 1) % QUARTER_S
        self._write([(begin, self.past[-1][1] if self.past else ZERO), (self.at, now), (until, now)])

    def _write(self, rows: list[tuple[int, tuple[int, ...]]]) -> None:
        """Those later than what is known."""
        rows = [row for row in rows if not self.past or row[0] > self.past[-1][0]]
        self.past.extend(rows)
        if self._log is not None and rows:
            with self._log.open("a") as log:
                log.write("".join(f"{json.dumps([at, *total])}\n" for at, total in rows))

    def keep(self) -> None:
        """What it is now survives the end of this program. Raises ValueError where it has become too long, OSError."""
        if self._file >= 0:
            record = json.dumps({"at": self.at, "total": self.total, "rest": self.rest}, separators=(",", ":")).encode()
            if len(record) > RECORD_BYTES:
                raise ValueError(f"{len(record)} bytes are more than the record of {RECORD_BYTES}")
            os.pwrite(self._file, record.ljust(RECORD_BYTES), 0)

    def around(self, at: int) -> tuple[tuple[int, tuple[int, ...]], tuple[int, tuple[int, ...]]]:
        """The last known second before or at this one and the first after it, each with what had moved by then."""
        now = (self.at, tuple(self.total))
        if at >= self.at:
            return now, now
        place = bisect_right(self.past, at, key=lambda row: row[0])
        after = self.past[place] if place < len(self.past) else now
        before = self.past[place - 1] if place else (after[0] - QUARTER_S, ZERO)
        return (before, after) if at >= before[0] else (before, before)

    def close(self) -> None:
        if self._file >= 0:
            self.keep()
            os.close(self._file)
            self._file = -1
