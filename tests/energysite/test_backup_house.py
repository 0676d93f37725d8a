"""Backups of a whole house: into an empty data folder, at night, before an update, and back from one."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from dashboard import health_facts, health_words
from energysite import backup_databases, backup_schedule, backup_watch, layout
from energysite.models import AuditEntry
from tests.energysite.backups import contents, furnish, manifest, members, side_database
from tests.running_site import BASE_DIR, RunningSite, environment, manage
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


def save(path: Path) -> Path:
    call_command("backup", str(path), stdout=StringIO(), stderr=StringIO())
    return path


def same_house(one: Path, other: Path) -> None:
    """Rows of every table and totals of every day; the audit of the second also says that it was restored."""
    before, after = (manifest(path)["tables"] for path in (one, other))
    assert {name: entry["rows"] for name, entry in before.items() if name != "energysite_auditentry"} == {
        name: entry["rows"] for name, entry in after.items() if name != "energysite_auditentry"
    }
    for name in ("days.txt", "meters_source.copy", "meters_undecodabletelegram.copy", "auth_user.copy"):
        assert members(one)[name] == members(other)[name], name


def side_databases(data_dir: Path) -> list[str]:
    """The databases beside the house's own, by a look at the running server."""
    with psycopg.connect(f"postgresql://energysite@/postgres?host={layout.run_dir(data_dir, 'house')}") as server:
        return [name for (name,) in server.execute("SELECT datname FROM pg_database WHERE datname LIKE 'energysite\\__%' ORDER BY 1")]


@pytest.mark.slow
def test_an_empty_data_folder_becomes_the_house_and_a_killed_restore_leaves_it_alone(data_dir: Path, tmp_path: Path) -> None:
    furnish()
    saved = save(tmp_path / "house.zip")

    refused = manage(data_dir, "restore", str(saved))
    assert refused.returncode == 1
    assert f"MODE=house .venv/bin/python manage.py restore {saved}" in refused.stderr

    done = manage(data_dir, "restore", str(saved), MODE="house")
    assert done.returncode == 0, done.stderr
    assert "is kept as" not in done.stdout, "nobody lived in the new folder's first database"
    assert (data_dir / "mode").read_text() == "house\n"
    assert manage(data_dir, "backup", str(tmp_path / "again.zip")).returncode == 0
    same_house(saved, tmp_path / "again.zip")

    # Killed while the new database is being filled.
    running = subprocess.Popen([sys.executable, "manage.py", "restore", str(saved)], cwd=BASE_DIR, env=environment(data_dir))

    def has_begun() -> bool:
        assert running.poll() is None
        try:
            return side_databases(data_dir) == ["energysite_restoring"]
        except psycopg.OperationalError:
            return False

    until(has_begun, 60, "the new database is there")
    running.send_signal(signal.SIGKILL)
    running.wait(10)
    assert manage(data_dir, "backup", str(tmp_path / "after.zip")).returncode == 0
    assert members(tmp_path / "after.zip")["days.txt"] == members(saved)["days.txt"]

    # And once more, over what the killed one left; the house of before stays until the site has started.
    done = manage(data_dir, "restore", str(saved))
    assert done.returncode == 0, done.stderr
    assert "is kept as energysite_before_" in done.stdout
    site = RunningSite(data_dir)
    try:
        site.ready()
        refused = manage(data_dir, "restore", str(saved))
        assert refused.returncode == 1
        assert "Stop it first" in refused.stderr
        until(lambda: side_databases(data_dir) == [], 30, "the worker drops the old database")
    finally:
        site.stop()


# Before an update, and back


