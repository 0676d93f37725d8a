"""What the Celery workers are doing, asked from them: active, reserved, scheduled and registered tasks.

They answer over the broker within milliseconds. Nobody waits for a broker that is away: it is asked in our own way first.
"""

import time
from dataclasses import dataclass
from typing import Any

import redis

from energysite import live
from energysite.broker import BrokerAway

DEADLINE_S = 0.5
COMMANDS = ("active", "reserved", "scheduled", "registered")


@dataclass(frozen=True, slots=True)
class Job:
    """A task in a worker's hands. `since`: epoch, None before it runs."""

    task: str
    args: tuple[Any, ...]
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Worker:
    """`scheduled`: what waits for its time in the worker (a retry); periodic tasks are beat's."""

    name: str
    active: tuple[Job, ...] = ()
    reserved: tuple[Job, ...] = ()
    scheduled: tuple[Job, ...] = ()
    registered: tuple[str, ...] = ()


def workers(deadline_s: float = DEADLINE_S) -> list[Worker]:
    """Those that answer in time, by name; none: nobody does. Raises BrokerAway."""
    try:
        listening = _listening()
    except redis.RedisError as error:
        raise BrokerAway(str(error)) from error
    if not listening:
        return []
    from celery.exceptions import CeleryError  # only who asks pays for Celery's client
    from kombu.exceptions import KombuError

    from energysite.celery import app

    ends = time.monotonic() + deadline_s
    answers: dict[str, dict[str, Any]] = {}
    try:
        with app.connection_for_write() as connection:
            for command in COMMANDS:
                left_s = ends - time.monotonic()
                if left_s <= 0:
                    break
                replies = app.control.broadcast(command, reply=True, timeout=left_s, limit=listening, connection=connection)
                for reply in replies or []:
                    for name, answer in reply.items():
                        answers.setdefault(name, {})[command] = answer
    except (redis.RedisError, KombuError, CeleryError, OSError) as error:
        raise BrokerAway(str(error)) from error
    return [_worker(name, answer) for name, answer in sorted(answers.items())]


def _listening() -> int:
    """How many workers listen for such questions: those who subscribed to a pattern, which nobody else here does."""
    return sum(client.get("psub", "0") != "0" for client in live.client().client_list(_type="pubsub"))


def _worker(name: str, answer: dict[str, Any]) -> Worker:
    # A scheduled one is told as {"eta", "priority", "request": {...}}.
    requests = [entry.get("request", entry) for entry in answer.get("scheduled") or []]
    return Worker(
        name=name,
        active=tuple(_job(entry) for entry in answer.get("active") or []),
        reserved=tuple(_job(entry) for entry in answer.get("reserved") or []),
        scheduled=tuple(_job(entry) for entry in requests),
        registered=tuple(sorted(str(entry).partition(" ")[0] for entry in answer.get("registered") or [])),
    )


def _job(entry: dict[str, Any]) -> Job:
    return Job(str(entry.get("name", "")), tuple(entry.get("args") or ()), entry.get("time_start"))
