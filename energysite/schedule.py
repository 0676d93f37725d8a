"""Beat's rows of agents: each agent whose class names a `task` runs it on its period, with its id.

Written in the transaction that saves the agent, removed with it, and mended at start and every hour: beat itself writes its rows
whole, so one that is saved just then can lose a change. Rows that are not an agent's are left alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django_celery_beat.models import IntervalSchedule, PeriodicTask

if TYPE_CHECKING:
    from energysite.models import Agent

PREFIX = "agent: "
# What could make a row run at another time than on the agent's period, or elsewhere.
UNUSED: dict[str, Any] = {
    "kwargs": "{}",
    "headers": "{}",
    "crontab_id": None,
    "solar_id": None,
    "clocked_id": None,
    "queue": None,
    "exchange": None,
    "routing_key": None,
    "priority": None,
    "expires": None,
    "start_time": None,
    "one_off": False,
}


def name_of(agent: Agent) -> str:
    return f"{PREFIX}{agent.name}"


def write(agent: Agent) -> bool:
    """The row as the agent wants it, in the caller's transaction. False where it was so already; beat then reads nothing anew."""
    if not agent.task:
        return False
    row = PeriodicTask.objects.select_related("interval").filter(name=name_of(agent)).first()
    if row is not None and _right(row, agent):
        return False
    row = row or PeriodicTask(name=name_of(agent))
    for field, value in _wanted(agent).items():
        setattr(row, field, value)
    row.interval = _interval(agent.period_s)
    row.save()  # tells beat
    return True


def remove(agent: Agent) -> None:
    PeriodicTask.objects.filter(name=name_of(agent)).delete()


def reconcile(kinds: Iterable[type[Agent]]) -> int:
    """Make the rows what the agents of these kinds want; returns how many were missing, changed or nobody's."""
    mended = 0
    with transaction.atomic():
        # The rows before the agents: what is made meanwhile is then never taken for nobody's.
        rows = {row.name: row for row in PeriodicTask.objects.select_related("interval").filter(name__startswith=PREFIX)}
        periodic = [kind for kind in kinds if kind.task]
        agents = [agent for kind in periodic for agent in kind._base_manager.select_for_update(no_key=True, of=("self",)).order_by("pk")]
        for agent in agents:
            row = rows.pop(name_of(agent), None)
            if row is None or not _right(row, agent):
                mended += write(agent)
        if rows:
            PeriodicTask.objects.filter(pk__in=[row.pk for row in rows.values()]).delete()
    return mended + len(rows)


def _wanted(agent: Agent) -> dict[str, Any]:
    return {
        "task": agent.task,
        "args": json.dumps([agent.pk]),
        "enabled": agent.enabled,
        "expire_seconds": max(1, agent.period_s),
        **UNUSED,
    }


def _right(row: PeriodicTask, agent: Agent) -> bool:
    every = (row.interval.every, row.interval.period) if row.interval else None
    return every == (max(1, agent.period_s), IntervalSchedule.SECONDS) and all(
        getattr(row, field) == value for field, value in _wanted(agent).items()
    )


def _interval(period_s: int) -> IntervalSchedule:
    """One row for all agents of this period. Two made at the same moment do no harm: the first is taken."""
    spec = {"every": max(1, period_s), "period": IntervalSchedule.SECONDS}
    return IntervalSchedule.objects.filter(**spec).order_by("pk").first() or IntervalSchedule.objects.create(**spec)


def names() -> dict[tuple[str, str], str]:
    """(task, args as JSON) -> whose periodic task it is, for whoever shows a task that a worker has in hand."""
    rows = PeriodicTask.objects.values_list("task", "args", "name")
    return {(task, args): name.removeprefix(PREFIX) for task, args, name in rows}


def title(task: str, args: Sequence[Any], known: Mapping[tuple[str, str], str]) -> str:
    """A task by the name of its agent, or as Celery calls it."""
    return known.get((task, json.dumps(list(args)))) or " ".join([task, *map(str, args)])
