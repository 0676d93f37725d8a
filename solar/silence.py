"""Which inverters are silent by day: nobody expects one to answer before the sun is up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from energysite import sun
from energysite.notify import Trouble
from energysite.sun import Spot
from meters.silence import PERIODS, Ears

SILENT_S = 1800.0
# They wake when panels give some volts: a good while after sunrise on a dark day.
DAY_ABOVE_DEG = 8.0


def found(
    ears: Ears, inverters: Mapping[str, int], frames: Mapping[str, Mapping[str, Any]], where: Spot | None, at: float, mono: float
) -> dict[str, Trouble]:
    """`inverters`: name -> period, s. `where`: the house; without it nothing is known of day and night, and nobody is silent."""
    if where is None:
        return {}
    by_day = sun.elevation_deg(at, where.latitude, where.longitude) > DAY_ABOVE_DEG
    silent: dict[str, Trouble] = {}
    for name, period_s in inverters.items():
        frame = frames.get(name)
        for_s = ears.silent_s(name, frame["received"] if frame else None, at, mono)
        if by_day and for_s >= max(SILENT_S, PERIODS * period_s):
            silent[name] = Trouble("inverter_silent", {"name": name, "minutes": int(for_s // 60)})
    return silent
