"""Periodic tasks of the kernel. Tasks take an id, make one call; what they call runs without Celery too."""

from celery import shared_task

from energysite import backup_watch, live

HEARTBEAT_S = 10
BACKUP_LOOK_S = 900


@shared_task(expires=HEARTBEAT_S)
def heartbeat() -> None:
    """Proof that beat, the broker and the worker all work: pages and /healthz look at its age."""
    live.heartbeat("worker")


@shared_task(expires=BACKUP_LOOK_S)
def nightly_backup() -> None:
    """Looks whether the night's backup is due; the work is done in a process of its own that ends."""
    backup_watch.look()
