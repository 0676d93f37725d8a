"""A backup: one snapshot of the database, a COPY of each known table, in one file. Never SQL, nothing that is run.

In it: readings, sources, meters, the house, people with the hashes of their passwords (a restored house needs them), the audit.
Not in it: sessions, log-in attempts, keys of programs, passwords and keys of devices, DATA_DIR/<mode>/secret.key.
"""

import errno
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.models import Model

from energysite import backup_schedule, backup_tables, layout
from energysite.backup_archive import DAYS, BackupError, Manifest, Member, Writer, created

# (what is being done, rows done, rows in all as far as known)
Tell = Callable[[str, int, int], None]
Counters = Mapping[str, Iterable[str]]


def make(path: Path, counters: Counters, at: datetime, tell: Tell) -> Manifest:
    """Write the backup. `counters`: for days.txt, the registers by table. Raises BackupError; then there is no file."""
    try:
        with created(path) as file, transaction.atomic(durable=True):
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                cursor.execute("SET LOCAL statement_timeout = 0")
                cursor.execute("SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1")
            with Writer(file) as writer:
                manifest = _write(writer, counters, at, tell)
                writer.finish(manifest)
    except DatabaseError as error:
        raise BackupError(f"The database could not be read to its end: {str(error).strip()}") from error
    except OSError as error:
        raise BackupError(_disk(error, path)) from error
    return manifest


def _write(writer: Writer, counters: Counters, at: datetime, tell: Tell) -> Manifest:
    loader = MigrationLoader(connection)
    migrations = backup_tables.applied()
    tables = backup_tables.models(loader, migrations)
    if not tables:
        raise BackupError("The database holds no tables yet: there is nothing to back up.")
    expected = _estimates(tables)
    members: dict[str, Member] = {}
    done = 0
    for model in tables:
        members[model._meta.db_table] = _table(writer, model, lambda rows, before=done: tell("backup", before + rows, expected))  # type: ignore[misc]
        done += members[model._meta.db_table].rows
    tell("backup", done, done)
    zone = backup_tables.zone()
    known = backup_tables.known_counters(counters, tables)
    with connection.cursor() as cursor, cursor.copy(backup_tables.day_totals(tables, known, zone)) as copy:
        days = writer.add(DAYS, copy, [], lambda _rows: None)
    return Manifest(
        program=settings.VERSION,
        created=at.isoformat(),
        mode=settings.MODE,
        zone=zone,
        migrations=migrations,
        counters=known,
        tables=members,
        days=days,
    )


def _table(writer: Writer, model: type[Model], tell: Callable[[int], None]) -> Member:
    with connection.cursor() as cursor, cursor.copy(backup_tables.select(model)) as copy:
        return writer.add(f"{model._meta.db_table}.copy", copy, backup_tables.columns(model), tell)


def _estimates(tables: Iterable[type[Model]]) -> int:
    """Rows in all, as the planner believes; for the progress only."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(greatest(reltuples, 0)), 0) FROM pg_class WHERE relkind = 'r' AND relname = ANY(%s)",
            [[model._meta.db_table for model in tables]],
        )
        return int(cursor.fetchone()[0])


def _disk(error: OSError, path: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk of {path.parent} is full: no new backup was made, older ones are untouched. Make room, or set BACKUP_DIR."
    return f"{path} cannot be written: {error.strerror or error}. Choose another folder, or set BACKUP_DIR."


def folder() -> Path:
    """BACKUP_DIR, made where it is missing; raises BackupError."""
    try:
        return layout.make_folder(settings.BACKUP_DIR)
    except OSError as error:
        raise BackupError(f"The folder {settings.BACKUP_DIR} (BACKUP_DIR) cannot be made: {error.strerror}.") from error


def before_update(counters: Counters, at: datetime, tell: Tell) -> Path:
    """The backup that `up` makes before it changes the tables of a house with data. Older ones of this kind go with the nightly ones."""
    path = folder() / backup_schedule.file_name(settings.MODE, at, before_update=True)
    make(path, counters, at, tell)
    return path


def newest_before_update() -> Path | None:
    if not settings.BACKUP_DIR.is_dir():
        return None
    names = [entry.name for entry in settings.BACKUP_DIR.iterdir()]
    found = next((one for one in backup_schedule.ours(names, settings.MODE) if one.before_update), None)
    return settings.BACKUP_DIR / found.name if found else None


def has_data() -> bool:
    """Whether somebody lives in this database: an account, a meter or a source. Tables may be those of an older version."""
    with connection.cursor() as cursor:
        for table in ("auth_user", "energysite_agentstate"):
            cursor.execute("SELECT to_regclass(%s)", [table])
            if cursor.fetchone() == (None,):
                continue
            cursor.execute(f"SELECT EXISTS (SELECT FROM {table})")  # noqa: S608 — one of the two above
            if cursor.fetchone() == (True,):
                return True
    return False
