"""From records of the spool to rows of the tables: which source is it, and which column."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from meters.models import Meter, Source
from meters.segments import Record
from meters.storage import COLUMNS, source_for
from meters.totals import meter_peaks

Row = tuple[Any, ...]


class Unplaceable(Exception):
    """A record that no row can be made of, ever. The message says why."""


class Rows:
    """Remembers the sources it has met; `forget` after an error of the database, which may have lost them."""

    def __init__(self) -> None:
        self._sources: dict[tuple[str, str, str], int] = {}
        self._meters: dict[str, Meter] = {}

    def forget(self) -> None:
        self._sources.clear()
        self._meters.clear()

    def meter(self, name: str) -> Meter:
        """Raises Unplaceable, django.db.Error."""
        if name not in self._meters:
            found = Meter.objects.filter(name=name).first()
            if found is None:
                raise Unplaceable(f"There is no meter called {name}.")
            self._meters[name] = found
        return self._meters[name]

    def row(self, record: Record) -> Row:
        """A row of COLUMNS[kind]. Raises Unplaceable, django.db.Error; makes the source of a new device."""
        try:
            kind, meter, medium, serial, _received, time, flags, registers = record
            columns = COLUMNS[kind][2:-1]
            device = (meter, medium, serial)
            if not registers.keys() <= set(columns):
                raise Unplaceable(f"Unknown registers: {', '.join(registers.keys() - set(columns))}.")
            if not all(type(value) is int for value in registers.values()):
                raise Unplaceable("A register that is no whole number.")
            if medium not in Source.Medium.values:
                raise Unplaceable(f"Unknown medium: {medium}.")
            at = datetime.fromtimestamp(time, UTC)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, OSError) as error:
            raise Unplaceable(f"Not a record of a reading: {error!r}.") from error
        return (self._source(*device), at, *[registers.get(name) for name in columns], flags)

    def by_kind(self, records: Iterable[Record]) -> dict[str, list[Row]]:
        """Raises Unplaceable, django.db.Error."""
        found: dict[str, list[Row]] = {}
        for record in records:
            if _is_peak(record):
                continue
            row = self.row(record)
            found.setdefault(record[0], []).append(row)
        return found

    def peaks(self, records: Iterable[Record]) -> list[meter_peaks.Told]:
        """What meters told of their month peaks among these. Raises Unplaceable, django.db.Error."""
        found = []
        for record in records:
            if not _is_peak(record):
                continue
            try:
                _kind, meter, medium, serial, _received, time, _flags, months = record
                one = meter_peaks.told(0, datetime.fromtimestamp(time, UTC), months)
            except (ValueError, TypeError, AttributeError, OverflowError, OSError) as error:
                raise Unplaceable(f"Not a record of month peaks: {error!r}.") from error
            found.append(one._replace(source_id=self._source(meter, medium, serial)))
        return found

    def _source(self, meter: str, medium: str, serial: str) -> int:
        device = (meter, medium, serial)
        if device not in self._sources:
            self._sources[device] = source_for(self.meter(meter), medium, serial).pk
        return self._sources[device]


def _is_peak(record: Record) -> bool:
    return isinstance(record, list) and record[:1] == [meter_peaks.KIND]
