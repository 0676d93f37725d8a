"""The demo house on the wire: one telegram each second, whole at the full second; or a capture at its own pace."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Protocol

from energysite.demo.calendar import day_of
from energysite.demo.faults import Fault, spoil
from energysite.demo.model import House
from energysite.demo.outputs import Output
from energysite.demo.telegram import telegram

LATE_S = 2.0
LONGEST_WAIT_S = 0.5


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
    """For ever; `faults` may change meanwhile.

    A meter sends nothing late: seconds that passed while this machine stood still are left out.
    """
    upcoming = int(clock.now()) + 1
    stopped_at = 0  # a meter whose clock is frozen shows this second
    while True:
        house.day(day_of(upcoming - 1))  # a new one takes a moment; the telegram itself waits for what is switched until then
        while -LATE_S < clock.now() - upcoming < 0:
            await clock.wait(upcoming)
        if abs(clock.now() - upcoming) >= LATE_S:
            upcoming = int(clock.now()) + 1
            continue
        house.advance(upcoming)
        frozen = any(fault.name == "frozen" for fault in faults)
        stopped_at = (stopped_at or upcoming) if frozen else 0
        raw = spoil(telegram(house, upcoming, shown_at=stopped_at or None), upcoming, faults)
        if raw:
            for output in outputs:
                output.offer(raw)
        upcoming += 1


async def replay(telegrams: Iterable[tuple[float, bytes]], outputs: Sequence[Output]) -> int:
    """Write telegrams, each so many seconds after the first, nothing lost; how many there were.

    The first one waits for its reader, and the pace begins with it.
    """
    loop = asyncio.get_running_loop()
    origin, written = 0.0, 0
    for due_s, raw in telegrams:
        if written:
            await asyncio.sleep(max(0.0, origin + due_s - loop.time()))
        for output in outputs:
            await output.deliver(raw)
        if not written:
            origin = loop.time() - due_s
        written += 1
    return written
