"""Stored weather forecasts as light in quarters of an hour. Only for the child process."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from solar.forecast.physics import QUARTER_S, Floats, Light, Sky, split, under_clouds

DARK_W_M2 = 5.0  # the clear sky's light below which its share says nothing


def light(here: Sky, rows: list[dict[str, Any]], starts: NDArray[np.int64]) -> Light:
    """`starts[i]`: the quarters wanted of `rows[i]`, each of which has start, step_s, temperature_dc, cloud_pct, global_w_m2,
    direct_w_m2, diffuse_w_m2 (means of its intervals; None or a missing list: not told). `here` is the sky of all those quarters.
    """
    air_c = np.array([_eased(row, "temperature_dc", quarters) for row, quarters in zip(rows, starts, strict=True)]) / 10
    clouds = np.array([_eased(row, "cloud_pct", quarters) for row, quarters in zip(rows, starts, strict=True)])
    told = [np.array([_held(row, name, quarters) for row, quarters in zip(rows, starts, strict=True)]) for name in LIGHTS]
    for i, row in enumerate(rows):
        if row["step_s"] > QUARTER_S:
            _as_shares(told, i, here, row, starts[i])
    level, direct, diffuse = told
    sine = np.cos(np.radians(here.zenith))
    level = np.where(np.isfinite(level), level, np.maximum(0, direct * sine) + diffuse)
    by_clouds, by_level = under_clouds(here, clouds, air_c), split(here, level, air_c)
    parted = np.isfinite(direct) & np.isfinite(diffuse)
    direct, diffuse = np.where(parted, direct, by_level.direct), np.where(parted, diffuse, by_level.diffuse)
    lit = np.isfinite(level)
    return Light(
        np.where(lit, level, by_clouds.level), np.where(lit, direct, by_clouds.direct), np.where(lit, diffuse, by_clouds.diffuse), air_c
    )


LIGHTS = ("global_w_m2", "direct_w_m2", "diffuse_w_m2")


def _values(row: dict[str, Any], name: str) -> Floats:
    return np.array([np.nan if value is None else value for value in row.get(name) or []], dtype=float)


def _held(row: dict[str, Any], name: str, quarters: NDArray[np.int64]) -> Floats:
    """The value of the interval that holds each quarter."""
    values = _values(row, name)
    place = (quarters - row["start"]) // row["step_s"]
    inside = (place >= 0) & (place < len(values))
    found = np.full(len(quarters), np.nan)
    found[inside] = values[place[inside]]
    return found


def _eased(row: dict[str, Any], name: str, quarters: NDArray[np.int64]) -> Floats:
    """Straight lines between the middles of intervals, for what does not follow the sun; flat for half an interval at its ends."""
    values = _values(row, name)
    known = np.isfinite(values)
    step_s = row["step_s"]
    held = _held(row, name, quarters)
    if step_s <= QUARTER_S or known.sum() < 2:
        return held
    middles = row["start"] + (np.arange(len(values)) + 0.5) * step_s
    eased = np.interp(quarters + QUARTER_S / 2, middles[known], values[known])
    return np.where(np.isfinite(held), eased, np.nan)


def _as_shares(told: list[Floats], i: int, here: Sky, row: dict[str, Any], quarters: NDArray[np.int64]) -> None:
    """Means over an hour or more, in place: each interval's share of the clear sky's light, eased, times that of each quarter."""
    for values, clear in zip(told, (here.clear_global, here.clear_direct, here.clear_diffuse), strict=True):
        place = (quarters - row["start"]) // row["step_s"]
        means = np.array([clear[i][place == one].mean() for one in place])
        lit = (means > DARK_W_M2) & np.isfinite(values[i])
        if not lit.any():
            continue
        middles = row["start"] + (place + 0.5) * row["step_s"]
        share = np.interp(quarters + QUARTER_S / 2, middles[lit], (values[i] / np.where(means > 0, means, 1))[lit])
        values[i] = np.where(np.isfinite(values[i]), np.where(lit, share * clear[i], values[i]), np.nan)
