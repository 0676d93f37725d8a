"""From stored weather to forecasts of the sun, in the order in which they were issued, each with what was known then.

Only for the child process. The job and its answer are JSON:

job     {"latitude", "longitude",
         "planes": [{"tilt_deg", "azimuth_deg" (as on a compass), "peak_w", "group", "limit_w"}],
         "made_start" (epoch s), "made_wh": [Wh of each quarter from there on, or null],
         "rows": [{"issued" (epoch s), "start", "step_s", "temperature_dc", "cloud_pct", "global_w_m2", "direct_w_m2", "diffuse_w_m2"}],
         "wanted": [places in rows]}
answer  [{"issued", "start", "raw_w", "mean_w", "p10_w", "p90_w", "learned_days"}] for each wanted one

Rows stand in order of issue. 192 quarters each, from the one that runs at the issue.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from solar.forecast import bands, correction, physics, weather_rows
from solar.forecast.correction import STEPS, Floats, Past
from solar.forecast.physics import QUARTER_S

WH_TO_W = 3600 / QUARTER_S
# The correction is believed half after this many days of learning, nearly wholly after three times as many.
HALF_BELIEVED_DAYS = 3
# It is weighed against the uncorrected forecast over what was foretold in these days, for so many hours ahead.
WEIGHED_S = 12 * 86400
WEIGHED_LEAD_S = 36 * 3600
WEIGHTS = (1.0, 0.75, 0.5, 0.25, 0.0)
# Less of it only where that would have been better by this share: a few days say little.
CLEARLY = 0.05


def run(job: dict[str, Any]) -> list[dict[str, Any]]:
    """Raises KeyError, TypeError or ValueError for a job that is not as above."""
    if not job["rows"] or not job["planes"]:
        return []
    past = history(job)
    wanted = set(job["wanted"])
    found = []
    mean_w = past.raw_w.copy()
    candidate_w = past.raw_w.copy()
    learned = None
    for row, issued in enumerate(past.issued.tolist()):
        if learned is None or issued - learned.at >= correction.REFIT_S:
            learned = correction.learn(past, issued)
        candidate_w[row] = correction.corrected(past, row, learned)
        weight = learned.days**2 / (learned.days**2 + HALF_BELIEVED_DAYS**2) * believed(past, candidate_w, row)
        mean_w[row] = weight * candidate_w[row] + (1 - weight) * past.raw_w[row]
        if row in wanted:
            found.append(_told(past, mean_w, row, learned.days))
    return found


def history(job: dict[str, Any]) -> Past:
    """The rows as arrays, physics done."""
    rows = job["rows"]
    issued = np.array([row["issued"] for row in rows], dtype=np.int64)
    starts = (issued - issued % QUARTER_S)[:, None] + QUARTER_S * np.arange(STEPS)
    made_w = np.array([np.nan if wh is None else wh for wh in job["made_wh"]], dtype=float) * WH_TO_W
    first, last = min(int(starts.min()), job["made_start"]), int(starts.max())
    sky = physics.sky(first, last, job["latitude"], job["longitude"])
    here = sky.of(sky.at(starts))
    light = weather_rows.light(here, rows, starts)
    series = np.full((last - first) // QUARTER_S + 1, np.nan)
    begin = (job["made_start"] - first) // QUARTER_S
    series[begin : begin + len(made_w)] = made_w[: len(series) - begin]
    usual = np.full(len(series), physics.USUAL_C)
    return Past(
        issued=issued,
        starts=starts,
        raw_w=physics.power(here, light, job["planes"]),
        clear_w=physics.power(here, physics.clear(here, light.air_c), job["planes"]),
        made_w=series[sky.at(starts)],
        peak_w=float(sum(plane["peak_w"] for plane in job["planes"])),
        longitude=job["longitude"],
        first=first,
        series_w=series,
        clear_series_w=physics.power(sky, physics.clear(sky, usual), job["planes"]),
    )


def believed(past: Past, candidate_w: Floats, row: int) -> float:
    """How much of the correction would have been best lately: 1 all of it, 0 none. 1 where nothing is known."""
    at = int(past.issued[row])
    rows = np.flatnonzero(past.issued[:row] >= at - WEIGHED_S)
    ahead = past.starts[rows] - past.issued[rows][:, None] < WEIGHED_LEAD_S
    over = np.isfinite(past.made_w[rows]) & (past.starts[rows] + QUARTER_S + correction.TOLD_AFTER_S <= at) & ahead & past.lit[rows]
    if not over.any():
        return 1.0
    raw = (past.raw_w[rows] - past.made_w[rows])[over]
    change = (candidate_w[rows] - past.raw_w[rows])[over]
    errors = {weight: float(np.abs(raw + weight * change).sum()) for weight in WEIGHTS}
    best = min(WEIGHTS, key=lambda weight: errors[weight])
    return best if errors[best] < (1 - CLEARLY) * errors[1.0] else 1.0


def _told(past: Past, mean_w: Floats, row: int, learned_days: int) -> dict[str, Any]:
    both = bands.band(past, mean_w, row)
    low, high = both if both is not None else (np.empty(0), np.empty(0))
    return {
        "issued": int(past.issued[row]),
        "start": int(past.starts[row, 0]),
        "raw_w": _whole(past.raw_w[row]),
        "mean_w": _whole(mean_w[row]),
        "p10_w": _whole(np.floor(low)),
        "p90_w": _whole(np.ceil(high)),
        "learned_days": learned_days,
    }


def _whole(values: Floats) -> list[int | None]:
    return [round(value) if np.isfinite(value) else None for value in values.tolist()]
