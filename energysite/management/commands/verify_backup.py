"""manage.py verify_backup: restores into a scratch database, compares, drops it."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from energysite import backup_databases, backup_restore
from energysite.backup_archive import BackupError


class Command(BaseCommand):
    help = (
        "Proves that a backup can be restored: into a scratch database beside the house's own, which may go on running. Compares the rows"
        " of each table, and the differences of every counter on every local day, with what the file says; then drops it. Needs room for"
        " a second database. Exit status 0 when all is the same, 1 when it is not or the file is damaged."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            manifest = backup_restore.inspect(file)
            backup_databases.drop_matching(r"verify_\d+")
            scratch = f"{backup_databases.own()}_verify_{os.getpid()}"
            backup_databases.create(scratch)
            try:
                backup_databases.load_elsewhere(file, backup_databases.url(scratch), quiet=True)
            finally:
                backup_databases.drop(scratch)
        except BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{file.name} is good: {len(manifest.tables)} tables, {manifest.total_rows:,} rows,"
            f" {manifest.days.rows:,} days of sources count what they counted on {manifest.created}"
        )
