"""How much of a stretch of time has enough light for a roof to tell of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from dashboard.energy.slots import Slot
from energysite import sun
from energysite.sun import Spot
from energysite.timegrid import DAY
from meters.totals.members import LOW_DEG

SAMPLES = 24


def daylight(slots: Sequence[Slot], where: Spot | None) -> list[float]:
    """0 to 1 for each. A slot longer than a day is as its middle day is. 1 where nobody knows where the sun stands."""
    if where is None:
        return [1.0] * len(slots)
    return [_share(slot, where) for slot in slots]


def _share(slot: Slot, where: Spot) -> float:
    start, end = slot.start, slot.end
    if end - start > 2 * DAY:
        start += (end - start) / 2 - DAY / 2
        end = start + DAY
    return sum(_is_light(start + (i + 0.5) * ((end - start) / SAMPLES), where) for i in range(SAMPLES)) / SAMPLES


def _is_light(at: datetime, where: Spot) -> bool:
    return sun.elevation_deg(at.timestamp(), where.latitude, where.longitude) >= LOW_DEG
