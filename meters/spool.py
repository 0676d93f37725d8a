"""The door of the segments: what is accepted is on disk, what is refused is said loudly, once."""

import threading
import time

import structlog

from meters.segments import Record, Segments, SpoolFull

log = structlog.get_logger(__name__)


class Spool:
    """`keep` from any thread. `refusing`: why nothing is accepted at the moment, None while all is well."""

    def __init__(self, segments: Segments) -> None:
        self._segments = segments
        self._lock = threading.Lock()
        self.refusing: str | None = None
        self._since = 0.0
        self._refused = 0

    def keep(self, records: list[Record]) -> bool:
        try:
            self._segments.append(records)
        except SpoolFull as full:
            self._refuse(str(full), len(records))
            return False
        if self.refusing is not None:
            self._accept()
        return True

    def _refuse(self, why: str, count: int) -> None:
        with self._lock:
            if self.refusing is None:
                self._since, self._refused = time.time(), 0
                log.error("readings are refused", why=why)
            self.refusing = why
            self._refused += count

    def _accept(self) -> None:
        with self._lock:
            if self.refusing is not None:
                log.warning("readings are accepted again", refused=self._refused, for_s=round(time.time() - self._since))
            self.refusing = None
