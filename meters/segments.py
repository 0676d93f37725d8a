"""The spool: accepted readings on disk until the database has them for certain. Pure: files, no database.

A segment is a file of lines, `crc32 json`, eight hex digits and one record each. Nothing is ever appended to a file of an
earlier run, so a line that a power cut tore stands at a file's end. A damaged line elsewhere is handed out with its place:
never skipped in silence, and never in the way of the lines around it.
"""

import json
import os
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

CAP_BYTES = 1 << 30
FREE_BYTES = 100 << 20
ROTATE_BYTES = 1 << 20
ROTATE_S = 600.0
FREE_CHECK_S = 1.0
HEAD = 9  # the checksum and a space

Record = list[Any]


class SpoolFull(Exception):
    """Nothing was kept. The message is for a person: why, and what to do."""


class Position(NamedTuple):
    """Everything before this place has been read (or stored)."""

    segment: int
    offset: int


class Damaged(NamedTuple):
    """`line` as it stands there; without its line end it is the torn tail of a file, empty where the file itself is gone."""

    position: Position
    line: bytes

    @property
    def torn(self) -> bool:
        return bool(self.line) and not self.line.endswith(b"\n")


class Batch(NamedTuple):
    records: list[Record]
    damaged: list[Damaged]
    end: Position


START = Position(0, 0)


def line_of(record: Record) -> bytes:
    body = json.dumps(record, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(body), body)


def record_of(line: bytes) -> Record | None:
    """The record in a line without its line end; None when the checksum says it is damaged."""
    body = line[HEAD:]
    if line[:HEAD] != b"%08x " % zlib.crc32(body):
        return None
    try:
        record = json.loads(body)
    except ValueError:
        return None
    return record if isinstance(record, list) else None


def _full(why: str) -> str:
    return f"{why} New readings are refused until there is room: free some disk space or bring the database back."


def _fsync(path: Path) -> None:
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return  # released meanwhile: the database has it
    try:
        os.fsync(file)
    finally:
        os.close(file)


class Segments:
    """Append from any thread; one thread reads and releases. The folder belongs to one process at a time."""

    def __init__(
        self,
        folder: Path,
        *,
        cap_bytes: int = CAP_BYTES,
        free_bytes: int = FREE_BYTES,
        rotate_bytes: int = ROTATE_BYTES,
        rotate_s: float = ROTATE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder = folder
        self._cap, self._free, self._rotate_bytes, self._rotate_s, self._clock = cap_bytes, free_bytes, rotate_bytes, rotate_s, clock
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._sizes = {number: path.stat().st_size for number, path in self._found()}  # whole lines only, in the current one
        self._number = max(self._sizes, default=0)
        self._file: int | None = None  # the current segment, open for appending
        self._opened = 0.0
        self._unsynced: set[int] = set()
        self._free_checked = -FREE_CHECK_S

    def _found(self) -> list[tuple[int, Path]]:
        return sorted((int(path.stem), path) for path in self.folder.glob("*.seg") if path.stem.isdigit())

    def path(self, number: int) -> Path:
        return self.folder / f"{number:010d}.seg"

    # Append

    def append(self, records: Iterable[Record]) -> None:
        """All of them in one write, or none: SpoolFull. They survive the death of this process from here on."""
        data = b"".join(map(line_of, records))
        with self._lock:
            self._check_room(len(data))
            try:
                self._write(data)
            except OSError as error:
                raise SpoolFull(_full(f"{self.folder} cannot be written: {error.strerror}.")) from error

    def _check_room(self, more: int) -> None:
        if sum(self._sizes.values()) + more > self._cap:
            raise SpoolFull(_full(f"The spool in {self.folder} holds its limit of {self._cap >> 20} MB."))
        if self._clock() - self._free_checked < FREE_CHECK_S:
            return
        disk = os.statvfs(self.folder)
        if disk.f_bavail * disk.f_frsize < self._free:
            raise SpoolFull(_full(f"Less than {self._free >> 20} MB are free on the disk of {self.folder}."))
        self._free_checked = self._clock()

    def _write(self, data: bytes) -> None:
        size = self._sizes.get(self._number, 0)
        if self._file is not None and (size >= self._rotate_bytes or self._clock() - self._opened >= self._rotate_s):
            self._close()
        if self._file is None:
            self._open()
            size = 0
        assert self._file is not None
        written = 0
        try:
            while written < len(data):
                written += os.write(self._file, data[written:])
        except OSError:
            self._cut(size)
            raise
        self._sizes[self._number] = size + len(data)
        self._unsynced.add(self._number)

    def _cut(self, size: int) -> None:
        """Take back half a line: none may stand in the middle of a segment."""
        assert self._file is not None
        try:
            os.ftruncate(self._file, size)
        except OSError:
            self._close()  # then it stands at a file's end, where it does no harm

    def _open(self) -> None:
        path = self.path(self._number + 1)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self._number += 1
        self._sizes[self._number] = 0
        self._opened = self._clock()

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def sync(self) -> None:
        """To the disk itself: a power cut after this loses nothing that was appended before. Raises OSError."""
        with self._lock:
            numbers, self._unsynced = self._unsynced, set()
        if not numbers:
            return
        try:
            for path in [*map(self.path, numbers), self.folder]:
                _fsync(path)
        except OSError:
            with self._lock:
                self._unsynced |= numbers
            raise

    def close(self) -> None:
        with self._lock:
            self._close()

    # Read

    def read(self, position: Position, limit: int) -> Batch:
        """Up to `limit` records after `position`. The batch's end is where the next one begins."""
        records: list[Record] = []
        damaged: list[Damaged] = []
        with self._lock:
            sizes, newest = dict(self._sizes), self._number
            current = newest if self._file is not None else None
        for number in sorted(number for number in sizes if number >= position.segment):
            offset = position.offset if number == position.segment else 0
            for line in self._lines(number, offset, sizes[number]):
                record = record_of(line[:-1]) if line.endswith(b"\n") else None
                if record is not None:
                    records.append(record)
                else:
                    damaged.append(Damaged(Position(number, offset), line))
                offset += len(line)
                if len(records) >= limit:
                    return Batch(records, damaged, Position(number, offset))
            position = Position(number, sizes[number])
        if position.segment != current and position.segment <= newest:
            position = Position(position.segment + 1, 0)
        return Batch(records, damaged, position)

    def _lines(self, number: int, offset: int, size: int) -> Iterator[bytes]:
        """The lines of a segment between two offsets, with their ends; an empty one where the file is gone or cut short."""
        try:
            with self.path(number).open("rb") as file:
                file.seek(offset)
                while offset < size:
                    line = file.readline(size - offset)
                    yield line
                    offset += len(line) or size
        except FileNotFoundError:
            yield b""

    def waiting(self, position: Position) -> int:
        """Bytes after `position`."""
        with self._lock:
            sizes = dict(self._sizes)
        after = sum(size for number, size in sizes.items() if number >= position.segment)
        return after - (position.offset if position.segment in sizes else 0)

    # Release

    def release(self, position: Position, *, final: bool = False) -> int:
        """Delete the segments that end before `position`; with `final` also the current one, when it does. How many."""
        with self._lock:
            if final and position.segment == self._number and position.offset >= self._sizes.get(self._number, 0):
                self._close()
                position = Position(self._number + 1, 0)
            gone = [number for number in self._sizes if number < position.segment]
            for number in gone:
                self.path(number).unlink(missing_ok=True)
                del self._sizes[number]
        return len(gone)
