"""What a source counted in a range."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from energysite.blocks import Power
from meters.kinds import total_name
from meters.models import Source

NOTHING = Power()


@dataclass(frozen=True, slots=True)
class Total:
    """[start, end); Wh or l by register, corrections (`corrected`) included.

    A register that nothing is known of is absent; `unknown` are those that went back, so that nothing can be said.
    `coverage`: seconds within the cadence of a reading / seconds of the range; what no block has yet counts as uncovered.
    `recovered`: some of it was interpolated in a gap. `complete`: nothing is open: it lies in CLOSED blocks, before the first
    reading, or after the last one of a retired source. `power`: W, of the source's first channel. `blocks`: rows that were read.
    """

    source: Source
    start: datetime
    end: datetime
    registers: dict[str, int]
    coverage: float
    recovered: bool
    corrected: dict[str, int]
    complete: bool
    unknown: frozenset[str] = frozenset()
    power: Power = NOTHING
    blocks: int = 0

    @property
    def named(self) -> dict[str, int]:
        """The registers as totals name them: gas_l, water_l, production_wh."""
        return {total_name(self.source.medium, register): value for register, value in self.registers.items()}

    def plain(self) -> list[Any]:
        """For JSON; complete ones only."""
        edges = [int(self.start.timestamp()), int(self.end.timestamp())]
        return [*edges, self.registers, self.coverage, self.recovered, self.corrected, sorted(self.unknown), list(self.power)]

    @classmethod
    def restored(cls, source: Source, start: datetime, end: datetime, plain: list[Any] | None) -> Total | None:
        """What `plain` gave; None where it was of other bounds (another zone, then)."""
        if plain is None or plain[:2] != [int(start.timestamp()), int(end.timestamp())]:
            return None
        registers, coverage, recovered, corrected, unknown, power = plain[2:]
        return cls(source, start, end, registers, coverage, recovered, corrected, True, frozenset(unknown), Power(*power))
