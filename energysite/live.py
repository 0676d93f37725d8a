"""Live values: publish on decode, last value kept with its age. Everything here is in Redis and may be lost.

Keys: `live:last` (hash: source -> the last message of the group, packed), `live:processes` and `live:heartbeats` (hashes: process
name -> its own state, and the time it last beat), `agent:<name>` (hash of an agent's state, see `agents.report`).
Frames go to the Channels group `live`. Times are epoch seconds.

A frame is `{"source", "time", "received", ...values}`; a meter's has no "kind", everything else names its own ("inverter", "balance",
"weather", "analog"). Each message of the group carries the publisher's id and a number
that grows by one with each frame of a source, lost ones included: whoever sees a step of two knows that it missed one.
"""

import functools
import json
import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import msgpack
import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from energysite.live_names import HEARTBEATS, PROCESSES

logger = logging.getLogger(__name__)

LAST = "live:last"
# How each periodic task ended last, see energysite.task_results.
TASKS_LAST = "tasks:last"
LIVE_GROUP = "live"
# A plain Redis channel; the message is the name of an agent whose configuration changed.
AGENTS_CHANGED = "agents:changed"
# Another one with each of those messages, for processes that look now and then instead of listening.
AGENTS_GENERATION = "agents:generation"
# Two tries (a connection that a restart of Valkey cut is opened anew) stay below a second.
TIMEOUT_S = 0.4
# A Valkey that hangs costs a time-out at each try; one that is gone costs nothing.
PAUSE_S = 2.0

Frame = dict[str, Any]
Message = dict[str, Any]


def connect() -> redis.Redis:
    """A synchronous client, safe to share between threads. Its calls raise redis.RedisError within a second."""
    return redis.Redis.from_url(
        settings.REDIS, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 1), driver_info=None
    )


@functools.cache
def client() -> redis.Redis:
    """The process's own client."""
    return connect()


def group_channel(group: str) -> str:
    """The Redis channel of a Channels group, as channels_redis.pubsub names it."""
    return f"asgi__group__{group}"


def packed(message: Message) -> bytes:
    """A Channels message as channels_redis.pubsub puts it on the wire."""
    return cast(bytes, msgpack.packb(message))


class Publisher:
    """Writes to Redis from any thread; while Redis is away it drops what it is given, says so once and never raises."""

    def __init__(self, client: redis.Redis | None = None) -> None:
        self.available = True
        self.dropped = 0
        self._client = client or connect()
        self._id = secrets.token_hex(4)
        self._numbers: dict[str, int] = {}
        self._lock = threading.Lock()
        self._pause_until = 0.0

    def frame(self, source: str, frame: Frame, also: Callable[[redis.client.Pipeline], object] | None = None) -> bool:
        """Keep and publish a full frame. True when Redis has it. `also` writes what goes with it into the same pipeline."""
        with self.writing() as pipe:
            self._put(pipe, source, frame)
            if also is not None:
                also(pipe)
        return self.available

    def frames(self, frames: Iterable[Frame]) -> bool:
        """The same of several sources, sent together."""
        with self.writing() as pipe:
            for frame in frames:
                self._put(pipe, frame["source"], frame)
        return self.available

    def _put(self, pipe: redis.client.Pipeline, source: str, frame: Frame) -> None:
        with self._lock:
            number = self._numbers[source] = self._numbers.get(source, 0) + 1
        message = packed({"type": "live.frame", "publisher": self._id, "number": number, "frame": frame})
        pipe.hset(LAST, source, message)
        pipe.publish(group_channel(LIVE_GROUP), message)

    @contextmanager
    def writing(self) -> Iterator[redis.client.Pipeline]:
        """A pipeline sent at the end of the block, or dropped. Commands of one pipeline arrive together, in order."""
        pipe = self._client.pipeline(transaction=False)
        yield pipe
        if time.monotonic() < self._pause_until:
            self.dropped += 1
            return
        try:
            pipe.execute()
        except redis.RedisError as error:
            self.dropped += 1
            if isinstance(error, redis.TimeoutError):
                self._pause_until = time.monotonic() + PAUSE_S
            if self.available:
                self.available = False
                logger.warning("Valkey is away, live values are dropped until it returns: %s", error)
        else:
            if not self.available:
                self.available = True
                logger.info("Valkey is back; %d live messages were dropped", self.dropped)
                self.dropped = 0


_shared: Publisher | None = None
_shared_lock = threading.Lock()


