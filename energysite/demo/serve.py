"""The demo house on the wire: one telegram each second, whole at the full second; or a capture at its own pace."""

import asyncio
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Protocol

from energysite.demo.faults import Fault, spoil
from energysite.demo.model import House
from energysite.demo.outputs import Output
from energysite.demo.telegram import telegram

LATE_S = 2.0
LONGEST_WAIT_S = 0.5
END = re.compile(rb"\r?\n![0-9A-Fa-f]{0,4}\r?\n")
STAMP = re.compile(rb"0-0:1\.0\.0\((\d{12})[SW]\)")
WITHOUT_STAMP_S = 10.0  # DSMR 2 and 3 send every ten seconds and tell no time
LONGEST_PAUSE_S = 15.0


class Clock(Protocol):
    def now(self) -> float:
        """Epoch seconds."""

    async def wait(self, moment: float) -> None:
        """Sleep until this epoch second, but half a second at most: a clock that is set meanwhile is noticed."""


class SystemClock:
    """This machine's clock; `speed` lets the house live faster, from now on."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._origin = time.time()

    def now(self) -> float:
        return self._origin + (time.time() - self._origin) * self.speed

    async def wait(self, moment: float) -> None:
        await asyncio.sleep(min(max(0.0, (moment - self.now()) / self.speed), LONGEST_WAIT_S))


async def live(house: House, outputs: Sequence[Output], clock: Clock, faults: list[Fault]) -> None:
    """For ever. A meter sends nothing late: seconds that passed while this machine stood still are left out."""
    started = upcoming = int(clock.now()) + 1
    frozen = any(fault.name == "frozen" for fault in faults)
    while True:
        raw = spoil(telegram(house, upcoming, shown_at=started if frozen else None), upcoming, faults)
        while -LATE_S < clock.now() - upcoming < 0:
            await clock.wait(upcoming)
        if abs(clock.now() - upcoming) >= LATE_S:
            upcoming = int(clock.now()) + 1
            continue
        if raw:
            for output in outputs:
                output.offer(raw)
        upcoming += 1


def paced(capture: bytes) -> Iterator[tuple[float, bytes]]:
    """A capture in parts that end with a telegram's end (the last with what follows it), each with its seconds from the first.

    The pace is that of the telegrams' own times; a pause longer than 15 s is shortened to that, a step back to nothing.
    """
    due, last, begin = 0.0, None, 0
    for number, match in enumerate(END.finditer(capture)):
        part = capture[begin : match.end()]
        begin = match.end()
        found = STAMP.search(part)
        if found is None:
            due += WITHOUT_STAMP_S if number and last is None else 0.0
        else:
            moment = _seconds(found[1])
            due += min(LONGEST_PAUSE_S, max(0.0, moment - last)) if last is not None else 0.0
            last = moment
        yield due, part
    if begin < len(capture):
        yield due, capture[begin:]


def _seconds(stamp: bytes) -> float:
    try:
        return datetime.strptime(stamp.decode(), "%y%m%d%H%M%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0


async def replay(parts: Iterable[tuple[float, bytes]], outputs: Sequence[Output], speed: float) -> int:
    """Write them at `speed` times their pace (0: as fast as they are read), nothing lost; how many there were.

    It begins when the first reader is there.
    """
    loop = asyncio.get_running_loop()
    origin, written = 0.0, 0
    for due, part in parts:
        if written and speed:
            await asyncio.sleep(max(0.0, origin + due / speed - loop.time()))
        for output in outputs:
            await output.deliver(part)
        if not written:
            origin = loop.time() - (due / speed if speed else 0.0)
        written += 1
    return written
