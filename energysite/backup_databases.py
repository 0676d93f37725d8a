"""Databases beside the house's own: a new one to restore into, a scratch one to verify in, and the swap by their names."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import psycopg
from django.conf import settings
from django.db import connection
from psycopg import sql

from energysite import children, layout
from energysite.backup_archive import BackupError, Manifest

# Rows with their keys take less than this many times their text; and the log beside them.
ROOM_FACTOR = 2.0
ROOM_BYTES = 100_000_000
USED = "The site (or another program) is using the database. Stop it first, where `up` runs with Ctrl-C, then run this again."


def own() -> str:
    return str(settings.DATABASES["default"]["NAME"])


def _given() -> dict[str, str]:
    """Where the house's server is and as whom: HOST, PORT, USER, PASSWORD; empty where not given."""
    given = settings.DATABASES["default"]
    return {name: str(given.get(name) or "") for name in ("HOST", "PORT", "USER", "PASSWORD")}


def url(name: str) -> str:
    """DATABASE_URL of another database on the same server, for the same role."""
    given = _given()
    who = quote(given["USER"], safe="") + (f":{quote(given['PASSWORD'], safe='')}" if given["PASSWORD"] else "")
    port = f":{given['PORT']}" if given["PORT"] else ""
    return f"postgresql://{who}@{port}/{quote(name, safe='')}?host={quote(given['HOST'], safe='/')}"


@contextmanager
def server() -> Iterator[psycopg.Connection]:
    """A connection to the server outside the house's database; every refusal of the server becomes a BackupError."""
    given = _given()
    try:
        with psycopg.connect(
            host=given["HOST"] or None,
            port=given["PORT"] or None,
            user=given["USER"] or None,
            password=given["PASSWORD"] or None,
            dbname="postgres",
            connect_timeout=10,
            autocommit=True,
        ) as opened:
            yield opened
    except psycopg.errors.ObjectInUse:
        raise BackupError(USED) from None
    except psycopg.errors.InsufficientPrivilege as error:
        raise BackupError(
            "This role may not create databases here. Give it CREATEDB, or name an empty database: manage.py restore FILE --into URL"
        ) from error
    except psycopg.Error as error:
        raise BackupError(f"The database server refuses: {str(error).strip()}") from error


def create(name: str) -> None:
    """A new empty database; what a killed run left under that name goes."""
    with server() as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(name)))


def drop(name: str) -> None:
    with server() as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


def drop_matching(pattern: str) -> list[str]:
    """Drop this house's side databases whose name after "<own>_" fits the pattern and that nobody uses."""
    with server() as admin:
        names = [name for (name,) in admin.execute("SELECT datname FROM pg_database WHERE NOT datistemplate")]
        found = [name for name in names if re.fullmatch(re.escape(own()) + "_" + pattern, name) and not _sessions(admin, name)]
        for name in found:
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
    return found


def drop_kept() -> list[str]:
    """The databases that restores replaced: the site has started with the new one."""
    return drop_matching(r"before_\d{8}T\d{6}")


def _sessions(admin: psycopg.Connection, name: str) -> int:
    row = admin.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid() AND backend_type = 'client backend'", [name]
    ).fetchone()
    return int(row[0]) if row else 0


def close_own() -> None:
    """This process lets go of the house's database."""
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]


def refuse_in_use() -> None:
    close_own()
    with server() as admin:
        if _sessions(admin, own()):
            raise BackupError(USED)


def refuse_without_room(manifest: Manifest) -> None:
    folder = layout.service_dir(settings.DATA_DIR, settings.MODE)
    free = os.statvfs(folder)
    needed = manifest.total_bytes * ROOM_FACTOR + ROOM_BYTES
    if free.f_bavail * free.f_frsize < needed:
        raise BackupError(
            f"Restoring needs about {needed / 1e9:.1f} GB on the disk of {folder}; {free.f_bavail * free.f_frsize / 1e9:.1f} GB are free."
            " Make room; nothing was changed."
        )


def swap(restored: str, at: datetime, *, keep: bool) -> str:
    """`restored` becomes the house's database; the old one is kept under a dated name, which is returned, or dropped.

    Both names change in one transaction: whatever is killed when, there is one database with the house's name.
    """
    close_own()
    kept = f"{own()}_before_{at:%Y%m%dT%H%M%S}"
    with server() as admin:
        with admin.transaction():
            admin.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(own()), sql.Identifier(kept)))
            admin.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(restored), sql.Identifier(own())))
        if not keep:
            admin.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(kept)))
    return kept if keep else ""


def load_elsewhere(path: Path, database_url: str, *, quiet: bool = False) -> None:
    """`manage.py restore --here` in a process of its own, whose database is the other one. Raises BackupError.

    `quiet`: only its errors and progress are seen.
    """
    environment = {**os.environ, "MODE": settings.MODE, "DATA_DIR": str(settings.DATA_DIR), "DATABASE_URL": database_url}
    # It finds the servers running, whoever started them.
    environment.setdefault("UNDER_SUPERVISOR", str(os.getpid()))
    program = [sys.executable, "manage.py", "restore", str(path.resolve()), "--here"]
    process = children.spawn(program, env=environment, cwd=settings.BASE_DIR, stdout=subprocess.DEVNULL if quiet else None)
    try:
        status = process.wait()
    except BaseException:
        process.kill()
        process.wait()
        raise
    if status:
        raise BackupError("This backup could not be restored (see above). The house itself is as it was.")
