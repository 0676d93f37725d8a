"""The state of agents: a Redis hash each, copied to AgentState at most once a minute and when `error` changes."""

import hashlib
import json
import logging
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any, cast

import redis
from django.db import DatabaseError, connection
from django.utils import timezone

from energysite import live, schedule
from energysite.models import AgentState

logger = logging.getLogger(__name__)

COPY_EVERY_S = 60.0


def state_group(name: str) -> str:
    """The Channels group that hears of this agent's states; names may hold what group names may not."""
    return f"agent.{hashlib.sha256(name.encode()).hexdigest()[:32]}"


def _key(name: str) -> str:
    return f"agent:{name}"


def report(name: str, **state: Any) -> None:
    """What an agent says of itself now; `at` (epoch) is added. Never blocks on the database, never raises while Redis is away."""
    report_all({name: state})


def report_all(states: Mapping[str, dict[str, Any]]) -> None:
    """The same of several, sent together."""
    with live.publisher().writing() as pipe:
        for name, state in states.items():
            _put(pipe, name, state)
    for name, state in states.items():
        _keeper.take(name, state)


def tell(name: str, state: dict[str, Any]) -> None:
    """The same where there is nothing worth a copy in the database: an idle run."""
    with live.publisher().writing() as pipe:
        _put(pipe, name, state)


def _put(pipe: redis.client.Pipeline, name: str, state: dict[str, Any]) -> None:
    state["at"] = time.time()
    pipe.hset(_key(name), mapping={key: json.dumps(value) for key, value in state.items()})
    pipe.publish(live.group_channel(state_group(name)), live.packed({"type": "agent.state", "state": state}))


def count(name: str, what: str) -> None:
    """One more of something in the live state, such as a skipped run."""
    with live.publisher().writing() as pipe:
        pipe.hincrby(_key(name), what, 1)


def read(client: redis.Redis, name: str) -> dict[str, Any]:
    """The live state, empty when there is none. Raises redis.RedisError."""
    return {key.decode(): json.loads(value) for key, value in cast(dict[bytes, bytes], client.hgetall(_key(name))).items()}


def read_all(client: redis.Redis, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The same of several, at once. Raises redis.RedisError."""
    names = list(names)
    pipe = client.pipeline(transaction=False)
    for name in names:
        pipe.hgetall(_key(name))
    return {name: {key.decode(): json.loads(value) for key, value in row.items()} for name, row in zip(names, pipe.execute(), strict=True)}


def forget(name: str) -> None:
    with live.publisher().writing() as pipe:
        pipe.delete(_key(name))
        pipe.hdel(live.LAST, name)
        pipe.hdel(live.TASKS_LAST, f"{schedule.PREFIX}{name}")
        live.agents_changed(pipe, name)


class Keeper:
    """Copies states to the database from a thread of its own: a reader must not wait for a database that is away."""

    def __init__(self) -> None:
        self._wanted = threading.Condition()
        self._due: dict[str, dict[str, Any]] = {}
        self._latest: dict[str, dict[str, Any]] = {}
        self._written: dict[str, tuple[float, Any]] = {}
        self._thread: threading.Thread | None = None

    def take(self, name: str, state: dict[str, Any]) -> None:
        with self._wanted:
            latest = self._latest[name] = {**self._latest.get(name, {}), **state}
            at, error = self._written.get(name, (float("-inf"), None))
            if time.monotonic() - at < COPY_EVERY_S and latest.get("error") == error:
                return
            self._written[name] = (time.monotonic(), latest.get("error"))
            self._due[name] = latest
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="agent states", daemon=True)
                self._thread.start()
            self._wanted.notify()

    def _run(self) -> None:
        while True:
            with self._wanted:
                self._wanted.wait_for(lambda: self._due)
                due, self._due = self._due, {}
            for name, state in due.items():
                self._write(name, state)
            connection.close()

    def _write(self, name: str, state: dict[str, Any]) -> None:
        try:
            AgentState.objects.filter(pk=name).update(state=state, updated=timezone.now())
        except DatabaseError as error:
            # The next minute brings a newer state; Redis has this one.
            logger.warning("state of %s not stored, the database is away: %s", name, error)


_keeper = Keeper()