@pytest.fixture
def older(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a house with data whose tables are those of an earlier version."""
    furnish()
    saved = save(tmp_path / "furnished.zip")
    with side_database("energysite_older") as url:
        where = {"DATABASE_URL": url, "DATA_DIR": str(tmp_path / "data"), "BACKUP_DIR": str(tmp_path / "second disk")}
        assert run("restore", str(saved), "--here", **where).returncode == 0
        assert run("migrate", "django_celery_beat", "0018", **where).returncode == 0
        yield where


def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=BASE_DIR,
        env={**os.environ, **more},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.slow
def test_an_update_is_preceded_by_a_backup_that_can_be_restored_and_a_newer_database_says_so(older: dict[str, str]) -> None:
    done = run("prepare", **older)
    assert done.returncode == 0, done.stderr
    assert done.stdout.index("backup before the update") < done.stdout.index("bring its tables up to date")
    [made] = Path(older["BACKUP_DIR"]).iterdir()
    assert made.name.startswith("energysite-house-before-update-")
    assert "0019_alter_periodictasks_options" not in manifest(made)["migrations"]["django_celery_beat"]
    assert run("prepare", **older).stdout.count("backup") == 0, "without a change there is none"

    with side_database("energysite_back") as url:
        assert run("restore", str(made), "--into", url, **older).returncode == 0
        assert contents(url, ["django_celery_beat_periodictask", "meters_electricityreading"]) == contents(
            older["DATABASE_URL"], ["django_celery_beat_periodictask", "meters_electricityreading"]
        )
        with psycopg.connect(url) as restored:
            names = restored.execute("SELECT name FROM django_migrations WHERE app = 'django_celery_beat'").fetchall()
            assert ("0019_alter_periodictasks_options",) in names, "restored as it was, then brought up to date"

    with psycopg.connect(older["DATABASE_URL"]) as database:
        database.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('meters', '9999_later', now())")
    refused = run("prepare", **older)
    assert refused.returncode == 1
    assert "newer version of this program (it has meters 9999_later)" in refused.stderr
    assert f"manage.py restore {made}" in refused.stderr


@pytest.mark.slow
def test_without_room_for_the_backup_there_is_no_update(older: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused = run("prepare", **{**older, "BACKUP_DIR": str(tmp_path / "file" / "x")})
    assert refused.returncode == 1
    assert "BACKUP_DIR" in refused.stderr
    with psycopg.connect(older["DATABASE_URL"]) as database:
        names = database.execute("SELECT name FROM django_migrations WHERE app = 'django_celery_beat'").fetchall()
        assert ("0019_alter_periodictasks_options",) not in names


# At night


@pytest.fixture
def night(settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A house that was set up long ago and had no backup yet; its folder."""
    folder = tmp_path / "second disk"
    settings.BACKUP_DIR = folder
    monkeypatch.setenv("BACKUP_DIR", str(folder))
    monkeypatch.setenv("DATABASE_URL", backup_databases.url(backup_databases.own()))
    backup_watch.state_file().unlink(missing_ok=True)
    key = settings.MODE_DIR / "secret.key"
    os.utime(key, (0, 0))
    yield folder
    backup_watch.state_file().unlink(missing_ok=True)


def line() -> health_words.Line:
    return health_words._backup(health_facts.gather(timezone.now))


def test_the_worker_makes_the_nights_backup_once_in_a_child_and_old_ones_go(night: Path) -> None:
    furnish()
    assert (line().state, line().text) == (health_words.IDLE, "None yet.")
    night.mkdir()
    for day in range(1, 12):
        (night / backup_schedule.file_name("house", datetime(2025, 1, day, 3, 30, tzinfo=UTC))).touch()
    (night / "letter.txt").touch()
    backup_watch.look()
    made = backup_watch.state()
    assert made["ok"], made
    names = sorted(entry.name for entry in night.iterdir())
    assert Path(made["file"]).name in names
    assert "letter.txt" in names
    assert len(names) == 1 + 7
    assert line().state == health_words.WELL
    assert made["file"] == line().more
    entry = AuditEntry.objects.get(action="backup made")
    assert (entry.actor, entry.detail["rows"]) == ("nightly backup", made["rows"])
    backup_watch.look()
    assert sorted(entry.name for entry in night.iterdir()) == names, "not due again"


def test_one_that_fails_is_said_on_the_page_and_in_the_audit(night: Path) -> None:
    furnish()
    night.write_text("a file where the folder should be")
    backup_watch.look()
    told = line()
    assert told.state == health_words.BAD
    assert "The last try failed. There is no good one." in told.text
    assert str(night) in told.more
    assert AuditEntry.objects.filter(action="backup failed").count() == 1
    backup_watch.look()
    assert AuditEntry.objects.filter(action="backup failed").count() == 1, "it waits an hour"


def test_the_page_says_when_nothing_came_for_two_days(night: Path) -> None:
    old = timezone.now().timestamp() - 3 * 86_400
    backup_watch.keep({"at": old, "ok": True, "good": old, "file": "x", "bytes": 1, "rows": 1})
    assert line().state == health_words.WARN
    assert "3 days old" in line().text


def test_what_a_killed_one_left_goes_after_a_day(night: Path) -> None:
    furnish()
    night.mkdir()
    parts = [night / ".energysite-house-20250101T030000Z.zip.abc.part", night / ".energysite-house-20250102T030000Z.zip.abd.part"]
    for part in parts:
        part.touch()
    os.utime(parts[0], (0, 0))
    backup_watch.look()
    assert [part.exists() for part in parts] == [False, True]


def test_the_task_is_planned_every_quarter_of_an_hour() -> None:
    entry = settings.CELERY_BEAT_SCHEDULE["nightly backup"]
    assert (entry["task"], entry["schedule"]) == ("energysite.tasks.nightly_backup", 900.0)
