"""manage.py restore: a backup into a new database, which takes the place of the old one once it is whole."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from energysite import audit, backup, backup_databases, backup_restore
from energysite.backup_archive import BackupError, Manifest
from energysite.management.commands._backup import Progress
from energysite.permissions import Actor


class Command(BaseCommand):
    help = (
        "Restores a backup. The site has to be stopped. With the embedded database it goes into a new database, is compared with the"
        " file (rows of each table, each day's counters) and only then takes the old one's place; the old one is kept until the site"
        " has started again. With a database of your own: --into an empty one, or DATABASE_URL=... with --here. Keys for programs are"
        " to be made anew. Exit status 0 when everything is there, 1 when nothing was changed."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        where = parser.add_mutually_exclusive_group()
        where.add_argument("--into", metavar="DATABASE_URL", help="an empty database, postgresql://...")
        where.add_argument("--here", action="store_true", help="into the database of DATABASE_URL, which has to be empty")

    def handle(self, *args: Any, file: Path, into: str | None, here: bool, **options: Any) -> None:
        try:
            if here:
                self._here(file)
                return
            manifest = backup_restore.inspect(file)
            if into:
                self._into(file, into)
            elif settings.DATABASE_URL:
                raise BackupError("With a database of your own, make an empty one and name it: manage.py restore FILE --into URL")
            else:
                self._swap(file, manifest)
        except BackupError as error:
            raise CommandError(str(error)) from error

    def _here(self, file: Path) -> None:
        if not settings.DATABASE_URL:
            raise BackupError("--here fills the empty database of DATABASE_URL, and that is not set.")
        progress = Progress(self.stderr)
        try:
            manifest = backup_restore.load(file, progress)
        finally:
            progress.end()
        audit.record(Actor("restore", None), "backup restored", file.name, created=manifest.created, rows=manifest.total_rows)
        self.stdout.write(f"restored: {manifest.total_rows:,} rows of {manifest.created}; rows and days are those of the backup")

    def _into(self, file: Path, url: str) -> None:
        if not url.startswith(("postgresql://", "postgres://")):
            raise BackupError("--into takes the URL of an empty database: postgresql://user@host/name")
        backup_databases.load_elsewhere(file, url)
        self.stdout.write("Set DATABASE_URL to that database and start the site.")

    def _swap(self, file: Path, manifest: Manifest) -> None:
        if manifest.mode != settings.MODE:
            raise BackupError(
                f"This is a backup of the {manifest.mode}, and this is the {settings.MODE}."
                f" Run: MODE={manifest.mode} .venv/bin/python manage.py restore {file}"
            )
        backup_databases.refuse_in_use()
        backup_databases.refuse_without_room(manifest)
        keep = backup.has_data()
        restoring = f"{backup_databases.own()}_restoring"
        backup_databases.create(restoring)
        try:
            backup_databases.load_elsewhere(file, backup_databases.url(restoring))
            kept = backup_databases.swap(restoring, timezone.now(), keep=keep)
        except BackupError:
            backup_databases.drop(restoring)
            raise
        self._choose_mode(manifest)
        if kept:
            self.stdout.write(f"The database of before is kept as {kept} until the site has started again.")
        self.stdout.write("Start the site: make run")

    def _choose_mode(self, manifest: Manifest) -> None:
        """A restored house is what `up` shows from now on, where nothing was chosen before."""
        chosen = settings.DATA_DIR / "mode"
        if manifest.mode == "house" and not chosen.exists():
            fresh = chosen.with_name(f"mode.{os.getpid()}")
            fresh.write_text("house\n")
            fresh.replace(chosen)
