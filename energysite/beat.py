"""Beat with its rows in the database, which it asks for changes every few seconds and not at each of its steps.

While the database is away it goes on with the rows that it knows: devices are read all the same.
"""

import time
from datetime import datetime
from typing import Any

from django.db import close_old_connections, connection
from django_celery_beat.schedulers import DatabaseScheduler

from energysite.database import DatabaseAway, asked, give_back

ASKED_EVERY_S = 5.0
NEVER = float("-inf")


class Scheduler(DatabaseScheduler):
    """The package's own asks about twice a second in a house with a meter: a seventh of the worker's time at rest. Without a database
    it waits for the pool's time-out at each step, and ends when it reads all its rows again, every five minutes."""

    _asked = NEVER
    _last_timestamp: datetime | None

    def schedule_changed(self) -> bool:
        if time.monotonic() - self._asked < ASKED_EVERY_S:
            return False
        close_old_connections()
        try:
            with asked():
                changed = self.Changes.last_change()
        except DatabaseAway:
            return False
        finally:
            give_back()
            first, self._asked = self._asked == NEVER, time.monotonic()
        before, self._last_timestamp = self._last_timestamp, changed
        # A new database has no time of a change at first: the package takes the first one that it finds for known.
        return changed is not None and not first and (before is None or changed > before)

    def all_as_schedule(self) -> Any:
        try:
            with asked():
                return super().all_as_schedule()
        except DatabaseAway:
            if self._schedule is None:
                raise
            return self._schedule

    def sync(self) -> None:
        """When each row ran last, into the database; where that is away, with the next one."""
        try:
            with asked():
                connection.ensure_connection()
        except DatabaseAway:
            return
        super().sync()
