"""One question to Valkey: all that a tick wants to know of this moment."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import msgpack
import redis

from control import keys
from control.ticking.snapshot import Told
from energysite import live

# A hash in Valkey: what ticks hand on to each other ("boot", "token", "tickers", "memory", "looks"), and "tick": {"at", "took_s", "late_s",
# "loads"} of the last one.
TICKING = "control:ticking"
TICKER = ("boot", "token", "tickers")


@dataclass(frozen=True, slots=True)
class Heard:
    """`generation`: of the agents' settings. `published`: the holder's configuration is there. `leased`: outputs with a lease. `boot`,
    `token`: the machine's run and the process of the last tick, `tickers`: when each process of that boot ticked last (mono)."""

    told: Told
    generation: bytes
    published: bool
    leased: frozenset[str]
    boot: str = ""
    token: str = ""
    tickers: dict[str, float] = field(default_factory=dict)


def hear(client: redis.Redis) -> Heard:
    """Raises redis.RedisError."""
    pipe = client.pipeline(transaction=False)
    pipe.hgetall(live.LAST)
    pipe.get(live.AGENTS_GENERATION)
    for name in (keys.FRESH, keys.STALE, keys.HELD):
        pipe.hgetall(name)
    pipe.exists(keys.OUTPUTS)
    pipe.hkeys(keys.LEASES)
    pipe.hmget(TICKING, *TICKER)
    last, generation, fresh, stale, held, published, leased, (boot, token, tickers) = pipe.execute()
    return Heard(
        told=Told(
            frames={name.decode(): msgpack.unpackb(message)["frame"] for name, message in last.items()},
            fresh={name.decode(): number.decode() for name, number in fresh.items()},
            stale={name.decode(): code.decode() for name, code in stale.items() if code},
            held={name.decode(): json.loads(text) for name, text in held.items()},
        ),
        generation=generation or b"",
        published=bool(published),
        leased=frozenset(name.decode() for name in leased),
        boot=(boot or b"").decode(),
        token=(token or b"").decode(),
        tickers=json.loads(tickers) if tickers else {},
    )


def remembered(client: redis.Redis) -> tuple[str, str]:
    """The rules' memory and the looks of the last tick, as text; empty where there was none. Raises redis.RedisError."""
    texts: list[Any] = client.hmget(TICKING, "memory", "looks")
    memory, looks = ((text or b"").decode() for text in texts)
    return memory, looks