def publisher() -> Publisher:
    """The process's own publisher."""
    global _shared
    with _shared_lock:
        if _shared is None:
            _shared = Publisher()
        return _shared


def last_messages(redis_client: redis.Redis | None = None) -> dict[str, Message]:
    """The last message of each source, however old. Raises redis.RedisError while Redis is away."""
    rows = cast(dict[bytes, bytes], (redis_client or client()).hgetall(LAST))
    return {name.decode(): msgpack.unpackb(packed_message) for name, packed_message in sorted(rows.items())}


def last_frames(redis_client: redis.Redis | None = None) -> dict[str, Frame]:
    """The last full frame of each source, however old. Raises redis.RedisError while Redis is away."""
    return {source: message["frame"] for source, message in last_messages(redis_client).items()}


def last_told(redis_client: redis.Redis) -> tuple[dict[str, Frame], bytes]:
    """The last full frame of each source, and which generation of the agents' settings there is. Raises redis.RedisError."""
    pipe = redis_client.pipeline(transaction=False)
    pipe.hgetall(LAST)
    pipe.get(AGENTS_GENERATION)
    rows, generation = pipe.execute()
    return {name.decode(): msgpack.unpackb(packed_message)["frame"] for name, packed_message in sorted(rows.items())}, generation or b""


def agents_changed(pipe: redis.client.Pipeline, name: str) -> None:
    """Every process is told, or sees, that the settings of this agent changed."""
    pipe.set(AGENTS_GENERATION, secrets.token_hex(8))
    pipe.publish(AGENTS_CHANGED, name)


def of_kind(frames: dict[str, Frame], kind: str = "") -> dict[str, Frame]:
    """Those of one kind; of the meters where none is named: what an inverter says is never taken for a telegram."""
    return {source: frame for source, frame in frames.items() if frame.get("kind", "") == kind}


def set_process_state(name: str, state: dict[str, Any]) -> bool:
    """What a process says of itself; `at` (epoch) is added. False, and nothing raised, while Redis is away."""
    with publisher().writing() as pipe:
        pipe.hset(PROCESSES, name, _json({**state, "at": time.time()}))
    return publisher().available


def process_states(redis_client: redis.Redis | None = None) -> dict[str, dict[str, Any]]:
    """What each process said last. Raises redis.RedisError while Redis is away."""
    rows = cast(dict[bytes, bytes], (redis_client or client()).hgetall(PROCESSES))
    return {name.decode(): json.loads(text) for name, text in rows.items()}


def heartbeat(name: str) -> bool:
    """Remember that this process is alive. False, and nothing raised, while Redis is away."""
    with publisher().writing() as pipe:
        pipe.hset(HEARTBEATS, name, repr(time.time()))
    return publisher().available


def heartbeats(redis_client: redis.Redis | None = None) -> dict[str, float]:
    """When each process beat last, epoch. Raises redis.RedisError while Redis is away."""
    rows = cast(dict[bytes, bytes], (redis_client or client()).hgetall(HEARTBEATS))
    return {name.decode(): float(at) for name, at in rows.items()}


class FramesLost(Exception):
    """The bus lost frames: what this connection knows has a gap."""


class Changes:
    """What one connection still has to be told: a full frame first, then only what changed (None: it is gone).

    A client that merges what `told` returns into what it has, source by source, always holds the last frame.
    """

    ALWAYS = ("source", "time", "received")

    def __init__(self) -> None:
        self._sent: dict[str, Frame] = {}
        self._numbers: dict[tuple[str, str], int] = {}

    def told(self, message: Message) -> dict[str, Any] | None:
        """For a message of the group; None for one that was told before, as happens around joining it. Raises FramesLost."""
        key = (message["publisher"], message["frame"]["source"])
        number, last = message["number"], self._numbers.get(key)
        if last is not None and number <= last:
            return None
        if last is not None and number > last + 1:
            raise FramesLost
        self._numbers[key] = number
        return self.frame(message["frame"])

    def frame(self, frame: Frame) -> dict[str, Any]:
        before = self._sent.get(frame["source"])
        self._sent[frame["source"]] = frame
        if before is None:
            return {"type": "frame", "full": True, **frame}
        changed = {key: value for key, value in frame.items() if key in self.ALWAYS or key not in before or before[key] != value}
        gone = {key: None for key in before if key not in frame}
        return {"type": "frame", **changed, **gone}


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
