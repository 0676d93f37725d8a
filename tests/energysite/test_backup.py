"""A house saved, restored into another database and compared; and what is refused. Real databases, commands as they are typed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from energysite import backup_databases
from tests.energysite.backups import AWKWARD, SECRET, contents, furnish, manifest, members, naive_days, rebuilt, side_database
from tests.running_site import alive
from tests.waiting import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def own_url() -> str:
    return backup_databases.url(backup_databases.own())


def manage(*arguments: str, database: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """A command with this database as its own."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": database or own_url(), **more},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    furnish()
    path = tmp_path / "house.zip"
    call_command("backup", str(path), stdout=StringIO(), stderr=StringIO())
    return path


@pytest.fixture
def empty() -> Iterator[str]:
    with side_database("energysite_side") as url:
        yield url


def test_every_row_and_every_days_counters_come_back(saved: Path, empty: str) -> None:
    done = manage("restore", str(saved), "--into", empty)
    assert done.returncode == 0, done.stderr
    tables = [name for name in manifest(saved)["tables"] if name != "energysite_auditentry"]
    assert {"meters_electricityreading", "meters_volumereading", "meters_undecodabletelegram", "auth_user", "django_content_type"} <= {
        *tables
    }
    assert contents(empty, tables) == contents(own_url(), tables)
    assert naive_days(empty) == naive_days(own_url())
    assert [count for _source, _day, count, _wh in naive_days(empty)] == [96, 100, 96, 92]
    [before], [after] = (contents(url, ["energysite_auditentry"]).values() for url in (own_url(), empty))
    assert set(before) < set(after)
    assert len(after) == len(before) + 1, "that it was restored is written down"
    with psycopg.connect(empty) as restored:
        assert restored.execute("SELECT raw, detail FROM meters_undecodabletelegram").fetchone() == (bytes(range(256)) * 3, AWKWARD[:200])
        assert restored.execute("SELECT detail->'after'->>1 FROM energysite_auditentry WHERE action = 'changed'").fetchone() == (AWKWARD,)


def test_a_restored_house_goes_on_counting_its_rows(saved: Path, empty: str) -> None:
    assert manage("restore", str(saved), "--into", empty).returncode == 0
    with psycopg.connect(empty) as restored:
        newest = restored.execute("SELECT max(id) FROM meters_source").fetchone()
        added = restored.execute(
            "INSERT INTO meters_source (kind, medium, name, serial, unit, by_hand)"
            " VALUES ('volume', 'water', 'new', 'n', '', false) RETURNING id"
        ).fetchone()
        assert newest is not None
        assert added == (newest[0] + 1,)
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            restored.execute("INSERT INTO meters_volumereading (source_id, time, volume_l, flags) VALUES (99, now(), 1, 0)")
            restored.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_sessions_attempts_and_keys_for_programs_are_not_in_it_and_password_hashes_are(saved: Path) -> None:
    parts = members(saved)
    assert not [name for name in parts if name.startswith(("django_session", "axes_", "energysite_apitoken", "django_migrations"))]
    assert not any(SECRET.encode() in part for part in parts.values())
    assert b"argon2" in parts["auth_user.copy"]


def test_verify_says_that_it_is_good_and_leaves_no_database(saved: Path) -> None:
    done = manage("verify_backup", str(saved))
    assert done.returncode == 0, done.stderr
    assert "8 days of sources" in done.stdout
    assert "restored" not in done.stdout, "it must not look as if the house had been touched"
    with psycopg.connect(own_url()) as server:
        assert server.execute("SELECT datname FROM pg_database WHERE datname LIKE '%verify%'").fetchall() == []


def lower_a_counter(parts: dict[str, bytes], _told: dict[str, Any]) -> None:
    lines = parts["meters_electricityreading.copy"].splitlines(keepends=True)
    parts["meters_electricityreading.copy"] = b"".join(line.replace(b"\t1000\t", b"\t999\t") for line in lines)


def lose_a_source(parts: dict[str, bytes], _told: dict[str, Any]) -> None:
    parts["meters_source.copy"] = parts["meters_source.copy"].splitlines(keepends=True)[0]


