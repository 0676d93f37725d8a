"""Periodic tasks of the kernel. Tasks take an id, make one call; what they call runs without Celery too."""

from celery import shared_task
from django.utils import timezone

from energysite import agents, backup_watch, live, schedule
from energysite.database import DatabaseAway, asked
from energysite.notify import sending

HEARTBEAT_S = 10
BACKUP_LOOK_S = 900
MEND_S = 3600
SEND_S = 60


@shared_task(expires=HEARTBEAT_S)
def heartbeat() -> None:
    """Proof that beat, the broker and the worker all work: pages and /healthz look at its age."""
    live.heartbeat("worker")


@shared_task(expires=BACKUP_LOOK_S)
def nightly_backup() -> None:
    """Looks whether the night's backup is due; the work is done in a process of its own that ends."""
    backup_watch.look()


@shared_task(expires=MEND_S)
def mend_schedule() -> None:
    """Beat's rows are as the agents want them, whatever happened to a row since the start."""
    schedule.reconcile(agents.kinds().values())


@shared_task(throws=(DatabaseAway,), expires=SEND_S)
def send_notices() -> None:
    """Asked for when something began or ended, and each minute for what is to be tried again."""
    with asked():
        sending.send_due(timezone.now())
