"""A task given to the workers by hand. Nobody waits for a broker that is away: it is asked in our own, quick way first."""

import redis

from energysite import live

KEPT_S = 600  # a worker that comes back later than this finds nothing stale


class BrokerAway(Exception):
    """Valkey does not answer, so no worker can be asked."""


def send(task: str, *args: int) -> None:
    """Raises BrokerAway within a second."""
    try:
        live.client().ping()
    except redis.RedisError as error:
        raise BrokerAway(str(error)) from error
    from kombu.exceptions import KombuError  # only who sends pays for Celery's client

    from energysite.celery import app

    try:
        app.send_task(task, args=args, expires=KEPT_S, ignore_result=True)
    except (redis.RedisError, KombuError, OSError) as error:
        raise BrokerAway(str(error)) from error
