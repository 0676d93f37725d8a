"""manage.py backup: the whole house in one file, while the site runs or not."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from energysite import backup, backup_nightly, backup_schedule
from energysite.backup_archive import BackupError
from energysite.management.commands._backup import Progress, counters


class Command(BaseCommand):
    help = (
        "Writes readings, settings and people into one file (mode 0600), from one moment, while the site goes on. Without FILE a new one"
        " in BACKUP_DIR. It holds password hashes of people, but no session, no key for programs and no password of a device."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        where = parser.add_mutually_exclusive_group()
        where.add_argument("file", nargs="?", type=Path, metavar="FILE", help="the new file; one that is there is never replaced")
        where.add_argument("--to", type=Path, metavar="FOLDER", help="a new file in this folder, named by house and time")
        where.add_argument(
            "--nightly",
            action="store_true",
            help="as every night: into BACKUP_DIR, noted for /health/; then all but 7 daily and 12 monthly go",
        )

    def handle(self, *args: Any, file: Path | None, to: Path | None, nightly: bool, **options: Any) -> None:
        progress, now = Progress(self.stderr), timezone.now()
        try:
            if nightly:
                os.nice(10)
                path = backup_nightly.run(counters(), now, progress)
            else:
                path = (file or (to or backup.folder()) / backup_schedule.file_name(settings.MODE, now)).expanduser().absolute()
                if path.exists():
                    raise BackupError(f"{path} is there already; it is not replaced. Choose another name.")
                backup.make(path, counters(), now, progress)
        except BackupError as error:
            raise CommandError(str(error)) from error
        finally:
            progress.end()
        self.stdout.write(f"{path}: {path.stat().st_size / 1e6:.1f} MB. Try it now and then: manage.py verify_backup {path}")
