"""Readings into the database, in bulk. The only code that writes reading tables."""

from collections.abc import Iterable
from datetime import datetime
from itertools import chain, islice
from typing import Any

from django.db import IntegrityError, connection, transaction

from meters.blocks.managers import ensure_defaults
from meters.kinds import KINDS
from meters.models import Meter, Source

# The order of the rows given to `write`: the source and the time first.
COLUMNS = {name: kind.columns for name, kind in KINDS.items()}
TABLES = {name: kind.table for name, kind in KINDS.items()}
KIND_OF = {
    Source.Medium.ELECTRICITY: Source.Kind.ELECTRICITY,
    Source.Medium.GAS: Source.Kind.VOLUME,
    Source.Medium.WATER: Source.Kind.VOLUME,
    Source.Medium.SOLAR: Source.Kind.PRODUCTION,
    Source.Medium.BATTERY: Source.Kind.BATTERY,
    Source.Medium.ANALOG: Source.Kind.ANALOG,
}

FEW = 64  # rows that one INSERT carries: cheaper than a COPY
COPY_LINES = 500

Row = tuple[int | datetime | None, ...]


def write(kind: str, rows: Iterable[tuple[Any, ...]], *, durable: bool = False) -> int:
    """Store rows of `COLUMNS[kind]`; one that is already there stays as it is. In one transaction. Returns how many are new.

    Not `durable`: the commit does not wait for the disk, so a crash of the server may lose it. The caller must be able to write
    the rows again (segments, a file). Raises django.db.Error.
    """
    rows = iter(rows)
    first = next(rows, None)
    if first is None:
        return 0
    with transaction.atomic():
        if not durable:
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL synchronous_commit TO off")
        return put(kind, chain([first], rows))


def put(kind: str, rows: Iterable[tuple[Any, ...]]) -> int:
    """The same in the caller's transaction, which an error ends."""
    rows = iter(rows)
    few = list(islice(rows, FEW))
    if not few:
        return 0
    rest = next(rows, None)
    if rest is None:
        return _insert(kind, few)
    return _copy(kind, chain(few, [rest], rows))


def _insert(kind: str, rows: list[Row]) -> int:
    names = COLUMNS[kind]
    row = f"({','.join(['%s'] * len(names))})"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {TABLES[kind]} ({','.join(names)}) VALUES {','.join([row] * len(rows))} ON CONFLICT DO NOTHING",  # noqa: S608
            [value for one in rows for value in one],
        )
        return int(cursor.rowcount)


def _copy(kind: str, rows: Iterable[Row]) -> int:
    """COPY knows no ON CONFLICT: into a temporary table of the session, and from there."""
    names, table, staging = ",".join(COLUMNS[kind]), TABLES[kind], f"staging_{kind}"
    with connection.cursor() as cursor:
        # One for the session: a table for each batch would write more to the catalog than the readings take.
        cursor.execute(f"CREATE TEMPORARY TABLE IF NOT EXISTS {staging} ON COMMIT DELETE ROWS AS SELECT {names} FROM {table} WITH NO DATA")  # noqa: S608
        with connection.wrap_database_errors, cursor.copy(f"COPY {staging} ({names}) FROM STDIN WITH (NULL 'None')") as copy:
            # Numbers and times only, so nothing needs escaping; what is not there is written as Python writes it.
            line = "\t".join(["%s"] * len(COLUMNS[kind])) + "\n"
            lines = map(line.__mod__, rows)
            while block := "".join(islice(lines, COPY_LINES)):
                copy.write(block)
        cursor.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM {staging} ON CONFLICT DO NOTHING")  # noqa: S608
        new = int(cursor.rowcount)
        cursor.execute(f"TRUNCATE {staging}" if new > 100_000 else f"DELETE FROM {staging}")  # noqa: S608
    return new


def source_for(meter: Meter, medium: str, serial: str) -> Source:
    """The source of this device of the meter, made when it is new, with its data managers. `medium`: electricity, gas, water."""
    for name in _names(meter, medium, serial):
        try:
            with transaction.atomic():
                source, created = Source.objects.get_or_create(
                    meter=meter, medium=medium, serial=serial, defaults={"kind": KIND_OF[Source.Medium(medium)], "name": name}
                )
                if created:
                    ensure_defaults(source)
        except IntegrityError:
            continue  # the name is taken by another device
        return source
    raise IntegrityError(f"No free name for the source {medium} {serial} of {meter.name}.")


def _names(meter: Meter, medium: str, serial: str) -> Iterable[str]:
    """The meter's own name for its electricity, then with the serial number: a replaced device is another source."""
    plain = meter.name if medium == Source.Medium.ELECTRICITY else f"{meter.name} {medium}"
    yield plain
    yield f"{plain} {serial}"[:120].rstrip()
    for number in range(2, 100):
        yield f"{plain} {number}"
