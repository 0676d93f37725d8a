"""What a rule made of a history: switches, energy, month peaks and costs, from the minutes that were measured. Pure."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

from control.backtest.history import QUARTER_MIN, History

W_MIN_PER_KWH = 60_000.0
# What the regulator counts each month at least, and what a house without panels pays.
LEAST_PEAK_W = 2500.0


@dataclass(frozen=True)
class Prices:
    """EUR: of a kWh of import and of export, of a kW of the mean month peak for a year. With VAT. As of Flanders in 2026."""

    import_kwh: float = 0.30
    export_kwh: float = 0.04
    peak_kw_year: float = 52.37


@dataclass(slots=True)
class Course:
    """What was done in each minute: `level` 0 or 1 (or between), `drawn_w`: mean of the load."""

    level: array[float]
    drawn_w: array[float]
    missing_wh: float = 0.0

    @classmethod
    def empty(cls, minutes: int) -> Course:
        return cls(array("d", bytes(8 * minutes)), array("d", bytes(8 * minutes)))


@dataclass(frozen=True, slots=True)
class Score:
    """Of one rule. `switches`: changes, on and off one each. `grid_kwh`: of the load's `kwh`, what was imported in that minute;
    the rest is sun. `peaks_w`: of each month, the highest clock quarter's import. `missing_kwh`: wanted by an hour and not there."""

    name: str
    switches: int | None
    switches_a_day: float | None
    kwh: float
    grid_kwh: float
    missing_kwh: float
    import_kwh: float
    export_kwh: float
    peaks_w: dict[str, int] = field(default_factory=dict)
    cost_eur: float = 0.0

    @property
    def solar_kwh(self) -> float:
        return self.kwh - self.grid_kwh

    @property
    def payable_w(self) -> float:
        """The month peaks as they are paid, added up."""
        return sum(max(LEAST_PEAK_W, watts) for watts in self.peaks_w.values())


def score(name: str, history: History, course: Course, prices: Prices) -> Score:
    drawn_ws = grid = imported = exported = 0.0
    switches, last = 0, 0.0
    for level in course.level:
        if (level > 0) != (last > 0):
            switches += 1
        last = level
    for house, solar, drawn in zip(history.house_w, history.solar_w, course.drawn_w, strict=True):
        if house is None or solar is None:
            continue
        net = house + drawn - solar
        drawn_ws += drawn
        if net > 0:
            imported += net
            grid += drawn if drawn < net else net
        else:
            exported -= net
    return _told(
        name,
        history,
        prices,
        switches,
        (drawn_ws, grid, imported, exported),
        course.missing_wh / 1000,
        month_peaks(history, course.drawn_w),
    )


def _told(
    name: str,
    history: History,
    prices: Prices,
    switches: int | None,
    sums: tuple[float, float, float, float],
    missing_kwh: float,
    peaks: dict[str, int],
) -> Score:
    kwh, grid, imported, exported = (part / W_MIN_PER_KWH for part in sums)
    a_day = None if switches is None else switches / max(1.0, history.minutes / 1440)
    cost = imported * prices.import_kwh - exported * prices.export_kwh + peak_cost(peaks, history, prices)
    return Score(name, switches, a_day, kwh, grid, missing_kwh, imported, exported, peaks, cost)


def peak_cost(peaks: dict[str, int], history: History, prices: Prices) -> float:
    """The mean of the month peaks, each counted as LEAST_PEAK_W at least, for the share of a year that the history is long."""
    if not peaks:
        return 0.0
    mean_kw = sum(max(LEAST_PEAK_W, watts) for watts in peaks.values()) / len(peaks) / 1000
    return mean_kw * prices.peak_kw_year * history.minutes / (365.25 * 1440)


def month_peaks(history: History, drawn_w: array[float]) -> dict[str, int]:
    """The highest mean import of a clock quarter in each local month. A quarter with a minute that nobody measured counts for none."""
    peaks: dict[str, int] = {}
    for month in history.months:
        best = 0.0
        for first in range(month.first, month.until - QUARTER_MIN + 1, QUARTER_MIN):
            drawn = 0.0
            for i in range(first, first + QUARTER_MIN):
                house, solar = history.house_w[i], history.solar_w[i]
                if house is None or solar is None:
                    drawn = 0.0
                    break
                net = house + drawn_w[i] - solar
                if net > 0:
                    drawn += net
            best = max(best, drawn)
        peaks[month.label] = round(best / QUARTER_MIN)
    return peaks


def of_quarters(
    name: str, history: History, prices: Prices, sums: tuple[float, float, float, float], missing_kwh: float, peaks: dict[str, int]
) -> Score:
    """Of a plan in quarters, such as perfect foresight's: `sums` in W minutes: drawn, of that from the grid, import, export."""
    return _told(name, history, prices, None, sums, missing_kwh, peaks)
