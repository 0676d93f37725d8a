"""One thread carries the spool of all meters to the database, every four seconds.

A commit does not wait for the disk, so a record counts as stored for certain only when, in the same session of the same server,
pg_current_wal_flush_lsn() has passed the LSN read after its commit. Anything else (a lost connection, another start of the
server) takes the reader of the spool back to the last certain place; what is written twice is dropped by the tables' keys.
"""

import json
import threading
import time
from collections import deque
from datetime import UTC, datetime
from typing import Any

import structlog
from django.db import DataError, Error, IntegrityError, connection, transaction

from meters.clock import DAY_S, LATEST, system_synchronised
from meters.counting import judge
from meters.models import UndecodableTelegram
from meters.segments import START, Position, Record, Segments
from meters.sources import Rows, Unplaceable
from meters.totals import meter_peaks

log = structlog.get_logger(__name__)

EVERY_S = 4.0
BATCH = 5000
LONGEST_PAUSE_S = 5.0
ASIDE_BYTES = 10 << 20
KEPT_UNDECODABLE = 10_000
WAITING_UNDECODABLE = 500
RAW_BYTES = 8192

LSN = "SELECT pg_current_wal_insert_lsn() - '0/0', pg_current_wal_flush_lsn() - '0/0', pg_postmaster_start_time()"


def latest_now() -> datetime:
    """What the times of readings are judged against: the system's clock, unless it may be wrong itself (a Pi boots in the past)."""
    return datetime.now(UTC) if system_synchronised() else datetime.fromtimestamp(LATEST - DAY_S, UTC)


