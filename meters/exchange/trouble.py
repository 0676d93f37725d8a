"""What is wrong with a file as a whole, and with single rows of it."""

from dataclasses import dataclass, field
from typing import NamedTuple

from energysite.errors import EnergyError
from energysite.text import plain

LISTED = 100
SHOWN = 60


class Unreadable(EnergyError):
    """A file that cannot be imported. The message is a sentence: what was found and what to do next."""


class BadRow(NamedTuple):
    """`line`: of the file, from 1; of a P1 capture the telegram, of JSON in one array the object. `file`: of a folder, else empty."""

    line: int
    reason: str
    file: str = ""


@dataclass(slots=True)
class BadRows:
    """The first hundred in the order they were met, and how many there are in all."""

    count: int = 0
    rows: list[BadRow] = field(default_factory=list)
    file: str = ""

    @property
    def full(self) -> bool:
        return len(self.rows) >= LISTED

    def add(self, line: int, reason: str) -> None:
        self.count += 1
        if not self.full:
            self.rows.append(BadRow(int(line), reason, self.file))

    def more(self, number: int) -> None:
        """So many more, that are not to be listed."""
        self.count += number


def shown(text: str) -> str:
    """A cell of a file, fit to be put into a sentence."""
    return plain(text, SHOWN)
