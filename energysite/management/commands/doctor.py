"""Reads every configured device once and says in words what is wrong: meters, inverters, weather, analog inputs, outputs. Exit status 1
when anything is."""

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import redis
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection
from django.utils import timezone
from django.utils.translation import gettext as _

from control.models import Output
from control.outputs import check as output_check
from energysite import live, looking
from energysite.device_look import Look
from energysite.models import Agent
from meters import check, configuration
from meters.analog import check as analog_check
from meters.configuration import MeterConfig
from meters.models import AnalogInput
from solar import check as solar_check
from solar import fleet
from solar.models import Inverter, Weather
from solar.weather import check as weather_check

Jobs = list[looking.Job]


class Command(BaseCommand):
    help = "Reads every configured device once: value, age, error in words. Exit status 1 if any fails or a part of the site is away."

    def handle(self, *args: Any, **options: Any) -> None:
        self.failed = False
        self.where: dict[str, str] = {}
        client = self._valkey()
        meters, jobs = self._devices(client)
        if client is not None:
            self._reader(client)
        if not meters:
            self._line(True, _("Meters"), _("none is configured: /setup/meter/ connects one."))
        for found in looking.looks(jobs, self._waiting):
            self._result(found)
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

    def _devices(self, client: redis.Redis | None) -> tuple[list[MeterConfig], Jobs]:
        """From the database; while it is away, from the copies that read_meters and the worker keep."""
        now = timezone.now()
        try:
            with connection.cursor() as cursor:
                cursor.execute("SHOW server_version")
                version = cursor.fetchone()[0]
            meters = configuration.from_database()
            jobs = [
                *solar_check.jobs(now, self._enabled(Inverter)),
                *weather_check.jobs(now, self._enabled(Weather)),
                *analog_check.jobs(now, self._enabled(AnalogInput)),
                *output_check.jobs(now, self._enabled(Output)),
            ]
        except DatabaseError as error:
            words = _("away (%(error)s). Live works; history is kept on disk and returns.")
            self._line(False, _("Database"), words % {"error": " ".join(str(error).split())[:120]})
            meters = configuration.load(settings.MODE_DIR / "config" / "meters.json")
            kept = fleet.load(settings.MODE_DIR / "config" / "inverters.json") or {}
            outputs = output_check.kept(settings.MODE_DIR / "config" / "outputs.json")
            jobs = [
                *solar_check.jobs(now, self._told(known.inverter for known in kept.values())),
                *output_check.jobs(now, self._told(outputs)),
            ]
        else:
            self._line(True, _("Database"), f"PostgreSQL {version}")
        return meters, [*self._meter_jobs(meters, client), *jobs]

    def _enabled(self, kind: type[Agent]) -> Sequence[Any]:
        return self._told(kind._default_manager.order_by("pk"))

    def _told(self, devices: Iterable[Any]) -> list[Any]:
        """Those to be read; of the others it is said that they are not."""
        rows = list(devices)
        for row in rows:
            self.where[row.name] = str(getattr(row, "connection", "") or getattr(row, "address", ""))
            if not row.enabled:
                self._line(True, row.name, _("disabled, not read"))
        return [row for row in rows if row.enabled]

    def _meter_jobs(self, meters: list[MeterConfig], client: redis.Redis | None) -> Jobs:
        return [(meter.name, partial(_meter, partial(check.check, meter, client))) for meter in self._told(meters)]

    def _reader(self, client: redis.Redis) -> None:
        runs = check.reader_runs(client, time.time())
        self._line(
            runs, check.READER, _("runs") if runs else _("does not run: start the site with manage.py up. Ports are read here meanwhile.")
        )

    def _waiting(self, names: list[str]) -> None:
        self.stderr.write(_("still listening (25 s at most): %(names)s") % {"names": ", ".join(names)})

    def _result(self, found: Look) -> None:
        if not found.ok:
            self._line(False, found.name, "\n      ".join(filter(None, [self.where.get(found.name, ""), *found.error.splitlines()])))
            return
        if not found.facts:
            self._line(True, found.name, found.error)
            return
        age = _("read now") if not found.live else _("read by the site %(age)s s ago") % {"age": round(found.age_s)}
        self._line(True, found.name, f"{', '.join(found.facts)} ({age})")
        if found.error:
            self.stdout.write(f"      {found.error}")


def _meter(look: Callable[[], check.Check]) -> Look:
    """A meter's check, told as the looks of the other devices are."""
    found = look()
    facts = (found.words(),) if found.ok else ()
    return Look(found.meter, ok=found.ok, facts=facts, error=found.error, live=found.live, age_s=found.age_s or 0.0)
