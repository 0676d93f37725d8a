"""From records of the spool to rows of the tables: which source is it, and which column."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from meters.models import Meter, Source
from meters.segments import Record
from meters.storage import COLUMNS, source_for

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
        source = self._sources.get(device)
        if source is None:
            source = self._sources[device] = source_for(self.meter(meter), medium, serial).pk
        return (source, at, *[registers.get(name) for name in columns], flags)

    def by_kind(self, records: Iterable[Record]) -> dict[str, list[Row]]:
        """Raises Unplaceable, django.db.Error."""
        found: dict[str, list[Row]] = {}
        for record in records:
            row = self.row(record)
            found.setdefault(record[0], []).append(row)
        return found
