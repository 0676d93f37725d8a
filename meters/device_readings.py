"""Readings of inverters, batteries and analog inputs on their way into the tables: durable once `keep` has returned.

Callers of one moment share a commit and a database connection. While the database is away readings go to a spool in
DATA_DIR/<mode>/device-readings, on the disk itself, and from there into the tables, in order, when it is back: with the next reading,
or `flush`. What is written twice is dropped by the tables' keys.
"""

import functools
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog
from django.conf import settings
from django.db import DataError, IntegrityError, transaction
from django.utils.translation import gettext as _

from energysite.database import DatabaseAway, asked, give_back
from energysite.errors import EnergyError
from meters.counting import judge
from meters.device_spool import Spool
from meters.kinds import KINDS
from meters.segments import Record, SpoolFull
from meters.storage import Row
from meters.writer import latest_now

log = structlog.get_logger(__name__)

FOLDER = "device-readings"
# A flag of a reading, beside those of ElectricityColumns: its counters are our own, the device tells only power.
COUNTED_HERE = 8
NEVER = (DataError, IntegrityError, KeyError)  # of the reading itself, however often it is tried


@dataclass(frozen=True, slots=True)
class DeviceReading:
    """`values`: by the names of its kind's columns, whole numbers; what is not there is unknown. Whole seconds of `time` count."""

    source_id: int
    kind: str
    time: datetime
    values: dict[str, int]
    flags: int = 0

    def row(self) -> Row:
        """Raises KeyError for a name that its kind does not have."""
        kind = KINDS[self.kind]
        names = (*kind.registers, *kind.channels, *kind.others)
        if unknown := self.values.keys() - set(names):
            raise KeyError(f"{self.kind} has no {sorted(unknown)[0]}")
        return (self.source_id, self.time.replace(microsecond=0), *map(self.values.get, names), self.flags)

    def record(self) -> Record:
        return [self.kind, self.source_id, int(self.time.timestamp()), self.values, self.flags]

    @classmethod
    def of(cls, record: Record) -> "DeviceReading":
        kind, source_id, at, values, flags = record
        return cls(source_id, kind, datetime.fromtimestamp(at, UTC), values, flags)


class NotKept(EnergyError):
    """The readings are neither in the database nor on the disk. The message says why."""


class _Given:
    def __init__(self, readings: Sequence[DeviceReading]) -> None:
        self.readings = readings
        self.done = False
        self.error: Exception | None = None


class Keeper:
    """Of one process, for any of its threads. `now`: what the times of readings are judged against."""

    def __init__(self, folder: Path, now: Callable[[], datetime] = latest_now) -> None:
        self._now = now
        self._given: list[_Given] = []
        self._door, self._inside = threading.Lock(), threading.Lock()
        self._spool = Spool(folder, NEVER)

    def keep(self, readings: Iterable[DeviceReading]) -> None:
        """Raises NotKept; KeyError or django.db.Error for readings that no database will take. Other callers' are not touched."""
        mine = _Given(list(readings))
        with self._door:
            self._given.append(mine)
        with self._inside:
            if not mine.done:
                with self._door:
                    given, self._given = self._given, []
                self._take(given)
        if mine.error is not None:
            raise mine.error

    def flush(self) -> bool:
        """Bring what waits on the disk to the database, if that is there. True when nothing waits any more."""
        with self._inside:
            return self._drained()

    @property
    def waits(self) -> bool:
        """Whether readings wait on the disk, or may."""
        return self._spool.waits

    def close(self) -> None:
        with self._inside:
            self._spool.close()

    def _take(self, given: list[_Given]) -> None:
        try:
            if not (self._drained() and self._stored(given)):
                self._spool_all([one for one in given if not one.done])
        except Exception as error:
            for one in given:
                one.error = one.error or error
            raise
        finally:
            for one in given:
                one.done = True

    def _drained(self) -> bool:
        if not self._spool.waits:
            return True
        try:
            with asked():
                self._spool.drain(lambda records: self._store([DeviceReading.of(record) for record in records]))
        except DatabaseAway:
            return False
        finally:
            give_back()
        return True

    def _stored(self, given: list[_Given]) -> bool:
        """False where the database is away."""
        try:
            with asked():
                self._store([reading for one in given for reading in one.readings])
        except DatabaseAway:
            return False
        except NEVER as error:
            if len(given) > 1:
                return all(self._stored([one]) for one in given)
            given[0].error = error
        finally:
            give_back()
        for one in given:
            one.done = True
        return True

    def _store(self, readings: Sequence[DeviceReading]) -> None:
        by_kind: dict[str, list[Row]] = {}
        for reading in readings:
            by_kind.setdefault(reading.kind, []).append(reading.row())
        if by_kind:
            with transaction.atomic():
                judge.take_all(by_kind, self._now(), durable=True)

    def _spool_all(self, given: Sequence[_Given]) -> None:
        try:
            self._spool.append([reading.record() for one in given for reading in one.readings])
        except SpoolFull as full:
            log.error("readings are refused", why=str(full))
            refused = NotKept(_("The readings of devices are not kept: the database is away, and the disk takes no more."))
            for one in given:
                one.error = refused


@functools.cache
def keeper() -> Keeper:
    """The process's own."""
    return Keeper(settings.MODE_DIR / FOLDER)


def keep(readings: list[DeviceReading]) -> None:
    """See Keeper.keep."""
    keeper().keep(readings)


def flush() -> bool:
    """See Keeper.flush. Costs nothing while nothing waits."""
    return keeper().flush()
