"""Reads every configured meter once and says in words what is wrong. Exit status 1 when anything is."""

import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import Any

import redis
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection
from django.utils.translation import gettext as _

from energysite import live
from meters import check, configuration
from meters.configuration import MeterConfig

# As many devices as design allows at once.
AT_ONCE = 10
PROGRESS_S = 5


class Command(BaseCommand):
    help = "Reads every configured meter once: value, age, error in words. Exit status 1 if any fails or a part of the site is away."

    def handle(self, *args: Any, **options: Any) -> None:
        self.failed = False
        client = self._valkey()
        meters = self._meters()
        if client is not None:
            self._reader(client)
        if not meters:
            self._line(True, _("Meters"), _("none is configured: /setup/meter/ connects one."))
        self._check(meters, client)
        if self.failed:
            raise SystemExit(1)

    def _line(self, fine: bool, what: str, words: str) -> None:
        mark = self.style.SUCCESS(_("fine")) if fine else self.style.ERROR(_("WRONG"))
        self.failed = self.failed or not fine
        self.stdout.write(f"{mark}  {what}: {words}")

    def _valkey(self) -> redis.Redis | None:
        client = live.client()
        try:
            client.ping()
        except redis.RedisError as error:
            self._line(False, "Valkey", _("away (%(error)s). Live values are missing; readings go on being stored.") % {"error": error})
            return None
        self._line(True, "Valkey", _("answers"))
        return client

    def _meters(self) -> list[MeterConfig]:
        """From the database; while it is away, from the copy that read_meters keeps."""
        try:
            with connection.cursor() as cursor:
                cursor.execute("SHOW server_version")
                version = cursor.fetchone()[0]
            meters = configuration.from_database()
        except DatabaseError as error:
            words = _("away (%(error)s). Live works; history is kept on disk and returns.")
            self._line(False, _("Database"), words % {"error": " ".join(str(error).split())[:120]})
            return configuration.load(settings.MODE_DIR / "config" / "meters.json")
        self._line(True, _("Database"), f"PostgreSQL {version}")
        return meters

    def _reader(self, client: redis.Redis) -> None:
        runs = check.reader_runs(client, time.time())
        self._line(
            runs, check.READER, _("runs") if runs else _("does not run: start the site with manage.py up. Ports are read here meanwhile.")
        )

    def _check(self, meters: list[MeterConfig], client: redis.Redis | None) -> None:
        enabled = [meter for meter in meters if meter.enabled]
        for meter in meters:
            if not meter.enabled:
                self._line(True, meter.name, _("disabled, not read"))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            running = {pool.submit(check.check, meter, client): meter for meter in enabled}
            pending = set(running)
            while pending:
                done, pending = wait(pending, timeout=PROGRESS_S, return_when=FIRST_COMPLETED)
                for future in done:
                    self._result(running[future], future.result())
                if not done:
                    names = ", ".join(sorted(running[future].name for future in pending))
                    self.stderr.write(_("still listening (25 s at most): %(names)s") % {"names": names})

    def _result(self, meter: MeterConfig, found: check.Check) -> None:
        if not found.ok:
            self._line(False, meter.name, "\n      ".join([meter.connection, *found.error.splitlines()]))
            return
        age = _("read now") if not found.live else _("heard by read_meters %(age)s s ago") % {"age": round(found.age_s or 0)}
        self._line(True, meter.name, f"{found.words()} ({age})")
        if found.error:
            self.stdout.write(f"      {found.error}")
