"""Totals of closed periods, kept in Redis: asked again, they are not computed again. Everything here may be lost.

One hash a source, and one of the house: `day:2019-05-03`, `week:...`, `month:...`, `year:...` -> the total, and `token`. Whoever
wants to keep a value has to show the token that was there before it was computed; dropping days changes the token. So a value computed
from an older snapshot never comes after the change. Days are dropped when a change commits, and again through the outbox, should the
process or Redis have died in between. While Redis is away nothing is kept, and everything is computed.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, cast

import redis
from django.db import DatabaseError, connection, transaction

from energysite import live
from energysite.timegrid import Period, Span

logger = logging.getLogger(__name__)

FORM = 1  # of the values: another program may keep others
KEPT_S = 30 * 86_400  # a house that is gone leaves nothing for longer
MANY = 5000

Key = tuple[int, Period]

# The token there, made where there is none; then the values of the fields asked for.
READ = """
    local token = redis.call('HGET', KEYS[1], 'token')
    if not token then token = ARGV[1]; redis.call('HSET', KEYS[1], 'token', token); redis.call('EXPIRE', KEYS[1], ARGV[2]) end
    local found = {token}
    for i = 3, #ARGV do found[#found + 1] = redis.call('HGET', KEYS[1], ARGV[i]) end
    return found"""

KEEP = """
    if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
    for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
    redis.call('EXPIRE', KEYS[1], ARGV[2])
    return 1"""

DROP = """
    local gone = 0
    for _, key in ipairs(KEYS) do
        if redis.call('EXISTS', key) == 1 then
            redis.call('HSET', key, 'token', ARGV[1])
            for i = 2, #ARGV do gone = gone + redis.call('HDEL', key, ARGV[i]) end
        end
    end
    return gone"""

# In the place of a source: what was made of several of them, and goes with each.
HOUSE = 0


@dataclass(slots=True)
class Kept:
    """What was found, and the leave to add to it."""

    values: dict[Key, list[Any]] = field(default_factory=dict)
    tokens: dict[int, bytes] = field(default_factory=dict)
    _new: dict[int, dict[str, str]] = field(default_factory=dict)

    def keep(self, source_id: int, period: Period, value: list[Any]) -> None:
        self._new.setdefault(source_id, {})[_field(period)] = json.dumps(value, separators=(",", ":"))

    def store(self) -> None:
        """Keep what was given, but for sources that have changed since they were read."""
        if not self._new or not self.tokens:
            return
        try:
            pipe = live.client().pipeline(transaction=False)
            for source_id, new in self._new.items():
                pairs = [text for pair in new.items() for text in pair]
                for i in range(0, len(pairs), MANY):
                    pipe.eval(KEEP, 1, _key(source_id), self.tokens[source_id], KEPT_S, *pairs[i : i + MANY])
            pipe.execute()
        except redis.RedisError as error:
            logger.warning("totals are not kept: %s", error)


def read(asked: Sequence[Key]) -> Kept:
    """What is kept of these periods. Before anything is asked of the database: the token has to be older than the values."""
    found = Kept()
    by_source: dict[int, list[Period]] = {}
    for source_id, period in asked:
        by_source.setdefault(source_id, []).append(period)
    if not by_source:
        return found
    try:
        pipe = live.client().pipeline(transaction=False)
        chunks: list[tuple[int, list[Period]]] = []
        for source_id, periods in by_source.items():
            chunks += [(source_id, periods[i : i + MANY]) for i in range(0, len(periods), MANY)]
        for source_id, periods in chunks:
            pipe.eval(READ, 1, _key(source_id), secrets.token_hex(8), KEPT_S, *map(_field, periods))
        answers = cast(list[list[bytes | None]], pipe.execute())
    except redis.RedisError as error:
        logger.warning("totals are computed, none is kept: %s", error)
        return found
    for (source_id, periods), (token, *values) in zip(chunks, answers, strict=True):
        # The first token of a source counts: were it to change in between, the values of the later chunk are newer, not older.
        found.tokens.setdefault(source_id, cast(bytes, token))
        found.values |= {(source_id, period): json.loads(value) for period, value in zip(periods, values, strict=True) if value is not None}
    return found


def drop(source_id: int, dates: Iterable[date]) -> int:
    """These days of a source have changed: with each goes its week, month and year, of the source and of the house, and nothing else.
    Raises redis.RedisError."""
    fields = sorted({_field(Period.of(span, day)) for day in dates for span in Span})
    gone = 0
    for i in range(0, len(fields), MANY):
        gone += cast(int, live.client().eval(DROP, 2, _key(source_id), _key(HOUSE), secrets.token_hex(8), *fields[i : i + MANY]))
    return gone


def drop_on_commit(source_id: int, dates: Iterable[date]) -> None:
    """At once when the caller's transaction commits. Where Redis is away then, the outbox brings it again."""
    chosen = sorted(set(dates))
    if chosen:
        transaction.on_commit(functools.partial(_drop_now, source_id, chosen))


def _drop_now(source_id: int, dates: Sequence[date]) -> None:
    try:
        drop(source_id, dates)
    except (redis.RedisError, DatabaseError) as error:
        logger.warning("totals of %d days of source %d are dropped later: %s", len(dates), source_id, error)


def forget_all() -> int:
    """Nothing of any house stays. Raises redis.RedisError."""
    client = live.client()
    keys = list(cast(Iterable[bytes], client.scan_iter(match="totals:*", count=1000)))
    return int(client.delete(*keys)) if keys else 0


def _field(period: Period) -> str:
    return f"{period.span}:{period.first}"


def _key(source_id: int) -> str:
    return f"totals:{FORM}:{_database(connection.settings_dict['NAME'])}:{source_id}"


@functools.cache
def _database(name: str) -> str:
    """Which database the values are of, asked once a process: sources of a restored or another house have the same numbers.

    A cluster has an identifier of its own; a database that was made anew in it, or a table, has another number.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT system_identifier FROM pg_control_system())::text, 'meters_block'::regclass::oid::text,"
            " (SELECT oid FROM pg_database WHERE datname = current_database())::text"
        )
        numbers = cursor.fetchone()
    return hashlib.sha256(" ".join([name, *numbers]).encode()).hexdigest()[:16]
