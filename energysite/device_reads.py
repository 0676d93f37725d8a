"""Reads of devices on a period, from the threads of the worker: `with reading(name, period_s) as deadline`.

Ten at once in a process, each with one deadline for all of it, and a device that hangs in nobody's way (`read_lanes`). A run is
claimed in Valkey, not in the database: reads go on while that is away. While Valkey is away nobody else is sent to read either, and
the process itself never reads a device twice at once.
"""

import http.client
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import redis

from energysite import agent_states, live
from energysite.errors import DeviceConfigError, DeviceUnavailable
from energysite.read_lanes import Lanes

T = TypeVar("T")

PREFIX = "reading:"
# The claim outlives the read by this much; after kill -9 it runs out by itself.
MARGIN_S = 2.0
FREE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"
# Settings that cannot work are tried again now and then: a switch in the device itself may have been the trouble.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 30.0, 900.0
# A connection that was refused or broken off is tried once more after a moment, where there is time.
BREATH_S = 0.2
LEAST_S = 0.5

lanes = Lanes()


@contextmanager
def reading(name: str, period_s: float, version: int = 0) -> Iterator[float | None]:
    """The deadline (time.monotonic()) of one read of this agent's device. None where this run is left out: the device rests after
    failures, or there is no place for it or another process reads it, which is counted as skipped.

    Let errors of the read leave the block: a DeviceConfigError is not tried again for a while, at most a quarter of an hour, unless
    `version`, that of the agent's settings, has changed. Hold no database connection inside.
    """
    if lanes.rests(name) or _hopeless.waits(name, version):
        yield None
        return
    with lanes.place(name, period_s) as limit_s:
        token = _claim(name, limit_s) if limit_s is not None else None
        if limit_s is None or token is None:
            agent_states.count(name, "skipped")
            yield None
            return
        try:
            yield time.monotonic() + limit_s
        except DeviceConfigError:
            _hopeless.failed(name, version, period_s)
            raise
        else:
            _hopeless.worked(name)
        finally:
            _free(name, token)


def once_more(read: Callable[[float], T], deadline: float) -> T:
    """`read(deadline)`, and again where a device broke off or refused the connection: then it answers at once or not at all.

    Raises what the read raised last.
    """
    try:
        return read(deadline)
    except DeviceUnavailable as error:
        if not isinstance(error.__cause__, (ConnectionError, http.client.HTTPException)) or deadline - time.monotonic() < LEAST_S:
            raise
    time.sleep(BREATH_S)
    return read(deadline)


def unreachable(error: DeviceUnavailable) -> bool:
    """Whether nothing answered at all, as of a device that is switched off; false for an answer that tells of trouble."""
    return isinstance(error.__cause__, OSError)


def _claim(name: str, limit_s: float) -> str | None:
    """A token; empty while Valkey is away, None where another process reads this device."""
    token = secrets.token_hex(8)
    try:
        taken = live.client().set(PREFIX + name, token, nx=True, px=round((limit_s + MARGIN_S) * 1000))
    except redis.RedisError:
        return ""
    return token if taken else None


def _free(name: str, token: str) -> None:
    if not token:
        return
    with live.publisher().writing() as pipe:  # it runs out by itself where Valkey went away meanwhile
        pipe.eval(FREE, 1, PREFIX + name, token)


@dataclass(slots=True)
class _Failed:
    version: int
    times: int
    until: float


class _Hopeless:
    """Devices whose settings cannot work."""

    def __init__(self) -> None:
        self._failed: dict[str, _Failed] = {}
        self._lock = threading.Lock()

    def waits(self, name: str, version: int) -> bool:
        known = self._failed.get(name)
        return known is not None and known.version == version and time.monotonic() < known.until

    def failed(self, name: str, version: int, period_s: float) -> None:
        with self._lock:
            known = self._failed.get(name)
            times = known.times + 1 if known is not None and known.version == version else 0
            pause_s = min(LONGEST_PAUSE_S, max(FIRST_PAUSE_S, period_s) * 2 ** min(times, 10))
            self._failed[name] = _Failed(version, times, time.monotonic() + pause_s)

    def worked(self, name: str) -> None:
        self._failed.pop(name, None)

    def forget(self) -> None:
        with self._lock:
            self._failed.clear()


_hopeless = _Hopeless()


def forget() -> None:
    """What this process remembers of devices."""
    lanes.forget()
    _hopeless.forget()
