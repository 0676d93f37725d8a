"""A house with a bit of everything, its backup taken apart and put together again, and databases beside the tests' own."""

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from axes.models import AccessAttempt
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.sessions.backends.db import SessionStore

from energysite import audit, backup_databases, tokens
from energysite.models import House
from energysite.permissions import OWNER, Actor
from meters.blocks import managers
from meters.models import UndecodableTelegram
from tests.meters.rows import electricity, make_meter, make_source, volume

AWKWARD = "Zähler\t„Keller“ \\N \\. \n'; DROP TABLE meters_source; -- 🏠"
SECRET = "a session that must not leave"
# The night of 25 hours lies in it.
START = datetime(2025, 10, 24, 22, 0, tzinfo=UTC)
STEPS = 4 * 24 * 4


def furnish() -> None:
    """Rows in the tests' database: composite keys, nulls, JSON, bytes, unicode; and what a backup leaves out."""
    House.objects.update_or_create(pk=1, defaults={"name": "Café Übermut", "zone": "Europe/Brussels"})
    user = get_user_model().objects.create_user("zoë", password="a long pass phrase")
    user.groups.add(Group.objects.get_or_create(name=OWNER)[0])
    meter = make_meter("Zähler 1", connection="socket://127.0.0.1:9")
    power, gas = make_source(meter, serial="E1"), make_source(meter, "gas", serial="G1")
    times = [START + timedelta(minutes=15 * step) for step in range(STEPS)]
    electricity(power, [(time, {"import_t1_wh": 1000 + 7 * n, "export_t2_wh": n // 3, "power_w": -n}) for n, time in enumerate(times)])
    volume(gas, [(time, 500 + n) for n, time in enumerate(times[::4])])
    managers.ensure_all()  # as `prepare` does in every house that is started
    UndecodableTelegram.objects.create(meter=meter, received=START, reason="checksum", detail=AWKWARD[:200], raw=bytes(range(256)) * 3)
    audit.record(Actor("zoë", OWNER), "changed", AWKWARD, before=None, after=[1.5, AWKWARD])
    session = SessionStore()
    session["note"] = SECRET
    session.save()
    tokens.issue("display", "viewer")
    AccessAttempt.objects.create(username=SECRET, ip_address="192.0.2.1", failures_since_start=1)


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def manifest(path: Path) -> dict[str, Any]:
    return json.loads(members(path)["manifest.json"])


def rebuilt(path: Path, to: Path, change: Callable[[dict[str, bytes], dict[str, Any]], object], *, honest: bool = True) -> Path:
    """The archive after `change(members, manifest)`; honest: the manifest fits the changed members again."""
    parts = members(path)
    told = json.loads(parts.pop("manifest.json"))
    change(parts, told)
    if honest:
        for name, entry in [("days.txt", told["days"]), *((f"{table}.copy", entry) for table, entry in told["tables"].items())]:
            if name in parts:
                data = parts[name]
                entry |= {"rows": data.count(b"\n"), "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
        archive.writestr("manifest.json", json.dumps(told))
    return to


@contextmanager
def side_database(name: str) -> Iterator[str]:
    """An empty database on the tests' server: its URL."""
    backup_databases.create(name)
    try:
        yield backup_databases.url(name)
    finally:
        backup_databases.drop(name)


def contents(url: str, tables: list[str]) -> dict[str, list[str]]:
    """Each table's rows as text, sorted."""
    with psycopg.connect(url) as connection:
        return {table: [row for (row,) in connection.execute(f"SELECT t::text FROM {table} AS t ORDER BY 1")] for table in tables}


def naive_days(url: str) -> list[tuple[Any, ...]]:
    """Each source's local days by a scan: independent of what the backup itself asks."""
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT source_id, (time AT TIME ZONE 'Europe/Brussels')::date AS day, count(*), max(import_t1_wh) - min(import_t1_wh)"
            " FROM meters_electricityreading GROUP BY 1, 2 ORDER BY 1, 2"
        ).fetchall()
