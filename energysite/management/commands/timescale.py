"""manage.py timescale: the reading tables become hypertables with the columnstore, where the server has TimescaleDB.

Nothing depends on it; it makes a year of readings ten times smaller. Harmless to run again.
"""

from argparse import ArgumentParser
from dataclasses import dataclass
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.utils.translation import gettext as _

from meters.models import AnalogReading, BatteryReading, ElectricityReading, ProductionReading, VolumeReading

# The columnstore's commands have had their present names since then.
OLDEST = (2, 18)
KEPT_AS_ROWS = "7 days"


@dataclass(frozen=True)
class Table:
    """`chunk`: the span of one chunk, some ten megabytes of rows."""

    name: str
    chunk: str


TABLES = (
    Table(ElectricityReading._meta.db_table, "7 days"),
    Table(VolumeReading._meta.db_table, "90 days"),
    Table(ProductionReading._meta.db_table, "30 days"),
    Table(BatteryReading._meta.db_table, "30 days"),
    Table(AnalogReading._meta.db_table, "30 days"),
)


class Command(BaseCommand):
    help = "Turns the tables of readings into hypertables with the columnstore, if the server's administrator has created TimescaleDB."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--quiet-without", action="store_true", help="say nothing where TimescaleDB is not there")

    def handle(self, *args: Any, quiet_without: bool = False, **options: Any) -> None:
        with connection.cursor() as cursor:
            version = _version(cursor)
            if version is None:
                if not quiet_without:
                    self.stdout.write(_absent(cursor))
                return
            if _numbers(version) < OLDEST:
                self.stdout.write(
                    _("TimescaleDB %(version)s is older than %(oldest)s and is left alone. Readings are stored all the same.")
                    % {"version": version, "oldest": ".".join(map(str, OLDEST))}
                )
                return
            columns = _has_columnstore(cursor)
            if not columns:
                self.stdout.write(_("This TimescaleDB was built without its community features: there is no columnstore."))
            for table in TABLES:
                self._convert(cursor, table, columns=columns)

    def _convert(self, cursor: CursorWrapper, table: Table, *, columns: bool) -> None:
        if table.name not in connection.introspection.table_names(cursor):
            raise CommandError(_("There is no table %(table)s yet. Run `manage.py migrate` first.") % {"table": table.name})
        cursor.execute("SELECT compression_enabled FROM timescaledb_information.hypertables WHERE hypertable_name = %s", [table.name])
        row = cursor.fetchone()
        if row is None:
            self.stdout.write(_("%(table)s becomes a hypertable; with years of readings this takes minutes.") % {"table": table.name})
            # Its key begins with the source: an index on time alone would double the writes and serve nothing.
            cursor.execute(
                "SELECT create_hypertable(%s::regclass, by_range('time', %s::interval), "
                "create_default_indexes => false, migrate_data => true)",
                [table.name, table.chunk],
            )
        if columns and (row is None or not row[0]):
            name = connection.ops.quote_name(table.name)
            cursor.execute(
                f"ALTER TABLE {name} SET (timescaledb.enable_columnstore = true, "
                "timescaledb.segmentby = 'source_id', timescaledb.orderby = 'time')"
            )
        if columns:
            cursor.execute(
                "CALL add_columnstore_policy(%s::regclass, after => %s::interval, if_not_exists => true)", [table.name, KEPT_AS_ROWS]
            )
        form = _("hypertable with columnstore") if columns else _("hypertable")
        self.stdout.write(f"{table.name}: {form}")


def _version(cursor: CursorWrapper) -> str | None:
    cursor.execute("SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'")
    row = cursor.fetchone()
    return row[0] if row else None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.partition("-")[0].split(".") if part.isdigit())


def _absent(cursor: CursorWrapper) -> str:
    """One line: the extension is not there, and how an administrator creates it."""
    cursor.execute("SELECT current_database(), EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')")
    database, installed = cursor.fetchone()
    if installed:
        how = _('its administrator creates it with: psql -d "%(database)s" -c "CREATE EXTENSION timescaledb"') % {"database": database}
    else:
        how = _("its administrator installs TimescaleDB on the server, then runs CREATE EXTENSION timescaledb in this database")
    return _("TimescaleDB is not in this database: readings are kept in plain tables, and nothing is missing. To use it, %(how)s.") % {
        "how": how
    }


def _has_columnstore(cursor: CursorWrapper) -> bool:
    cursor.execute("SELECT current_setting('timescaledb.license', true)")
    return bool(cursor.fetchone()[0] == "timescale")
