"""Periodic tasks of the meters. Tasks take an id, make one call; what they call runs without Celery too."""

import time

from celery import shared_task
from django.utils import timezone
from redis import RedisError

from energysite.database import DatabaseAway, asked
from meters import manager_runs, reopening
from meters.analog import reading
from meters.blocks import days
from meters.exchange import child
from meters.totals import proof, sweep

SWEEP_S = 30
CHECK_LOOK_S = 900


@shared_task(throws=(DatabaseAway,))  # said once, by whoever noticed
def run_manager(pk: int) -> None:
    manager_runs.run(pk)


@shared_task(throws=(DatabaseAway,))
def read_analog(pk: int) -> None:
    reading.read(pk)


@shared_task(throws=(DatabaseAway, RedisError), expires=SWEEP_S)
def sweep_totals() -> None:
    """Drops kept totals that a commit could not drop at once."""
    with asked():
        sweep.sweep()


@shared_task(throws=(DatabaseAway,), expires=CHECK_LOOK_S)
def check_totals() -> None:
    """Looks whether the night's check of totals against counters is due, and makes it."""
    with asked():
        proof.look()


@shared_task(throws=(DatabaseAway,))
def reopen_manager(pk: int) -> None:
    reopening.manager_blocks(pk)


@shared_task(expires=3600)
def sweep_uploads() -> None:
    """An upload for the import page that nothing was done with for a day goes."""
    child.sweep(time.time())


@shared_task(throws=(DatabaseAway,))
def rebuild_days() -> None:
    """After the house moved to another zone."""
    days.rebuild(timezone.now())
