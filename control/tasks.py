"""Periodic tasks of control. Each makes one call; what it calls runs without Celery too."""

import time

from celery import shared_task
from django.utils import timezone

from control import watching
from control.outputs import publishing
from control.ticking import recording, run
from energysite.database import DatabaseAway, asked
from energysite.notify import raising

TIDY_S = 21_600
WATCH_S = 60


@shared_task(throws=(DatabaseAway,))
def tick(pk: int) -> None:
    """With the period of one controller: one tick decides for all of them."""
    run.run(timezone.now(), time.monotonic())


@shared_task(throws=(DatabaseAway,))
def tick_all() -> None:
    """Every ten seconds, however seldom each thinks: a lease lives half a minute."""
    run.run(timezone.now(), time.monotonic())


@shared_task(throws=(DatabaseAway,))
def tick_now() -> None:
    """A person spoke: that wins at once."""
    run.run(timezone.now(), time.monotonic(), at_once=True)


@shared_task(throws=(DatabaseAway,), expires=TIDY_S)
def tidy() -> None:
    """Decisions and notices of more than 400 days ago go."""
    with asked():
        recording.forget_old(timezone.now())
        raising.forget_old(timezone.now())


@shared_task(throws=(DatabaseAway,), expires=WATCH_S)
def watch() -> None:
    """What somebody should be told of, and the messages that are due; what hold_outputs is told, should Valkey have missed a change."""
    with asked():
        publishing.publish()
        watching.look(timezone.now(), time.monotonic())
