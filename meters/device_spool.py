"""Readings of devices on disk while the database is away: segments with checksums, synced before `append` returns.

A process has a folder of its own, 0, 1 ...; what a killed one left is taken over by whoever drains next.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import structlog

from energysite.layout import make_folder
from energysite.locks import Held, Lock
from meters.segments import START, Damaged, Record, Segments, SpoolFull

log = structlog.get_logger(__name__)

CAP_BYTES = 100 << 20
BATCH = 2000
ASIDE_BYTES = 10 << 20
MOST_FOLDERS = 100

# Stores records of one batch, or raises for all of them.
Store = Callable[[list[Record]], None]


class Spool:
    """Not for two threads at once. `never`: errors of `store` that are of a record itself, however often it is tried."""

    def __init__(self, folder: Path, never: tuple[type[Exception], ...]) -> None:
        self._folder, self._never = folder, never
        self._segments: Segments | None = None
        self._lock: Lock | None = None
        self.waits = True  # or may: what an earlier process left

    def append(self, records: list[Record]) -> None:
        """On the disk itself. Raises SpoolFull."""
        self.waits = True
        segments = self._own()
        segments.append(records)
        try:
            segments.sync()
        except OSError as error:
            raise SpoolFull(f"{self._folder} cannot be written: {error.strerror}.") from error

    def drain(self, store: Store) -> None:
        """All that waits, in order, through `store`; what it raises besides `never` ends the work, and the rest waits on."""
        if not self.waits:
            return
        for place in sorted(path for path in self._folder.glob("*") if path.name.isdigit() and path.is_dir()):
            if self._segments is not None and place == self._segments.folder:
                self._empty(self._segments, store)
                continue
            lock = Lock(place.with_suffix(".lock"))
            try:
                lock.take()
            except Held:
                continue  # of a process that lives
            try:
                self._empty(Segments(place), store)
            finally:
                lock.release()
        self.waits = False

    def close(self) -> None:
        if self._segments is not None:
            self._segments.close()
        if self._lock is not None:
            self._lock.release()
        self._segments = self._lock = None
        self.waits = True

    def _own(self) -> Segments:
        if self._segments is None:
            try:
                make_folder(self._folder)
                self._segments = self._first_free()
            except OSError as error:
                raise SpoolFull(f"{self._folder} cannot be written: {error.strerror}.") from error
        return self._segments

    def _first_free(self) -> Segments:
        for number in range(MOST_FOLDERS):
            lock = Lock(self._folder / f"{number}.lock")
            try:
                lock.take()
            except Held:
                continue
            self._lock = lock
            return Segments(self._folder / str(number), cap_bytes=CAP_BYTES)
        raise SpoolFull(f"{MOST_FOLDERS} processes use {self._folder} already.")

    def _empty(self, segments: Segments, store: Store) -> None:
        position, stored = START, 0
        while True:
            batch = segments.read(position, BATCH)
            for damaged in batch.damaged:
                self._damaged(segments, damaged)
            if batch.records:
                self._store(segments, batch.records, store)
                stored += len(batch.records)
            position = batch.end
            if len(batch.records) < BATCH:
                break
        segments.release(position, final=True)
        if stored:
            log.info("readings that waited for the database are stored", readings=stored)

    def _store(self, segments: Segments, records: list[Record], store: Store) -> None:
        """A record that no database will take is set aside and stops none of the others."""
        try:
            store(records)
        except self._never as error:
            if len(records) == 1:
                self._set_aside(segments, repr(records[0]), f"{type(error).__name__}: {error}")
                return
            half = len(records) // 2
            self._store(segments, records[:half], store)
            self._store(segments, records[half:], store)

    def _damaged(self, segments: Segments, damaged: Damaged) -> None:
        if damaged.torn:
            log.warning("the last line of waiting readings was cut off, as by a power cut", lost_bytes=len(damaged.line))
        else:
            self._set_aside(segments, repr(damaged.line), "damaged")

    def _set_aside(self, segments: Segments, what: str, why: str) -> None:
        path = segments.folder / "aside.log"
        log.error("a reading was set aside", why=" ".join(why.split()), file=str(path))
        if not path.exists() or path.stat().st_size < ASIDE_BYTES:
            with path.open("a") as file:
                file.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {' '.join(why.split())} {what}\n")
