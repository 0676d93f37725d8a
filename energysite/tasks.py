"""Periodic tasks of the kernel. Tasks take an id, make one call; what they call runs without Celery too."""

from celery import shared_task

from energysite import live

HEARTBEAT_S = 10


@shared_task(expires=HEARTBEAT_S)
def heartbeat() -> None:
    """Proof that beat, the broker and the worker all work: pages and /healthz look at its age."""
    live.heartbeat("worker")
