"""Another zone of the house makes other days: they are made anew by a worker, at once and, should that be lost, the next night."""

from typing import Any

import structlog
from django.db import transaction

from energysite import broker
from energysite.models import House

TASK = "meters.tasks.rebuild_days"

log = structlog.get_logger(__name__)


def look(instance: House, created: bool, update_fields: Any = None, **_signal: Any) -> None:
    """Of a house that was saved. Cheap where its zone is the old one: every day is looked at, and fits."""
    if not created and (update_fields is None or "zone" in update_fields):
        transaction.on_commit(_ask)


def _ask() -> None:
    try:
        broker.send(TASK)
    except broker.BrokerAway as error:
        log.warning("days of another zone are made the next night", error=str(error))