class Writer(threading.Thread):
    """`start`, then `finish`. `reject` and `state` may be called from any thread; the others are the thread's own."""

    def __init__(self, segments: Segments, *, every_s: float = EVERY_S, batch: int = BATCH) -> None:
        super().__init__(name="writer", daemon=True)
        self.segments = segments
        self._every_s, self._batch = every_s, batch
        self._rows = Rows()
        self._written = self._certain = START
        self._unsettled = START  # everything before has been committed, in this session
        self._marks: deque[tuple[int, Position]] = deque()  # LSN after the commit, place in the spool
        self._session: tuple[Any, ...] | None = None
        self._undecodable: deque[tuple[str, float, str, str, bytes]] = deque(maxlen=WAITING_UNDECODABLE)
        self._reported: set[Position] = set()
        self._stop_at: float | None = None
        self._wake = threading.Event()
        self._pause_s = every_s
        self.stored = 0
        self.aside = 0
        self.away: str | None = "not asked yet"  # what the database said last, None while it answers
        self._since = time.time()

    # From other threads

    def reject(self, meter: str, received: float, reason: str, detail: str, raw: bytes) -> None:
        """Keep a telegram that became no reading. While the database is away only the newest few hundred are held."""
        self._undecodable.append((meter, received, reason[:40], detail[:200], raw[:RAW_BYTES]))

    def state(self) -> dict[str, Any]:
        waiting = self.segments.waiting(self._written)
        oldest = self.segments.read(self._written, 1).records if waiting else []
        return {
            "spool_bytes": waiting,
            "spool_oldest": oldest[0][4] if oldest else None,
            "stored_total": self.stored,
            "set_aside": self.aside,
            "database": "ok" if self.away is None else "away",
            "database_error": self.away,
            "database_since": self._since,
        }

    def finish(self, timeout_s: float) -> bool:
        """Store what is there and end; what the database did not take in time stays in the spool. True when nothing is left."""
        self._stop_at = time.monotonic() + timeout_s
        self._wake.set()
        self.join(timeout_s + 0.5)
        return not self.is_alive() and self.segments.waiting(self._certain) == 0

    # The thread

    def run(self) -> None:
        try:
            while self._stop_at is None:
                more = self.step()
                if not more:
                    self._wake.wait(self._pause_s)
            self._last_steps(self._stop_at)
        finally:
            connection.close()

    def _last_steps(self, until: float) -> None:
        pause = threading.Event()
        while time.monotonic() < until:
            more = self.step()
            if self.away is not None:
                return
            if not more and not self._marks and self._unsettled == self._certain:
                self.segments.release(self._certain, final=True)
                return
            if not more:
                pause.wait(0.1)

    def step(self) -> bool:
        """One batch. True when more is waiting; never raises for a database that is away."""
        try:
            self._settle()
            more = self._store_batch()
            self._store_undecodable()
        except Error as error:
            self._lost(error)
            return False
        except OSError as error:
            log.error("the spool cannot be read", error=str(error))
            self._pause_s = LONGEST_PAUSE_S
            return False
        self._found()
        return more

    def _lost(self, error: Error) -> None:
        if self.away is None or self.away == "not asked yet":
            self._since = time.time()
            log.warning("the database is away: readings wait in the spool", error=str(error))
        self.away = str(error).strip().partition("\n")[0] or type(error).__name__
        self._pause_s = min(self._pause_s * 1.5, LONGEST_PAUSE_S)
        self._rewind()
        connection.close()

    def _found(self) -> None:
        if self.away is not None:
            log.info("the database is there", away_s=round(time.time() - self._since), waiting_bytes=self.segments.waiting(self._written))
            self.away, self._since = None, time.time()
        self._pause_s = self._every_s

    def _rewind(self) -> None:
        self._written = self._unsettled = self._certain
        self._marks.clear()
        self._session = None
        self._forget()

    def _forget(self) -> None:
        self._rows.forget()
        judge.forget()

    def _settle(self) -> None:
        """Find out what the database has for certain, and delete the segments before it."""
        with connection.cursor() as cursor:
            cursor.execute(LSN)
            inserted, flushed, started = cursor.fetchone()
        session = (connection.connection, started)
        if session != self._session:
            self._rewind()
            self._session = session
        if self._unsettled != self._certain and (not self._marks or self._marks[-1][1] != self._unsettled):
            self._marks.append((int(inserted), self._unsettled))
        while self._marks and self._marks[0][0] <= flushed:
            self._certain = self._marks.popleft()[1]
        self.segments.release(self._certain)

    def _store_batch(self) -> bool:
        batch = self.segments.read(self._written, self._batch)
        for damaged in batch.damaged:
            self._report_damage(damaged.position, damaged.line, torn=damaged.torn)
        if batch.records:
            self.stored += self._store(batch.records)
        self._written = self._unsettled = batch.end
        return len(batch.records) >= self._batch

    def _store(self, records: list[Record], *, again: bool = True) -> int:
        """Store what can be stored; a record that cannot be, ever, is set aside and stops none of the others."""
        try:
            rows, peaks = self._rows.by_kind(records), self._rows.peaks(records)
            with transaction.atomic():
                meter_peaks.store(peaks)
                return judge.take_all(rows, latest_now()).new
        except (DataError, IntegrityError, KeyError, Unplaceable) as error:
            if again and isinstance(error, (IntegrityError, KeyError)):
                self._forget()  # a source that was deleted is made anew
                return self._store(records, again=False)
            if len(records) == 1:
                self._set_aside(json.dumps(records[0]).encode(), str(error))
                return 0
            half = len(records) // 2
            return self._store(records[:half]) + self._store(records[half:])

    def _report_damage(self, position: Position, line: bytes, *, torn: bool) -> None:
        if position in self._reported:
            return
        self._reported.add(position)
        if torn:
            log.warning("the spool's last line was cut off, as by a power cut", segment=position.segment, lost_bytes=len(line))
            return
        self._set_aside(line, f"damaged in segment {position.segment} at byte {position.offset}")

    def _set_aside(self, line: bytes, why: str) -> None:
        self.aside += 1
        path = self.segments.folder / "aside.log"
        log.error("a record of the spool was set aside", why=why, file=str(path))
        entry = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {' '.join(why.split())} {line[:RAW_BYTES]!r}\n"
        if not path.exists() or path.stat().st_size < ASIDE_BYTES:
            with path.open("a") as file:
                file.write(entry)

    def _store_undecodable(self) -> None:
        """The newest 10,000 stay."""
        if not self._undecodable:
            return
        chosen = [self._undecodable.popleft() for _i in range(len(self._undecodable))]
        rows = []
        for meter, received, reason, detail, raw in chosen:
            try:
                found = self._rows.meter(meter)
            except Unplaceable:
                continue  # the meter was deleted, and its telegrams with it
            except Error:
                self._undecodable.extendleft(reversed(chosen))
                raise
            at = datetime.fromtimestamp(received, UTC)
            rows.append(UndecodableTelegram(meter=found, received=at, reason=reason, detail=detail, raw=raw))
        try:
            with transaction.atomic():
                UndecodableTelegram.objects.bulk_create(rows)
                for oldest in UndecodableTelegram.objects.order_by("-id").values_list("id", flat=True)[KEPT_UNDECODABLE:][:1]:
                    UndecodableTelegram.objects.filter(id__lte=oldest).delete()
        except IntegrityError:
            self._rows.forget()  # its meter was deleted just now
        except Error:
            self._undecodable.extendleft(reversed(chosen))
            raise
