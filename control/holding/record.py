"""What of an output survives this process: its last switch, its counts, and what only a person may release. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(slots=True)
class Record:
    """`at`: epoch seconds of the last switch, `day` the local day that `today` counts. `released`: the output's `release` when it was
    locked or paused; a higher one is a person's word."""

    at: float = 0.0
    level: float = 0.0
    cause: str = ""
    life: int = 0
    day: str = ""
    today: int = 0
    locked: str = ""
    paused: bool = False
    released: int = 0

    def switched(self, level: float, cause: str, wall: float, day: str) -> bool:
        """Note a level that was reached; True when that was a switch: a change between off and anything else."""
        was, self.level = self.level, level
        if (was > 0) == (level > 0):
            return False
        self.today = self.today + 1 if day == self.day else 1
        self.day, self.at, self.cause = day, wall, cause
        self.life += 1
        return True

    def today_on(self, day: str) -> int:
        return self.today if day == self.day else 0

    def release(self, number: int) -> bool:
        """True when a person's word ended a lock or a pause."""
        if not (self.locked or self.paused) or number <= self.released:
            return False
        self.locked, self.paused = "", False
        return True

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def of_json(given: Mapping[str, Any]) -> Record:
    """What is missing, or of another type, is as at first."""
    found = Record()
    for field in fields(Record):
        value = given.get(field.name)
        if isinstance(value, (int, float, str)) and isinstance(value, type(getattr(found, field.name)) | int):
            setattr(found, field.name, type(getattr(found, field.name))(value))
    return found
