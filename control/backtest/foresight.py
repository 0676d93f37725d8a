"""Perfect foresight: what a load could have cost at best, by a linear programme over clock quarters.

It knows each minute of the history beforehand, and may set any power from 0 to the load's in each quarter: no rule can do better, few can
do as well. In quarter q the load takes s from the sun and g from the grid (Wh), s at most what the minutes' surplus offers it, s + g at
most what its power makes of the minutes in which it is there. Each stay is filled as far as it can be; what remains free is filled with
sun. Month peaks count as they are paid, from 2,500 W on.

Raises NoAnswer where HiGHS finds none in time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from control.backtest.history import QUARTER_MIN, STEP_S, History
from control.backtest.plant import LAG_S, Stay
from control.backtest.score import LEAST_PEAK_W, Prices, Score, of_quarters

QUARTER_S = QUARTER_MIN * STEP_S
MINUTES_AN_HOUR = 60.0
# An unmet Wh costs more than any price: wishes first, then money.
UNMET_EUR_WH = 0.1
TIME_LIMIT_S = 120.0


class NoAnswer(Exception):
    """The programme has no solution, or was not solved in time."""


@dataclass(frozen=True, slots=True)
class Quarter:
    """`sun_wh`: of the surplus, what the load can take; `most_wh`: with the grid; `import_wh`, `export_wh`: of the house without it."""

    first: int
    sun_wh: float
    most_wh: float
    import_wh: float
    export_wh: float


def quarters(history: History, load_w: float) -> list[Quarter]:
    """Only those of which every minute was measured."""
    found = []
    for first in range(0, history.minutes - QUARTER_MIN + 1, QUARTER_MIN):
        sun = imported = exported = 0.0
        for i in range(first, first + QUARTER_MIN):
            house, solar = history.house_w[i], history.solar_w[i]
            if house is None or solar is None:
                break
            net = house - solar
            if net > 0:
                imported += net
            else:
                exported -= net
                sun += min(-net, load_w)
        else:
            found.append(
                Quarter(
                    first,
                    sun / MINUTES_AN_HOUR,
                    load_w * QUARTER_MIN / MINUTES_AN_HOUR,
                    imported / MINUTES_AN_HOUR,
                    exported / MINUTES_AN_HOUR,
                )
            )
    return found


@dataclass(frozen=True, slots=True)
class Variable:
    """The load in one quarter: of stay `stay`, month `month`."""

    quarter: Quarter
    share: float  # of the quarter that the load is there
    stay: int
    month: int


def _variables(history: History, found: Sequence[Quarter], stays: Sequence[Stay]) -> list[Variable]:
    month_of = {}
    for number, month in enumerate(history.months):
        for first in range(month.first - month.first % QUARTER_MIN, month.until, QUARTER_MIN):
            month_of[first] = number
    if not stays:
        return [Variable(quarter, 1.0, 0, month_of[quarter.first]) for quarter in found]
    chosen, here = [], 0
    for quarter in found:
        begin = history.start + quarter.first * STEP_S
        while here < len(stays) and stays[here].leaves <= begin:
            here += 1
        for number in range(here, len(stays)):
            stay = stays[number]
            if stay.comes >= begin + QUARTER_S:
                break
            seconds = min(begin + QUARTER_S, stay.leaves) - max(begin, stay.comes + LAG_S["ev"])
            if seconds > 0:
                chosen.append(Variable(quarter, seconds / QUARTER_S, number, month_of[quarter.first]))
    return chosen


def best(history: History, load_w: float, stays: Sequence[Stay], prices: Prices, *, peaks_only: bool = False) -> Score:
    """`peaks_only`: the smallest sum of month peaks, whatever the energy costs; else the smallest bill. Without stays the load takes all
    the sun that it can and nothing else."""
    found = quarters(history, load_w)
    variables = _variables(history, found, stays)
    if not stays:
        taken = [(variable.quarter.sun_wh, 0.0) for variable in variables]
        return _scored(history, prices, found, variables, taken, 0.0)
    sun, grid, missing = _solved(history, found, variables, stays, prices, peaks_only)
    return _scored(history, prices, found, variables, list(zip(sun, grid, strict=True)), missing)


def _solved(
    history: History, found: Sequence[Quarter], variables: Sequence[Variable], stays: Sequence[Stay], prices: Prices, peaks_only: bool
) -> tuple[list[float], list[float], float]:
    """Wh from the sun and from the grid for each variable, and Wh that no stay could be given.

    Columns: sun and grid of each variable, unmet of each stay, paid peak (W) of each month. Rows: each variable's most, each stay's Wh,
    each quarter's import below its month's peak.
    """
    import numpy as np  # 30 MB and 70 MB: only here, in the command's own process
    from scipy.optimize import linprog
    from scipy.sparse import csr_array

    n, k, m = len(variables), len(stays), len(history.months)
    cost = _costs(n, k, m, history.minutes, prices, peaks_only)
    rows: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    above: list[float] = []

    def put(row: int, column: int, value: float) -> None:
        rows.append(row)
        columns.append(column)
        values.append(value)

    for i, variable in enumerate(variables):
        put(len(above), i, 1.0)
        put(len(above), n + i, 1.0)
        above.append(variable.quarter.most_wh * variable.share)
    for i, variable in enumerate(variables):  # (import + grid) x 4 <= peak
        put(len(above), n + i, 4.0)
        put(len(above), 2 * n + k + variable.month, -1.0)
        above.append(-4.0 * variable.quarter.import_wh)
    equal_rows = [variable.stay for variable in variables] * 2 + list(range(k))
    equal_columns = list(range(2 * n + k))
    wanted = np.array([stay.wh for stay in stays])
    own = _own_peaks(history, found)
    bounds = (
        [(0.0, variable.quarter.sun_wh * variable.share) for variable in variables]
        + [(0.0, variable.quarter.most_wh * variable.share) for variable in variables]
        + [(0.0, None)] * k
        + [(max(LEAST_PEAK_W, watts), None) for watts in own]
    )
    width = 2 * n + k + m
    answer = linprog(
        np.array(cost),
        A_ub=csr_array((values, (rows, columns)), shape=(len(above), width)),
        b_ub=np.array(above),
        A_eq=csr_array((np.ones(len(equal_rows)), (equal_rows, equal_columns)), shape=(k, width)),
        b_eq=wanted,
        bounds=bounds,
        method="highs",
        options={"time_limit": TIME_LIMIT_S},
    )
    if answer.status != 0:
        raise NoAnswer(str(answer.message))
    x = answer.x
    return list(map(float, x[:n])), list(map(float, x[n : 2 * n])), float(x[2 * n : 2 * n + k].sum())


def _costs(n: int, k: int, m: int, minutes: int, prices: Prices, peaks_only: bool) -> list[float]:
    """Of a Wh of sun, of grid, unmet, and of a W of peak: EUR, or W of peaks alone, where energy only tells equal peaks apart."""
    kw = 0.0 if not m else prices.peak_kw_year * minutes / (365.25 * 1440) / m / 1000
    least = 1e-7 if peaks_only else 1.0
    sun, grid = prices.export_kwh / 1000 * least, prices.import_kwh / 1000 * least
    return [sun] * n + [grid] * n + [1000.0 if peaks_only else UNMET_EUR_WH] * k + [1.0 if peaks_only else kw] * m


def _own_peaks(history: History, found: Sequence[Quarter]) -> list[float]:
    """Of each month, without the load, W."""
    own = []
    for month in history.months:
        own.append(max((4.0 * quarter.import_wh for quarter in found if month.first <= quarter.first < month.until), default=0.0))
    return own


def _scored(
    history: History,
    prices: Prices,
    found: Sequence[Quarter],
    variables: Sequence[Variable],
    taken: Sequence[tuple[float, float]],
    missing_wh: float,
) -> Score:
    extra: dict[int, float] = {}
    sun_wh = grid_wh = 0.0
    for variable, (sun, grid) in zip(variables, taken, strict=True):
        extra[variable.quarter.first] = extra.get(variable.quarter.first, 0.0) + grid
        sun_wh += sun
        grid_wh += grid
    peaks = {month.label: 0.0 for month in history.months}
    labels = [(month.first, month.until, month.label) for month in history.months]
    place = 0
    for quarter in found:
        while not labels[place][0] <= quarter.first < labels[place][1]:
            place += 1
        label = labels[place][2]
        peaks[label] = max(peaks[label], 4.0 * (quarter.import_wh + extra.get(quarter.first, 0.0)))
    imported = sum(quarter.import_wh for quarter in found) + grid_wh
    exported = sum(quarter.export_wh for quarter in found) - sun_wh
    sums = tuple(MINUTES_AN_HOUR * part for part in (sun_wh + grid_wh, grid_wh, imported, exported))
    rounded = {label: round(watts) for label, watts in peaks.items()}
    return of_quarters("foresight", history, prices, (sums[0], sums[1], sums[2], sums[3]), missing_wh / 1000, rounded)
