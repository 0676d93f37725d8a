"""Minutes of a house without the load that is tried on it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import groupby
from zoneinfo import ZoneInfo

from energysite import timegrid

STEP_S = 60
QUARTER_MIN = 15


@dataclass(frozen=True, slots=True)
class Piece:
    """Minutes [first, until) of one local day, or of one local month."""

    label: str
    first: int
    until: int


@dataclass(frozen=True)
class History:
    """`start`: epoch of the first minute, on a UTC quarter. `house_w[i]` and `solar_w[i]`: means of minute i; None where nobody measured,
    in both at once. `house_w` is what is used in the house, sun included, without the load that is tried."""

    start: int
    house_w: Sequence[float | None]
    solar_w: Sequence[float | None]
    zone: str = "Europe/Brussels"
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if self.start % (QUARTER_MIN * STEP_S) or len(self.house_w) != len(self.solar_w):
            raise ValueError("a history begins on a quarter, with as many minutes of house as of sun")

    @property
    def minutes(self) -> int:
        return len(self.house_w)

    @cached_property
    def known(self) -> int:
        """Minutes that were measured."""
        return sum(house is not None for house in self.house_w)

    @cached_property
    def days(self) -> list[Piece]:
        """The local days in it, in order; the first and the last may be parts of a day."""
        zone = ZoneInfo(self.zone)
        day = timegrid.local_day(datetime.fromtimestamp(self.start, UTC), zone)
        pieces: list[Piece] = []
        first = 0
        while first < self.minutes:
            day += timedelta(days=1)
            until = min(self.minutes, (int(timegrid.midnight(day, zone).timestamp()) - self.start) // STEP_S)
            if until > first:
                pieces.append(Piece((day - timedelta(days=1)).isoformat(), first, until))
            first = max(first, until)
        return pieces

    @cached_property
    def months(self) -> list[Piece]:
        """The local months in it, in order: month peaks are theirs."""
        pieces = []
        for label, days in groupby(self.days, key=lambda day: day.label[:7]):
            found = list(days)
            pieces.append(Piece(label, found[0].first, found[-1].until))
        return pieces

    def part(self, first: int, until: int) -> History:
        """Minutes [first, until), which lie on quarters."""
        return History(self.start + first * STEP_S, self.house_w[first:until], self.solar_w[first:until], self.zone, self.notes)
