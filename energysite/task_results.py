"""How each task ended last: a small Redis hash written by the worker after each task. There is no result backend.

`tasks:last`: name of the periodic task (of the task, where beat did not send it) -> {"task", "at", "seconds", "ok", "error"}.
"""

import json
import threading
import time
from dataclasses import dataclass
from typing import Any, cast

import redis
from celery import signals, states

from energysite import live
from energysite.text import plain

LAST = live.TASKS_LAST
ERROR_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Ended:
    """`at`: epoch of its end. `error`: empty when it went well."""

    name: str
    task: str
    at: float
    seconds: float
    ok: bool
    error: str


class _Running:
    """When each task that runs in this process began."""

    def __init__(self) -> None:
        self._began: dict[str, float] = {}
        self._lock = threading.Lock()

    def begin(self, task_id: str) -> None:
        with self._lock:
            self._began[task_id] = time.monotonic()

    def end(self, task_id: str) -> float:
        with self._lock:
            return time.monotonic() - self._began.pop(task_id, time.monotonic())


_running = _Running()


@signals.task_prerun.connect(dispatch_uid="task begins")
def _begins(task_id: str, **_more: Any) -> None:
    _running.begin(task_id)


@signals.task_postrun.connect(dispatch_uid="task ended")
def _ended(task_id: str, task: Any, retval: Any, state: str | None, **_more: Any) -> None:
    seconds = _running.end(task_id)
    ok = state == states.SUCCESS
    error = "" if ok else plain(f"{type(retval).__name__}: {retval}" if isinstance(retval, BaseException) else str(state), ERROR_SHOWN)
    told = {"task": task.name, "at": time.time(), "seconds": round(seconds, 4), "ok": ok, "error": error}
    name = getattr(task.request, "periodic_task_name", None) or task.name  # a header that beat gives
    with live.publisher().writing() as pipe:
        pipe.hset(LAST, name, json.dumps(told))


def last(client: redis.Redis) -> list[Ended]:
    """By name. Raises redis.RedisError."""
    rows = cast(dict[bytes, bytes], client.hgetall(LAST))
    return [Ended(name=name.decode(), **json.loads(text)) for name, text in sorted(rows.items())]
