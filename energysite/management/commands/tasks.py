"""`manage.py tasks`: what the Celery workers do now, what they know, and how each periodic task ended last."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import redis
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from energysite import house, inspection, live, schedule, task_results
from energysite.broker import BrokerAway
from energysite.database import DatabaseAway, asked
from energysite.inspection import Job, Worker
from energysite.task_results import Ended

PATIENCE_S = 3.0  # longer than a page waits


class Command(BaseCommand):
    help = (
        "Shows the Celery workers: active, reserved, scheduled and registered tasks, and how each ended last. Exit status 1: none answers."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object instead of text; times are UTC")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            workers = inspection.workers(PATIENCE_S)
            ended = task_results.last(live.client())
        except (BrokerAway, redis.RedisError) as error:
            raise CommandError(
                _("Valkey does not answer, so no worker can be asked (%(error)s). Is the site running? `manage.py up` starts it.")
                % {"error": error}
            ) from None
        if options["json"]:
            self.stdout.write(json.dumps({"workers": [asdict(worker) for worker in workers], "results": [_told(one) for one in ended]}))
        else:
            self._show(workers, ended)
        if not workers:
            sys.exit(1)

    def _show(self, workers: list[Worker], ended: list[Ended]) -> None:
        names = _names()
        for worker in workers:
            self.stdout.write(f"{worker.name}: {_('answers')}")
            for title, jobs in ((_("active"), worker.active), (_("reserved"), worker.reserved), (_("scheduled"), worker.scheduled)):
                self._jobs(title, jobs, names)
            self._lines(_("registered"), worker.registered)
        if not workers:
            self.stderr.write(self.style.ERROR(_("No worker answers. Is the site running? `manage.py up` starts it.")))
        self._lines(_("last results"), [_line(one) for one in ended], indent="")

    def _jobs(self, title: str, jobs: tuple[Job, ...], names: dict[tuple[str, str], str]) -> None:
        now = datetime.now(UTC).timestamp()
        lines = []
        for job in jobs:
            running = "" if job.since is None else f" ({max(0.0, now - job.since):.1f} s)"
            lines.append(schedule.title(job.task, job.args, names) + running)
        self._lines(title, lines)

    def _lines(self, title: str, lines: Any, indent: str = "  ") -> None:
        self.stdout.write(f"{indent}{title}: {'' if lines else _('none')}".rstrip())
        for line in lines:
            self.stdout.write(f"{indent}  {line}")


def _names() -> dict[tuple[str, str], str]:
    """A task is called by its agent's name where the database can tell."""
    try:
        with asked():
            return schedule.names()
    except DatabaseAway:
        return {}


def _line(one: Ended) -> str:
    at = datetime.fromtimestamp(one.at, ZoneInfo(house.current().zone))
    word = _("done") if one.ok else _("failed: %(error)s") % {"error": one.error}
    return f"{at:%Y-%m-%d %H:%M:%S}  {one.seconds:8.3f} s  {one.name.removeprefix(schedule.PREFIX)}: {word}"


def _told(one: Ended) -> dict[str, Any]:
    told = asdict(one) | {"name": one.name.removeprefix(schedule.PREFIX)}
    return told | {"at": datetime.fromtimestamp(one.at, UTC).isoformat(timespec="seconds")}
