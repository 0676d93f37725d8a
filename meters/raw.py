"""The last raw telegram of each meter, in Redis for five minutes: what Test shows of a port that read_meters holds."""

import time
from typing import cast

import redis

from energysite import live

EVERY_S = 10.0
KEPT_S = 300
LONGEST = 4096


def _key(meter: str) -> str:
    return f"raw:{meter}"


class LastRaw:
    """Keeps one telegram in ten seconds: this is for a person who looks once, and Redis has better things to do."""

    def __init__(self, meter: str) -> None:
        self._meter = meter
        self._due = float("-inf")

    def keep(self, raw: bytes) -> None:
        """Never raises; dropped while Redis is away."""
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + EVERY_S
        with live.publisher().writing() as pipe:
            pipe.set(_key(self._meter), raw[:LONGEST], ex=KEPT_S)


def last(client: redis.Redis, meter: str) -> bytes:
    """b"" when none was kept. Raises redis.RedisError."""
    return cast(bytes, client.get(_key(meter)) or b"")
