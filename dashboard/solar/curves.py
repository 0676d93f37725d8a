"""Curves of a day as the page's script draws them: a value for each step, a band around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Values = Sequence[int | None]


@dataclass(frozen=True, slots=True)
class Line:
    """A mean for each step; None where nothing is known. `key`: its colour and stroke. `band`: (lowest, highest) of each step."""

    key: str
    label: str
    values: Values
    band: tuple[Values, Values] | None = None

    @property
    def plain(self) -> dict[str, Any]:
        given: dict[str, Any] = {"key": self.key, "label": self.label, "values": list(self.values)}
        if self.band is not None and any(value is not None for value in self.band[0]):
            given["band"] = [list(values) for values in self.band]
        return given


@dataclass(frozen=True, slots=True)
class Curve:
    """`unit` and `form`: as dashboard.figures and the page's script call them; `now`: epoch, of a day that runs, else None."""

    start: datetime
    end: datetime
    step_s: int
    unit: str
    form: str
    now: float | None = None
    lines: list[Line] = field(default_factory=list)

    @property
    def plain(self) -> dict[str, Any]:
        return {
            "start": int(self.start.timestamp()),
            "end": int(self.end.timestamp()),
            "step": self.step_s,
            "unit": self.unit,
            "format": self.form,
            "now": self.now,
            "lines": [line.plain for line in self.lines],
        }
