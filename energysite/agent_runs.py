"""One run of an agent at a time, in whatever process: claimed by a conditional UPDATE, free again when the claim has run out."""

from datetime import datetime, timedelta

import structlog
from django.db import DatabaseError, connection

log = structlog.get_logger(__name__)

# A claim that a crash of the database forgets is claimed anew, so its commit need not wait for the disk.
QUICK = "WITH quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))"
CLAIM = f"""{QUICK} UPDATE energysite_agentstate SET busy_until = %(until)s FROM quick
    WHERE name = %(name)s AND (busy_until IS NULL OR busy_until <= %(now)s OR busy_until = %(mine)s)"""  # noqa: S608
FREE = f"{QUICK} UPDATE energysite_agentstate SET busy_until = NULL FROM quick WHERE name = %(name)s AND busy_until = %(mine)s"  # noqa: S608


class Claim:
    """`taken` says whether the run is ours. Renew it before each step, free it at the end; after kill -9 it runs out by itself.

    `length`: longer than a step takes. Raises django.db.Error. Outside a transaction, or others wait for its end.
    """

    def __init__(self, name: str, now: datetime, length: timedelta) -> None:
        self.name, self._length = name, length
        self._until: datetime | None = None
        self.taken = self.renew(now)

    def renew(self, now: datetime) -> bool:
        """False where it had run out and somebody else has taken it."""
        until = now + self._length
        with connection.cursor() as cursor:
            cursor.execute(CLAIM, {"name": self.name, "now": now, "until": until, "mine": self._until})
            held = cursor.rowcount == 1
        self._until = until if held else None
        return held

    def free(self) -> None:
        if self._until is None:
            return
        with connection.cursor() as cursor:
            cursor.execute(FREE, {"name": self.name, "mine": self._until})
        self._until = None

    def free_quietly(self) -> None:
        """After an error, which may be that the database is away: then the claim runs out by itself."""
        try:
            self.free()
        except DatabaseError as error:
            log.warning("the claim of a run is left to run out", agent=self.name, error=str(error).strip())
