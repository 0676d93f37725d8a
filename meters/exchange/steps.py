"""How the formats hand over what they read: batch after batch, each with the place to go on from."""

from dataclasses import dataclass, field
from typing import Any

from meters.exchange.batches import Batch


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
    """`rows`: lines, telegrams or objects looked at, bad ones included; `share`: how much of its part has been read, 0 to 1."""

    batch: Batch
    place: Place
    rows: int
    share: float
