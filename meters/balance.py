"""Where the house's electricity came from and went, in an interval (Wh) or at a moment (W). Pure.

use = import + solar + discharge - export - charge. What left the house is taken from the sun first, then from the battery; what went
into the battery comes from the sun first, then from the grid. All parts add up, so that the sum of quarters is the day's balance.
"""

from __future__ import annotations

from dataclasses import dataclass

# Two registers a direction, each rounded down at both ends of an interval.
ROUNDING = 10
# An inverter's own meter is good to 2 or 3 %, and it may be read a moment after the grid's.
INACCURACY = 0.05


@dataclass(frozen=True, slots=True)
class Balance:
    """Whole Wh or W, none negative. `exported_stored`: of what was exported, what the battery gave and the sun cannot have;
    `charged_grid`: of what was charged, what came from the grid."""

    imported: int = 0
    exported: int = 0
    solar: int = 0
    charge: int = 0
    discharge: int = 0
    exported_stored: int = 0
    charged_grid: int = 0

    def __add__(self, other: Balance) -> Balance:
        return Balance(
            self.imported + other.imported,
            self.exported + other.exported,
            self.solar + other.solar,
            self.charge + other.charge,
            self.discharge + other.discharge,
            self.exported_stored + other.exported_stored,
            self.charged_grid + other.charged_grid,
        )

    @property
    def difference(self) -> int:
        """The sum as the counters give it. Below zero where they do not quite agree."""
        return self.imported + self.solar + self.discharge - self.exported - self.charge

    @property
    def agrees(self) -> bool:
        """Whether the counters can be of one house: one that gives away far more than comes in has a source that is not read."""
        return self.difference >= -(ROUNDING + INACCURACY * (self.solar + self.discharge))

    @property
    def use(self) -> int | None:
        """What the house used; None where the counters contradict each other."""
        return max(0, self.difference) if self.agrees else None

    @property
    def kept(self) -> int:
        """Solar that did not leave the house: used at once, or charged into the battery."""
        return max(0, min(self.solar, self.solar - self.exported + self.exported_stored))

    @property
    def direct(self) -> int | None:
        """Solar that was used at once; None where use is."""
        use, at_once = self.use, self.kept - self.charge + self.charged_grid
        return None if use is None else max(0, min(use, at_once))

    @property
    def from_grid(self) -> int | None:
        """Of what was used, what came from the grid; None where use is."""
        use = self.use
        return None if use is None else max(0, min(use, self.imported - self.charged_grid))

    @property
    def self_consumption(self) -> float | None:
        """0 to 1: the part of the solar energy that stayed in the house; None without any, or where use is None."""
        return self.kept / self.solar if self.solar and self.agrees else None

    @property
    def self_sufficiency(self) -> float | None:
        """0 to 1: the part of the use that did not come from the grid; None where nothing was used or use is None."""
        use, bought = self.use, self.from_grid
        return (use - bought) / use if use and bought is not None else None


def of(imported: int | None, exported: int | None, solar: int | None, charge: int | None = 0, discharge: int | None = 0) -> Balance | None:
    """None where one of them is not known: a missing value is never taken for 0. A negative one raises ValueError."""
    if imported is None or exported is None or solar is None or charge is None or discharge is None:
        return None
    if min(imported, exported, solar, charge, discharge) < 0:
        raise ValueError("no part of a balance is negative")
    exported_stored = min(discharge, max(0, exported - solar))
    charged_grid = min(imported, max(0, charge - max(0, solar - (exported - exported_stored))))
    return Balance(imported, exported, solar, charge, discharge, exported_stored, charged_grid)


def at_moment(imported_w: int | None, exported_w: int | None, solar_w: int | None, battery_w: int | None = 0) -> Balance | None:
    """The same of powers; `battery_w` is positive while the battery gives, 0 where there is none."""
    if battery_w is None:
        return None
    return of(imported_w, exported_w, solar_w, max(0, -battery_w), max(0, battery_w))
