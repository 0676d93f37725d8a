"""P10 and P90 of a corrected forecast, from the errors of those before it. Only for the child process (numpy).

An error counts the more the likelier its case was to this one: as clear a sky foretold, as far ahead, as high a sun (a Gaussian
kernel in the three). Errors are shares of the clear sky's power, as in `correction`.
"""

from __future__ import annotations

import numpy as np

from solar.forecast.correction import STEPS, WINDOW_S, Floats, Past

LOW, HIGH = 0.1, 0.9
INDEX_WIDTH = 0.12
LEAD_WIDTH = 0.8  # of the square root of hours: errors grow like it
POWER_WIDTH = 0.8  # of the clear-sky power, doublings
MOST = 3000  # errors looked at
FEWEST = 200


def band(past: Past, mean_w: Floats, row: int) -> tuple[Floats, Floats] | None:
    """(p10, p90) in W of a forecast's quarters; None while too few errors are known. `mean_w`: of all forecasts up to this one."""
    at = int(past.issued[row])
    rows = np.flatnonzero(past.issued[:row] >= at - WINDOW_S)
    by_day = past.clear_w > 0
    chosen = (past.known(at) & by_day & np.isfinite(mean_w))[rows]
    if chosen.sum() < FEWEST:
        return None
    every = -(-int(chosen.sum()) // MOST)
    chosen &= (np.arange(STEPS)[None, :] + rows[:, None]) % every == 0
    errors = ((past.made_w[rows] - mean_w[rows]) / past.scale_w[rows])[chosen]
    cases = _cases(past, mean_w[rows], rows)[chosen]
    order = np.argsort(errors)
    errors, cases = errors[order], cases[order]
    mine = by_day[row] & np.isfinite(mean_w[row])
    own = _cases(past, mean_w[[row]], np.array([row]))[0][mine]
    distance = ((own[:, None, :] - cases[None, :, :]) ** 2).sum(axis=2)
    share = np.cumsum(np.exp(-distance / 2) + 1e-12, axis=1)
    share /= share[:, -1:]
    low, high = (errors[np.minimum((share < level).sum(axis=1), len(errors) - 1)] for level in (LOW, HIGH))
    p10, p90 = mean_w[row].copy(), mean_w[row].copy()
    scale = past.scale_w[row][mine]
    p10[mine] = np.maximum(0, np.minimum(mean_w[row][mine], mean_w[row][mine] + low * scale))
    p90[mine] = np.maximum(mean_w[row][mine], mean_w[row][mine] + high * scale)
    return p10, p90


def _cases(past: Past, mean_w: Floats, rows: np.ndarray) -> Floats:
    """What a case is likened by, in widths of the kernel: rows x quarters x 3."""
    lead_h = np.maximum(0, past.starts[rows] - past.issued[rows][:, None]) / 3600
    return np.stack(
        [
            np.nan_to_num(mean_w / past.scale_w[rows]) / INDEX_WIDTH,
            np.sqrt(lead_h) / LEAD_WIDTH,
            np.log2(past.scale_w[rows] / past.peak_w) / POWER_WIDTH,
        ],
        axis=-1,
    )
