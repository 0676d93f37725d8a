"""What `up` runs once its servers answer: tables, the commands' token, the one-time token of the first owner."""

import errno
import sys
from typing import Any

from django.conf import settings
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from energysite import agents, backup, backup_tables, owners, schedule, setup_token, tokens
from energysite.backup_archive import BackupError
from energysite.house_run import TRY_LATER
from energysite.management.commands._backup import Progress, counters
from meters.blocks import managers

DISK_FULL = "53100"


class Command(BaseCommand):
    help = "Bring the database's tables up to date and make the tokens; part of `manage.py up`, harmless to run again."
    requires_system_checks = "__all__"

    def handle(self, **options: Any) -> None:
        try:
            self._migrate()
            managers.ensure_all()
            schedule.reconcile(agents.kinds().values())
            tokens.ensure_cli_token(settings.MODE_DIR / "cli.token")
            self._setup_token()
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) == DISK_FULL:
                raise CommandError(f"The disk of the database is full. Make room and start again; nothing was lost. ({error})") from error
            self.stderr.write(f"database: no answer yet, it is asked again. {str(error).strip()}")
            sys.exit(TRY_LATER)
        except DatabaseError as error:
            raise CommandError(f"The database refuses: {error}") from error
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise CommandError(
                    f"The disk that holds {settings.DATA_DIR} is full. Make room and start again; nothing was lost."
                ) from error
            raise

    def _migrate(self) -> None:
        executor = MigrationExecutor(connection)
        self._refuse_newer(executor.loader)
        if plan := executor.migration_plan(executor.loader.graph.leaf_nodes()):
            self._back_up()
            self.stdout.write(f"database: {len(plan)} steps bring its tables up to date")
            call_command("migrate", verbosity=0, interactive=False)
        if "timescale" in get_commands():
            call_command("timescale", quiet_without=not settings.DATABASE_URL, stdout=self.stdout, stderr=self.stderr)

    def _refuse_newer(self, loader: MigrationLoader) -> None:
        """A database that a later program changed is left alone: this one would misread it."""
        newer = backup_tables.newer(loader, loader.applied_migrations or {})
        if not newer:
            return
        copy = backup.newest_before_update()
        back = f"MODE={settings.MODE} .venv/bin/python manage.py restore {copy or 'FILE'}"
        raise CommandError(
            f"The database was made by a newer version of this program (it has {', '.join(newer[:3])}). Nothing was changed. "
            f"Start the newer version again; or, to go back for good, restore the backup that it made before the update: {back}"
        )

    def _back_up(self) -> None:
        """Before the tables of a house with data change: the way back."""
        if not backup.has_data():
            return
        progress = Progress(self.stderr)
        try:
            path = backup.before_update(counters(), timezone.now(), progress)
        except BackupError as error:
            raise CommandError(f"Its tables need an update, and there has to be a backup before. {error}") from error
        finally:
            progress.end()
        self.stdout.write(f"database: backup before the update in {path}")

    def _setup_token(self) -> None:
        """In the demo it leads to the real house, in the house to its first owner; afterwards there is none."""
        wanted = self._demo_leads_to_house() if settings.MODE == "demo" else not owners.exists()
        if wanted:
            setup_token.ensure(settings.DATA_DIR)
        elif settings.MODE == "house":
            token = setup_token.read(settings.DATA_DIR)
            if token is not None and token.user is None:
                setup_token.remove(settings.DATA_DIR)

    def _demo_leads_to_house(self) -> bool:
        stored = settings.DATA_DIR / "mode"
        return not stored.exists() or stored.read_text().strip() != "house"
