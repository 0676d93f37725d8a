"""A backup into an empty database: its own tables first, then its rows, then the newer migrations; checked before it is kept.

Only tables and columns that this program's migrations make are filled. Everything happens in the default database, so that
migrations cannot reach another one: to restore elsewhere, a process of its own has that one as its default.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import zip_longest
from pathlib import Path

from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.models import Model
from psycopg import sql

from energysite import backup_tables
from energysite.backup_archive import BackupError, Damaged, Manifest, Reader

Tell = Callable[[str, int, int], None]
MOST_NAMED = 3


def inspect(path: Path) -> Manifest:
    """What the file says of itself, if this program can restore it; raises BackupError. Asks no database."""
    with Reader(path) as archive:
        _tables(archive.manifest)
        return archive.manifest


def _tables(manifest: Manifest) -> list[type[Model]]:
    """The tables to fill. The manifest has to name just these, with just their columns."""
    tables = backup_tables.models(MigrationLoader(None), manifest.migrations)
    known = {model._meta.db_table: backup_tables.columns(model) for model in tables}
    if wrong := sorted(known.keys() ^ manifest.tables.keys()):
        raise Damaged(f"This is no backup of this program: it has other tables ({', '.join(wrong)[:200]}). Nothing was changed.")
    for name, member in manifest.tables.items():
        if sorted(member.columns) != sorted(known[name]):
            raise Damaged(f"This is no backup of this program: its {name} has other columns. Nothing was changed.")
    if backup_tables.known_counters(manifest.counters, tables) != manifest.counters:
        raise Damaged("This is no backup of this program: it counts what is not there. Nothing was changed.")
    return tables


def load(path: Path, tell: Tell) -> Manifest:
    """Restore into the default database, which has to be empty. Raises BackupError; then the database is of no use any more."""
    with Reader(path) as archive:
        tables = _tables(archive.manifest)
        try:
            _refuse_what_is_used()
            executor = MigrationExecutor(connection)
            executor.migrate(backup_tables.leaves(executor.loader, archive.manifest.migrations))
            with transaction.atomic(durable=True), connection.cursor() as cursor:
                _fill(cursor, archive, tables, tell)
                _compare(cursor, archive, tables)
            call_command("migrate", verbosity=0, interactive=False)
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")
        except DatabaseError as error:
            raise BackupError(f"The database refuses what is in {path.name}: {str(error).strip()}") from error
        return archive.manifest


def _refuse_what_is_used() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace"
            " WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND nspname !~ '^(pg_|information_schema$|_?timescaledb_)'"
            " AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e')"
            " LIMIT 1"
        )
        row = cursor.fetchone()
    if row is not None:
        raise BackupError(f"The database is not empty: it has a table {row[0]}. Create a new one and name that; this one was left alone.")


def _fill(cursor: CursorWrapper, archive: Reader, tables: list[type[Model]], tell: Tell) -> None:
    """Foreign keys come back after the rows: one check of a table instead of one a row, whose list would fill the memory."""
    cursor.execute("SET LOCAL statement_timeout = 0")
    cursor.execute(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'f' AND connamespace = current_schema()::regnamespace AND conparentid = 0"
    )
    foreign_keys = cursor.fetchall()
    for table, name, _definition in foreign_keys:
        cursor.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(sql.SQL(table), sql.Identifier(name)))
    names = [sql.Identifier(model._meta.db_table) for model in tables]
    cursor.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(names)))
    done, total = 0, archive.manifest.total_rows
    for model in tables:
        columns = sql.SQL(", ").join(map(sql.Identifier, archive.manifest.tables[model._meta.db_table].columns))
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(model._meta.db_table), columns)
        with connection.wrap_database_errors, cursor.copy(statement) as copy:
            for block in archive.blocks(model._meta.db_table):
                copy.write(block)
                done += block.count(b"\n")
                tell("restore", done, total)
    for table, name, definition in foreign_keys:
        cursor.execute(sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(sql.SQL(table), sql.Identifier(name), sql.SQL(definition)))
    _set_sequences(cursor, tables)


def _set_sequences(cursor: CursorWrapper, tables: list[type[Model]]) -> None:
    for model in tables:
        table = sql.Identifier(model._meta.db_table)
        for column in backup_tables.columns(model):
            cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [f'"{model._meta.db_table}"', column])
            [sequence] = cursor.fetchone()
            if sequence is not None:
                cursor.execute(
                    sql.SQL("SELECT setval({}, coalesce(max({}), 0) + 1, false) FROM {}").format(
                        sql.Literal(sequence), sql.Identifier(column), table
                    )
                )


def _compare(cursor: CursorWrapper, archive: Reader, tables: list[type[Model]]) -> None:
    """What the database now says against what the archive says: rows of each table, and each day's differences of counters."""
    for model in tables:
        name = model._meta.db_table
        cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name)))
        [rows] = cursor.fetchone()
        if rows != archive.manifest.tables[name].rows:
            raise BackupError(f"{name} has {rows} rows after the restore, the backup {archive.manifest.tables[name].rows}.")
    statement = backup_tables.day_totals(tables, archive.manifest.counters, archive.manifest.zone)
    saved = (line for block in archive.blocks(None) for line in block.splitlines())
    with connection.wrap_database_errors, cursor.copy(statement) as copy:
        wrong = [(was or now).decode() for was, now in zip_longest(saved, _lines(copy)) if was != now]
    if wrong:
        days = "; ".join(" ".join(line.split("\t")[:3]) for line in wrong[:MOST_NAMED])
        raise BackupError(f"Not every day counts what it counted when it was saved; {len(wrong)} differ: {days}.")


def _lines(copy: Iterable[bytes | bytearray | memoryview]) -> Iterator[bytes]:
    for piece in copy:
        yield from bytes(piece).splitlines()
