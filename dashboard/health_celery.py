"""What the health page says of the worker: who answers, what it does now, how each periodic task ended last.

The workers are asked in a thread, so that the page never waits longer than DEADLINE_S, whatever the broker does.
"""

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import redis
from django.utils import timezone
from django.utils.translation import gettext as _

from dashboard import ages
from dashboard.health_facts import Facts
from dashboard.health_words import BAD, WARN, WELL, Line, local_time
from energysite import inspection, live, schedule, task_results
from energysite.broker import BrokerAway
from energysite.database import DatabaseAway, asked
from energysite.inspection import DEADLINE_S, Job, Worker

FRESH_S = 5.0
OLD_S = 2 * 86_400  # a result that old is of an agent that was switched off
LONG_S = 600


@dataclass(frozen=True, slots=True)
class Answer:
    """`workers`: None while the broker is away or has not answered in time."""

    workers: list[Worker] | None
    at: float


class Inspector:
    """One question at a time, its answer kept for some seconds."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._answer = Answer(None, float("-inf"))
        self._asking = False

    def ask(self) -> list[Worker] | None:
        """Within DEADLINE_S."""
        with self._changed:
            if time.monotonic() - self._answer.at < FRESH_S:
                return self._answer.workers
            if not self._asking:
                self._asking = True
                threading.Thread(target=self._run, name="ask the workers", daemon=True).start()
            self._changed.wait_for(lambda: not self._asking, DEADLINE_S)
            return None if self._asking else self._answer.workers

    def _run(self) -> None:
        workers: list[Worker] | None = None
        try:
            workers = inspection.workers()
        except BrokerAway:
            workers = None  # the line of the live values says so, with what to do
        finally:
            with self._changed:
                self._answer, self._asking = Answer(workers, time.monotonic()), False
                self._changed.notify_all()


inspector = Inspector()


@dataclass(frozen=True, slots=True)
class Tasks:
    """`failed`: for the list of what needs attention."""

    workers: list[Line]
    results: list[dict[str, Any]]
    failed: list[Line]


def gather(known: Facts) -> Tasks:
    """Nothing is asked while Valkey is known to be away."""
    workers = inspector.ask() if known.lively is not None else None
    results = _results(known)
    failed = [
        Line(WARN, row["name"], _("Its last run failed, at %(time)s.") % {"time": row["at"]}, row["error"])
        for row in results
        if row["error"]
    ]
    return Tasks(_lines(workers, known.at.timestamp()), results, failed)


def _names() -> dict[tuple[str, str], str]:
    try:
        with asked():
            return schedule.names()
    except DatabaseAway:
        return {}


def _lines(workers: list[Worker] | None, now: float) -> list[Line]:
    if workers is None:
        return [Line(WARN, _("Worker"), _("It could not be asked."), _("It is asked again when the page is loaded again."))]
    if not workers:
        return [Line(BAD, _("Worker"), _("None answers."), _("Meters are read and stored without it; totals and history wait."))]
    names = _names()
    return [_line(worker, names, now) for worker in workers]


def _line(worker: Worker, names: dict[tuple[str, str], str], now: float) -> Line:
    waiting = len(worker.reserved)
    more = _("%(waiting)s waiting, %(later)s for later, %(known)s kinds of tasks known.") % {
        "waiting": waiting,
        "later": len(worker.scheduled),
        "known": len(worker.registered),
    }
    if not worker.active:
        return Line(WELL, worker.name, _("Answers; nothing to do just now."), more)
    doing = ", ".join(_doing(job, names, now) for job in worker.active)
    long = any(job.since is not None and now - job.since > LONG_S for job in worker.active)
    return Line(WARN if long else WELL, worker.name, _("Works on: %(tasks)s.") % {"tasks": doing}, more)


def _doing(job: Job, names: dict[tuple[str, str], str], now: float) -> str:
    name = schedule.title(job.task, job.args, names)
    if job.since is None:
        return name
    return _("%(task)s (for %(length)s)") % {"task": name, "length": ages.length(now - job.since)}


def _results(known: Facts) -> list[dict[str, Any]]:
    """Rows: name, state, word, at, seconds, error; what failed first."""
    if known.lively is None:
        return []
    try:
        ended = task_results.last(live.client())
    except redis.RedisError:
        return []
    now = known.at.timestamp()
    rows = [
        {
            "name": one.name.removeprefix(schedule.PREFIX),
            "state": WELL if one.ok else BAD,
            "word": _("done") if one.ok else _("failed"),
            "at": local_time(one.at),
            "time": timezone.localtime(datetime.fromtimestamp(one.at, UTC)),
            "seconds": one.seconds,
            "error": one.error,
        }
        for one in ended
        if now - one.at < OLD_S
    ]
    return sorted(rows, key=lambda row: (row["state"] == WELL, row["name"]))
