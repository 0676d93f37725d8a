"""How the formats hand over what they read: batch after batch, each with the place to go on from."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, Queue
from typing import Any, TypeVar

from meters.exchange.batches import Batch

T = TypeVar("T")


@dataclass(slots=True)
class Place:
    """Where in the parts of a file the next batch begins. `clock`: of a WallClock; `memory`: of the format's own."""

    part: int = 0
    offset: int = 0
    line: int = 0
    clock: list[list[object]] = field(default_factory=list)
    memory: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Step:
    """`rows`: lines, telegrams or objects looked at, bad ones included; `share`: how much of its part has been read, 0 to 1.

    `bad`: rows that were bad up to here, in all.
    """

    batch: Batch
    place: Place
    rows: int
    share: float
    bad: int = 0


def ahead(steps: Iterator[T]) -> Iterator[T]:
    """The same steps, the next one made in a thread while this one is stored: two processors are busy, with one batch more in memory."""
    waiting: Queue[T | _End] = Queue(maxsize=1)
    stop = threading.Event()

    def make() -> None:
        try:
            for step in steps:
                if stop.is_set():
                    return
                waiting.put(step)
            waiting.put(_End(None))
        except BaseException as error:
            waiting.put(_End(error))

    thread = threading.Thread(target=make, name="reading", daemon=True)
    thread.start()
    try:
        while not isinstance(step := waiting.get(), _End):
            yield step
        if step.error is not None:
            raise step.error
    finally:
        stop.set()
        while thread.is_alive():  # it may be waiting to hand over one more
            with suppress(Empty):
                waiting.get(timeout=0.05)
        thread.join()


@dataclass(slots=True)
class _End:
    error: BaseException | None
