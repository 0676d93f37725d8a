"""Periodic tasks of the meters. Tasks take an id, make one call; what they call runs without Celery too."""

from celery import shared_task

from energysite.database import DatabaseAway
from meters import manager_runs


@shared_task(throws=(DatabaseAway,))  # said once, by whoever noticed
def run_manager(pk: int) -> None:
    manager_runs.run(pk)
