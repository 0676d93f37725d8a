"""Is the database there? Remembered for a few seconds, so that pages do not each wait for the pool's time-out."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import InterfaceError, OperationalError, connection

logger = logging.getLogger(__name__)

RETRY_S = 1.0
_retry_at = 0.0


class DatabaseAway(Exception):
    """The database did not answer, now or a moment ago."""


def known_away() -> bool:
    return time.monotonic() < _retry_at


def _listens() -> bool:
    """Asked without the pool, which would take its whole time-out to say no."""
    database = connection.settings_dict
    try:
        psycopg.connect(
            host=database["HOST"] or None,
            port=database["PORT"] or None,
            user=database["USER"] or None,
            password=database["PASSWORD"] or None,
            dbname=database["NAME"],
            connect_timeout=2,
        ).close()
    except psycopg.OperationalError:
        return False
    return True


def give_back() -> None:
    """The thread's connection goes back to the pool, as before a wait for a device. Not in a transaction, which needs it."""
    if not connection.in_atomic_block:
        connection.close()


@contextmanager
def asked() -> Iterator[None]:
    """Around queries that a page can do without: raises DatabaseAway at once while the database is known to be away."""
    global _retry_at
    if known_away():
        raise DatabaseAway
    if _retry_at and not _listens():
        _retry_at = time.monotonic() + RETRY_S
        raise DatabaseAway
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        if not _retry_at:
            logger.warning("the database is away: %s", error)
        _retry_at = time.monotonic() + RETRY_S
        raise DatabaseAway from error
    if _retry_at:
        logger.info("the database is back")
        _retry_at = 0.0
