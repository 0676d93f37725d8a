"""A capture at the pace of its own telegrams: 1x, Nx, or as fast as it is taken."""

import re
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from meters.p1 import stamps
from meters.p1.framer import Framer

_TIME = re.compile(rb"\n0-0:1\.0\.0\(([0-9]{12}[SW])\)")
# DSMR 2.2 and 3 telegrams have no time: one comes every ten seconds.
UNTIMED_S = 10.0


def schedule(blocks: Iterable[bytes], speed: float = 1) -> Iterator[tuple[float, bytes]]:
    """(seconds after the first one, telegram) for each whole telegram in the bytes; speed 0: all at once.

    A telegram whose time stands still, goes back or cannot be read follows at once.
    """
    due_s, last = 0.0, None
    for i, telegram in enumerate(_telegrams(blocks)):
        at = _time(telegram)
        if speed > 0 and i:
            due_s += _gap_s(last, at, telegram) / speed
        last = at or last
        yield due_s, telegram


def paced(
    data: bytes, speed: float = 1, sleep: Callable[[float], object] = time.sleep, clock: Callable[[], float] = time.monotonic
) -> Iterator[bytes]:
    """The whole telegrams of a capture, each when it is due; `sleep` takes seconds."""
    begin = clock()
    for due_s, telegram in schedule([data], speed):
        wait_s = begin + due_s - clock()
        if wait_s > 0:
            sleep(wait_s)
        yield telegram


def _telegrams(blocks: Iterable[bytes]) -> Iterator[bytes]:
    framer = Framer()
    for block in blocks:
        yield from framer.feed(block)
    yield from framer.flush()


def _time(telegram: bytes) -> datetime | None:
    found = _TIME.search(telegram)
    return stamps.utc(found[1].decode()) if found else None


def _gap_s(last: datetime | None, at: datetime | None, telegram: bytes) -> float:
    if at is None:
        return UNTIMED_S if b"\n0-0:1.0.0(" not in telegram else 0.0
    return max(0.0, (at - last).total_seconds()) if last else 0.0