def bring_another_table(parts: dict[str, bytes], told: dict[str, Any]) -> None:
    parts["pg_authid.copy"] = b"x\n"
    told["tables"]["pg_authid"] = {"columns": ["rolname"]}


def bring_another_column(_parts: dict[str, bytes], told: dict[str, Any]) -> None:
    told["tables"]["meters_source"]["columns"][0] = "id\") FROM PROGRAM 'id' --"


def come_from_later(_parts: dict[str, bytes], told: dict[str, Any]) -> None:
    told["migrations"]["meters"].append("9999_later")


def hold_words_for_numbers(parts: dict[str, bytes], _told: dict[str, Any]) -> None:
    parts["meters_volumereading.copy"] = parts["meters_volumereading.copy"].replace(b"\t500\t", b"\tmany\t")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lower_a_counter, "1 differ: meters_electricityreading"),
        (lose_a_source, "violates foreign key constraint"),
        (bring_another_table, "other tables (pg_authid)"),
        (bring_another_column, "other columns"),
        (come_from_later, "update first"),
        (hold_words_for_numbers, "invalid input syntax"),
    ],
)
def test_an_archive_that_does_not_hold_together_is_refused(saved: Path, tmp_path: Path, change: Any, said: str) -> None:
    done = manage("verify_backup", str(rebuilt(saved, tmp_path / "changed.zip", change)))
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_holds_something_is_left_alone(saved: Path, empty: str) -> None:
    with psycopg.connect(empty) as other:
        other.execute("CREATE TABLE precious (n int)")
    done = manage("restore", str(saved), "--into", empty)
    assert done.returncode == 1
    assert "not empty: it has a table precious" in done.stderr
    with psycopg.connect(empty) as other:
        assert other.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (1,)


def test_with_a_database_of_ones_own_it_has_to_be_named(saved: Path) -> None:
    with pytest.raises(CommandError, match="--into URL"):
        call_command("restore", str(saved))


def test_a_backup_that_is_killed_leaves_no_file_under_its_name(tmp_path: Path) -> None:
    furnish()
    path = tmp_path / "house.zip"
    with psycopg.connect(own_url()) as blocking:
        blocking.execute("LOCK TABLE meters_volumereading IN ACCESS EXCLUSIVE MODE")
        running = subprocess.Popen(
            [sys.executable, "manage.py", "backup", str(path)], cwd=settings.BASE_DIR, env={**os.environ, "DATABASE_URL": own_url()}
        )
        until(lambda: list(tmp_path.glob(".house.zip.*.part")), 30, "it has begun")
        running.send_signal(signal.SIGKILL)
        running.wait(10)
        assert not alive(running.pid)
    assert not path.exists()
    assert manage("backup", str(path)).returncode == 0
    assert manage("verify_backup", str(path)).returncode == 0


def test_one_moment_is_saved_whatever_is_written_meanwhile(tmp_path: Path, empty: str) -> None:
    furnish()
    path = tmp_path / "house.zip"
    with psycopg.connect(own_url()) as blocking:
        blocking.execute("LOCK TABLE energysite_agentstate IN ACCESS EXCLUSIVE MODE")
        running = subprocess.Popen(
            [sys.executable, "manage.py", "backup", str(path)], cwd=settings.BASE_DIR, env={**os.environ, "DATABASE_URL": own_url()}
        )
        with connection.cursor() as cursor:

            def waits() -> bool:
                cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'energysite_agentstate'::regclass")
                return bool(cursor.fetchone()[0])

            until(waits, 30, "it waits for the table")
            cursor.execute("UPDATE meters_source SET name = 'changed meanwhile' WHERE medium = 'electricity'")
            cursor.execute("DELETE FROM meters_electricityreading")
        blocking.execute("DELETE FROM meters_volumereading")
    assert running.wait(30) == 0
    assert manifest(path)["tables"]["meters_electricityreading"]["rows"] == 384
    assert manifest(path)["tables"]["meters_volumereading"]["rows"] == 96
    assert b"changed meanwhile" not in members(path)["meters_source.copy"]
