"""When beat reads its rows anew."""

import pytest
from django_celery_beat.models import PeriodicTasks

from energysite import beat
from energysite.celery import app
from tests import database_away


@pytest.fixture
def scheduler(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> beat.Scheduler:
    monkeypatch.setattr(beat, "ASKED_EVERY_S", 0)
    PeriodicTasks.objects.all().delete()
    return beat.Scheduler(app=app, lazy=True)


def test_the_first_change_in_a_new_database_is_noticed(scheduler: beat.Scheduler) -> None:
    assert not scheduler.schedule_changed()
    PeriodicTasks.update_changed()
    assert scheduler.schedule_changed()
    assert not scheduler.schedule_changed()
    PeriodicTasks.update_changed()
    assert scheduler.schedule_changed()


def test_what_changed_before_the_start_was_read_at_the_start(scheduler: beat.Scheduler) -> None:
    PeriodicTasks.update_changed()
    assert not scheduler.schedule_changed()


def test_it_asks_every_few_seconds_only(scheduler: beat.Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beat, "ASKED_EVERY_S", 60)
    assert not scheduler.schedule_changed()
    PeriodicTasks.update_changed()
    assert not scheduler.schedule_changed()


def test_while_the_database_is_away_the_rows_it_knows_stay(scheduler: beat.Scheduler) -> None:
    scheduler.setup_schedule()
    known = set(scheduler.schedule)
    assert "heartbeat" in known
    with database_away.switch() as toggle:
        toggle()
        assert not scheduler.schedule_changed()
        assert set(scheduler.all_as_schedule()) == known
        scheduler.sync()
