"""Beat's rows of agents: as the agent wants them after every save, gone with it, mended whatever happened to them."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import transaction
from django_celery_beat.models import IntervalSchedule, PeriodicTask, PeriodicTasks

from energysite import agents, schedule
from energysite.models import Agent
from energysite.permissions import OWNER, Actor
from meters.models import DataManager, Meter, Source
from tests.meters.blocks.known import make_source
from tests.meters.rows import make_meter

pytestmark = pytest.mark.django_db
ANN = Actor("ann", OWNER)


@pytest.fixture
def source() -> Source:
    return make_source()


def make(source: Source, name: str = "five", length_s: int = 300, **fields: Any) -> DataManager:
    return agents.create(DataManager, name=name, source=source, length_s=length_s, **{"period_s": 60, **fields})


def row(agent: Agent) -> PeriodicTask:
    return PeriodicTask.objects.select_related("interval").get(name=schedule.name_of(agent))


def is_right(agent: Agent) -> bool:
    found = row(agent)
    every = found.interval.every if found.interval else None
    return (found.task, json.loads(found.args), every, found.expire_seconds, found.enabled) == (
        agent.task,
        [agent.pk],
        agent.period_s,
        agent.period_s,
        agent.enabled,
    )


def mend() -> int:
    return schedule.reconcile(agents.kinds().values())


def test_a_new_agent_runs_on_its_period_and_an_old_run_expires_with_it(source: Source) -> None:
    manager = make(source)
    assert is_right(manager)
    assert row(manager).interval.period == IntervalSchedule.SECONDS


def test_an_agent_without_a_task_has_no_row() -> None:
    make_meter()
    assert not PeriodicTask.objects.exists()


def test_a_change_of_settings_changes_the_row_and_tells_beat(source: Source) -> None:
    manager = make(source)
    told = PeriodicTasks.last_change()
    agents.set_config(ANN, "five", {"period_s": 120, "enabled": False}, 1)
    manager.refresh_from_db()
    assert (manager.period_s, manager.enabled) == (120, False)
    assert is_right(manager)
    assert PeriodicTasks.last_change() > told


def test_a_change_that_beat_need_not_know_makes_it_read_nothing_anew(source: Source) -> None:
    make(source)
    told = PeriodicTasks.last_change()
    agents.set_config(ANN, "five", {"blocks_per_run": 10}, 1)
    assert PeriodicTasks.last_change() == told


def test_agents_of_one_period_share_its_interval(source: Source) -> None:
    make(source)
    make(source, "ten", 600)
    assert IntervalSchedule.objects.count() == 1


def test_the_row_comes_and_goes_with_the_agents_own_transaction(source: Source) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        make(source)
        raise RuntimeError
    assert not PeriodicTask.objects.exists()
    manager = make(source)
    with pytest.raises(RuntimeError), transaction.atomic():
        manager.delete()
        raise RuntimeError
    assert is_right(DataManager.objects.get())


def test_a_refused_name_leaves_the_row_as_it_was(source: Source) -> None:
    manager = make(source)
    manager.name, manager.period_s = "other", 30
    with pytest.raises(ValidationError):
        manager.save()
    assert PeriodicTask.objects.get().name == "agent: five"
    assert is_right(DataManager.objects.get())


@pytest.mark.parametrize("in_bulk", [False, True])
def test_an_agent_that_is_deleted_leaves_no_row_and_beat_is_told(source: Source, in_bulk: bool) -> None:
    manager = make(source)
    told = PeriodicTasks.last_change()
    if in_bulk:
        DataManager.objects.filter(pk=manager.pk).delete()
    else:
        manager.delete()
    assert not PeriodicTask.objects.exists()
    assert PeriodicTasks.last_change() > told


def test_what_was_changed_or_lost_is_mended_and_what_is_nobodys_goes(source: Source) -> None:
    changed = [make(source, f"changed {length}", length) for length in (60, 300, 600, 900)]
    lost = make(source, "lost", 1800)
    every_9_days = IntervalSchedule.objects.create(every=9, period="days")
    wrongs: list[dict[str, Any]] = [{"enabled": False}, {"args": "[7]"}, {"expire_seconds": None}, {"interval": every_9_days}]
    for manager, wrong in zip(changed, wrongs, strict=True):
        PeriodicTask.objects.filter(name=schedule.name_of(manager)).update(**wrong)
    row(lost).delete()
    PeriodicTask.objects.create(name="agent: gone", task="meters.tasks.run_manager", args="[99]", interval=IntervalSchedule.objects.first())
    own = PeriodicTask.objects.create(name="mine", task="meters.tasks.run_manager", args="[1]", interval=IntervalSchedule.objects.first())
    PeriodicTasks.objects.update(last_update=PeriodicTasks.last_change() - timedelta(days=1))
    told = PeriodicTasks.last_change()

    assert mend() == 6
    assert all(is_right(manager) for manager in (*changed, lost))
    assert not PeriodicTask.objects.filter(name="agent: gone").exists()
    assert PeriodicTask.objects.get(name="mine").date_changed == own.date_changed, "not an agent's: left alone"
    assert PeriodicTasks.last_change() > told


def test_rows_that_are_right_are_not_touched(source: Source) -> None:
    make(source)
    told = PeriodicTasks.last_change()
    assert mend() == 0
    assert PeriodicTasks.last_change() == told


def test_rows_lost_by_a_change_in_bulk_are_mended(source: Source) -> None:
    manager = make(source)
    DataManager.objects.update(period_s=600)
    assert mend() == 1
    manager.refresh_from_db()
    assert manager.period_s == 600
    assert is_right(manager)


def test_every_task_that_an_agent_names_is_known_to_the_worker() -> None:
    from energysite.celery import app
    from meters import reopening

    app.loader.import_default_modules()
    named = {model.task for model in agents.kinds().values() if model.task} | {reopening.TASK}
    named |= {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert named <= app.tasks.keys()
    assert DataManager.task in named
    assert not Meter.task


def test_a_task_is_called_by_its_agents_name(source: Source) -> None:
    manager = make(source)
    names = schedule.names()
    assert schedule.title(manager.task, (manager.pk,), names) == "five"
    assert schedule.title("other.task", (3, "x"), names) == "other.task 3 x"


def test_a_start_gives_the_sources_of_an_older_house_their_managers_and_mends_what_was_lost(settings: Any) -> None:
    source = make_source(name="Old", cadence_s=1)
    lost = make(make_source())
    PeriodicTask.objects.all().delete()
    settings.MODE = "demo"
    call_command("prepare", stdout=StringIO())
    assert source.managers.count() == 4
    assert is_right(lost)
    assert PeriodicTask.objects.filter(name__startswith=schedule.PREFIX).count() == DataManager.objects.count()


def test_beat_sends_a_run_that_is_forgotten_when_the_next_one_is_due(source: Source) -> None:
    from django_celery_beat.schedulers import ModelEntry

    entry = ModelEntry(row(make(source)))
    assert (entry.task, entry.args, entry.options["expires"]) == ("meters.tasks.run_manager", [DataManager.objects.get().pk], 60)
    assert entry.schedule.run_every == timedelta(seconds=60)
