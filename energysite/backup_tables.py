"""Which tables a backup holds: those of the program's own models, as they stood after given migrations."""

from collections.abc import Iterable, Mapping

from django.apps import apps
from django.db import connection
from django.db.migrations.exceptions import NodeNotFoundError
from django.db.migrations.loader import MigrationLoader
from django.db.models import Model
from psycopg import sql

from energysite.backup_archive import BackupError
from energysite.secret_field import SecretField

# Log-ins and log-in attempts mean nothing elsewhere. A key for programs that was withdrawn must not come back with an old copy.
LEFT_OUT_APPS = {"sessions", "axes"}
LEFT_OUT_TABLES = {"energysite_apitoken"}
DEFAULT_ZONE = "Europe/Brussels"

Migrations = dict[str, list[str]]


def newer(loader: MigrationLoader, applied: Iterable[tuple[str, str]]) -> list[str]:
    """Applied migrations that come after the last one this program knows of their app, as "app name".

    One that would stand before it is no such sign: a package has merged its old migrations since.
    """
    known = loader.disk_migrations or {}
    last: dict[str, str] = {}
    for app, name in known:
        last[app] = max(name, last.get(app, ""))
    return sorted(f"{app} {name}" for app, name in applied if (app, name) not in known and name > last.get(app, ""))


def applied() -> Migrations:
    """The applied migrations of the database, by app."""
    found: Migrations = {}
    for app, name in sorted(MigrationLoader(connection).applied_migrations or {}):
        found.setdefault(app, []).append(name)
    return found


def leaves(loader: MigrationLoader, migrations: Migrations) -> list[tuple[str, str]]:
    """The migrations of the list on which no other of the list rests: what to migrate to. Raises BackupError."""
    wanted = {(app, name) for app, names in migrations.items() for name in names}
    if unknown := newer(loader, wanted):
        raise BackupError(f"Made by a newer version of this program (it has {', '.join(unknown[:3])}): update first, then restore it.")
    nodes = {node for node in wanted if node in loader.graph.nodes}
    nodes |= {key for key, merged in loader.replacements.items() if key in loader.graph.nodes and set(merged.replaces) <= wanted}
    return sorted(node for node in nodes if not any(child.key in nodes for child in loader.graph.node_map[node].children))


def models(loader: MigrationLoader, migrations: Migrations) -> list[type[Model]]:
    """The models whose tables a backup holds after these migrations, in the order of their tables' names."""
    targets = leaves(loader, migrations)
    if not targets:
        return []  # Django would take no target for all of them
    try:
        state = loader.project_state(targets)
    except NodeNotFoundError as error:
        raise BackupError(f"The migrations of this database do not fit together: {error}") from error
    found = {
        model._meta.db_table: model
        for model in state.apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy and not is_left_out(model._meta.app_label, model._meta.db_table)
    }
    return [found[name] for name in sorted(found)]


def is_left_out(app: str, table: str) -> bool:
    return app in LEFT_OUT_APPS or table in LEFT_OUT_TABLES


def columns(model: type[Model]) -> list[str]:
    return [field.column for field in model._meta.local_concrete_fields if field.column and not getattr(field, "generated", False)]


def secret_columns(model: type[Model]) -> dict[str, str]:
    """Columns of device passwords and keys, and what stands for them in a backup: they are never in it."""
    try:
        current = apps.get_model(model._meta.label)
    except LookupError:
        return {}
    secret = {*getattr(current, "secret_fields", ()), *(one.name for one in current._meta.fields if isinstance(one, SecretField))}
    hidden = [field for field in model._meta.local_concrete_fields if field.name in secret]
    return {str(field.column): "NULL" if field.null else "''" for field in hidden}


def select(model: type[Model]) -> sql.Composed:
    """SELECT, because the rows of a hypertable are in its parts and COPY of the table itself would find none."""
    secret = secret_columns(model)
    parts = [sql.SQL(secret[name]) if name in secret else sql.Identifier(name) for name in columns(model)]
    return sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(sql.SQL(", ").join(parts), sql.Identifier(model._meta.db_table))


def zone() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('energysite_house')")
        if cursor.fetchone() == (None,):
            return DEFAULT_ZONE
        cursor.execute("SELECT zone FROM energysite_house")
        row = cursor.fetchone()
    return str(row[0]) if row else DEFAULT_ZONE


def known_counters(counters: Mapping[str, Iterable[str]], tables: Iterable[type[Model]]) -> dict[str, list[str]]:
    """The tables and registers among `counters` that these tables have."""
    present = {model._meta.db_table: set(columns(model)) for model in tables}
    return {
        table: [name for name in registers if name in present[table]] for table, registers in sorted(counters.items()) if table in present
    }


def day_totals(tables: Iterable[type[Model]], counters: Mapping[str, list[str]], zone: str) -> sql.Composed:
    """COPY of a line for each source and local day: table, source, day, first and last reading, difference of each register.

    Two look-ups on the key a day, never a scan. The same words are asked of the database that was saved and of the restored one.
    """
    parts = [_days_of(model, counters[model._meta.db_table], zone) for model in tables if counters.get(model._meta.db_table)]
    if not parts:
        return sql.SQL("COPY (SELECT 1 WHERE false) TO STDOUT").format()
    return sql.SQL("COPY ({} ORDER BY 1, 2, 3) TO STDOUT").format(sql.SQL(" UNION ALL ").join(parts))


def _days_of(model: type[Model], registers: list[str], zone: str) -> sql.Composed:
    words: dict[str, sql.Composable] = {
        "table": sql.Identifier(model._meta.db_table),
        "sources": sql.Identifier(model._meta.get_field("source").related_model._meta.db_table),  # type: ignore[union-attr]
        "name": sql.Literal(model._meta.db_table),
        "zone": sql.Literal(zone),
        "differences": sql.SQL(", ").join(sql.SQL("late.{0} - early.{0}").format(sql.Identifier(name)) for name in registers),
    }
    return sql.SQL(
        'SELECT {name}::text COLLATE "C", source.id, day::date, early.time, late.time, ARRAY[{differences}]::bigint[]'
        " FROM {sources} AS source"
        " CROSS JOIN LATERAL (SELECT min(time) AS first, max(time) AS last FROM {table} WHERE source_id = source.id) AS span"
        " CROSS JOIN LATERAL generate_series((span.first AT TIME ZONE {zone})::date::timestamp,"
        " (span.last AT TIME ZONE {zone})::date::timestamp, interval '1 day') AS day"
        " CROSS JOIN LATERAL (SELECT * FROM {table} WHERE source_id = source.id AND time >= day AT TIME ZONE {zone}"
        " AND time < (day + interval '1 day') AT TIME ZONE {zone} ORDER BY time LIMIT 1) AS early"
        " CROSS JOIN LATERAL (SELECT * FROM {table} WHERE source_id = source.id AND time >= day AT TIME ZONE {zone}"
        " AND time < (day + interval '1 day') AT TIME ZONE {zone} ORDER BY time DESC LIMIT 1) AS late"
    ).format(**words)
