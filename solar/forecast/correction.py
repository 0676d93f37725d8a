"""Setting a forecast right by what was really made. Only for the child process (numpy).

Everything is told as a share of what the roof would make under a clear sky (`index`), so that a summer's noon and a winter's
morning teach each other. What was made is a straight function of a few things that are known at the time of issue: the index
foretold (the mean of the last runs, the older the lighter), its square, the index of its whole day and the part of that above
CLEAR_DAY, what the roof made in the day before, and how far off the forecast was in the last hours. Its coefficients are found anew
about once a day by least absolute deviations (reweighted least squares; a broken day pulls little), pulled towards those of the
uncorrected forecast, first for all steps and then by how far ahead they lie.

Nothing is ever learned from a quarter that was not over, and told, when the forecast was issued.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from solar.forecast.physics import QUARTER_S, Floats

STEPS = 192
WINDOW_S = 45 * 86400
REFIT_S = 20 * 3600
TOLD_AFTER_S = QUARTER_S  # a quarter is known that long after its end
LEADS_H = (6, 18, 30)  # edges between the ranges that have coefficients of their own
ROWS = 45  # forecasts whose every quarter is learned from; of more, only some quarters each
RUNS_S = 24 * 3600
APART_S = 5 * 3600
FORGET_S = 10 * 3600
RECENT = 8  # quarters before the issue
FADES_H = 3.0
CLEAR_DAY = 0.8
HIGHEST = 1.6
FLOOR = 0.012  # of the panels' peak: below so much clear-sky power the index is not told
LEAST_RESIDUAL = 0.03
FEATURES = 7
UNCORRECTED = np.array([0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0])


@dataclass(slots=True)
class Past:
    """Forecasts in order of issue (rows) by quarters (columns), and what was made.

    `issued`: epoch s; `starts`: of each quarter; `raw_w`, `clear_w`; `made_w`: mean W, NaN where unknown (and where not yet).
    """

    issued: NDArray[np.int64]
    starts: NDArray[np.int64]
    raw_w: Floats
    clear_w: Floats
    made_w: Floats
    peak_w: float
    longitude: float
    first: int = 0  # of `series_w`
    series_w: Floats = field(default_factory=lambda: np.empty(0))  # what was made, quarter by quarter
    clear_series_w: Floats = field(default_factory=lambda: np.empty(0))
    scale_w: Floats = field(init=False)
    features: NDArray[np.float64] = field(init=False)
    index: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.scale_w = np.maximum(self.clear_w, FLOOR * self.peak_w)
        self.index = np.clip(self.made_w / self.scale_w, 0, 2)
        self.features = np.stack([self._of(row) for row in range(len(self.issued))]) if len(self.issued) else np.empty((0, STEPS, FEATURES))

    @property
    def lit(self) -> NDArray[np.bool_]:
        return (self.clear_w > FLOOR * self.peak_w) & np.isfinite(self.raw_w)

    def known(self, at: int) -> NDArray[np.bool_]:
        """Which quarters' truth was told by then."""
        return np.isfinite(self.made_w) & (self.starts + QUARTER_S + TOLD_AFTER_S <= at)

    def _runs(self, row: int) -> list[int]:
        """This forecast and those before it, at least APART_S from each other."""
        found = [row]
        for earlier in range(row - 1, -1, -1):
            if self.issued[row] - self.issued[earlier] > RUNS_S:
                break
            if self.issued[found[-1]] - self.issued[earlier] >= APART_S:
                found.append(earlier)
        return found

    def _of(self, row: int) -> Floats:
        issued, starts, scale = int(self.issued[row]), self.starts[row], self.scale_w[row]
        told, weights = np.zeros(STEPS), np.zeros(STEPS)
        for run in self._runs(row):
            place = (starts - self.starts[run, 0]) // QUARTER_S
            inside = (place >= 0) & (place < STEPS)
            values = np.where(inside, self.raw_w[run][np.clip(place, 0, STEPS - 1)], np.nan)
            weight = np.where(np.isfinite(values), np.exp((self.issued[run] - issued) / FORGET_S), 0)
            told += weight * np.nan_to_num(values)
            weights += weight
        mean_w = np.where(weights > 0, told / np.maximum(weights, 1e-9), np.nan)
        x = np.clip(mean_w / scale, 0, HIGHEST)
        day = self._day_index(starts, np.nan_to_num(mean_w), self.clear_w[row], x)
        lead_h = (starts - issued) / 3600
        before = self._made_before(issued)
        return np.nan_to_num(
            np.stack(
                [
                    np.ones(STEPS),
                    x,
                    x * x,
                    day,
                    np.maximum(0, day - CLEAR_DAY),
                    day if np.isnan(before) else np.full(STEPS, before),
                    self._lately(row) * np.exp(-np.maximum(lead_h, 0) / FADES_H),
                ],
                axis=-1,
            )
        )

    def _day_index(self, starts: NDArray[np.int64], told_w: Floats, clear_w: Floats, x: Floats) -> Floats:
        """Of the whole solar day that each quarter lies in, as far as it is still to come."""
        days = (starts + int(self.longitude / 360 * 86400)) // 86400
        _unique, which = np.unique(days, return_inverse=True)
        told, clear = np.bincount(which, told_w), np.bincount(which, clear_w)
        return np.where(clear[which] > 0, np.minimum(HIGHEST, told[which] / np.maximum(clear[which], 1)), x)

    def _made_before(self, issued: int) -> float:
        """The index of the 24 hours before the issue; NaN where too little of them is known."""
        last = (issued - TOLD_AFTER_S - self.first) // QUARTER_S
        part = slice(max(0, last - 96), max(0, last))
        made, clear = self.series_w[part], self.clear_series_w[part]
        known = np.isfinite(made) & (clear > 0)
        bright = clear[known].sum()
        if bright < 0.5 * clear.sum() or bright <= 0:
            return np.nan
        return float(min(HIGHEST, made[known].sum() / bright))

    def _lately(self, row: int) -> float:
        """Made less foretold (by the forecast before) in the last hours, as an index; 0 where that is not known."""
        issued = int(self.issued[row])
        for earlier in self._runs(row)[1:]:
            over = self.known(issued)[earlier] & self.lit[earlier] & (self.starts[earlier] >= issued - (RECENT + 1) * QUARTER_S)
            if over.sum() >= RECENT // 2:
                scale = self.scale_w[earlier][over]
                return float(np.clip((self.made_w[earlier][over] - self.raw_w[earlier][over]).sum() / scale.sum(), -1, 1))
        return 0.0


def ranges(lead_h: Floats) -> NDArray[np.int64]:
    return np.digitize(lead_h, LEADS_H)


def least_deviations(x: Floats, y: Floats, weight: Floats, towards: Floats, pull: float, rounds: int) -> Floats:
    """Coefficients b with the least sum of weight |y - x b|, plus pull |b - towards|^2."""
    found: NDArray[Any] = towards
    ridge = pull * np.eye(len(towards))
    for _round in range(rounds):
        by = weight / np.maximum(np.abs(y - x @ found), LEAST_RESIDUAL)
        weighed = x.T * by
        found = np.linalg.solve(weighed @ x + ridge, weighed @ y + ridge @ towards)
    return found


PULL, RANGE_PULL, ROUNDS = 10.0, 30.0, 8


@dataclass(frozen=True, slots=True)
class Learned:
    """Coefficients for each range of leads; `days` with a lit quarter that they were learned from."""

    at: int
    coefficients: Floats
    days: int


def learn(past: Past, at: int) -> Learned:
    """From what was known at `at` (epoch s)."""
    rows = np.flatnonzero((past.issued >= at - WINDOW_S) & (past.issued < at))
    nothing = Learned(at, np.tile(UNCORRECTED, (len(LEADS_H) + 1, 1)), 0)
    if not len(rows):
        return nothing
    every = max(1, len(rows) // ROWS)
    chosen = (past.known(at) & past.lit)[rows] & ((np.arange(STEPS)[None, :] + rows[:, None]) % every == 0)
    if not chosen.any():
        return nothing
    x, y = past.features[rows][chosen], past.index[rows][chosen]
    weight = past.scale_w[rows][chosen] / past.peak_w
    lead = ranges((past.starts[rows] - past.issued[rows][:, None])[chosen] / 3600)
    days = len(np.unique((past.starts[rows][chosen] + int(past.longitude / 360 * 86400)) // 86400))
    overall = least_deviations(x, y, weight, UNCORRECTED, PULL, ROUNDS)
    found = []
    for one in range(len(LEADS_H) + 1):
        mine = lead == one
        found.append(least_deviations(x[mine], y[mine], weight[mine], overall, RANGE_PULL, ROUNDS // 2) if mine.any() else overall)
    return Learned(at, np.array(found), days)


def corrected(past: Past, row: int, learned: Learned) -> Floats:
    """W of a forecast's quarters; where the index is not told, as uncorrected."""
    coefficients = learned.coefficients[ranges((past.starts[row] - past.issued[row]) / 3600)]
    index = np.clip((past.features[row] * coefficients).sum(axis=1), 0, HIGHEST)
    return np.where(past.lit[row], index * past.scale_w[row], past.raw_w[row])
