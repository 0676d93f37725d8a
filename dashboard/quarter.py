"""The running quarter: where it will end, and what may be added to it. Pure; the page's script counts the same (quarter.js)."""

import math
from dataclasses import dataclass
from typing import Any

QUARTER_S = 900
FLOOR_W = 2500  # a month counts at least this much
VOLT = 230


@dataclass(frozen=True, slots=True)
class Quarter:
    """Times are epoch s, powers W. `room_w` may be negative: that much has to go for the quarter to end at the limit."""

    start: int
    end: int
    left_s: int
    quarter_w: int
    expected_w: int
    peak_w: int
    limit_w: int
    room_w: int


def connection_w(grid: str, fuse_a: int | None) -> int | None:
    """What the main fuse lets through; None while the fuse is not set."""
    if fuse_a is None:
        return None
    factor = {"1x230": 1.0, "3x230": math.sqrt(3), "3x400+N": 3.0}[grid]
    return round(factor * VOLT * fuse_a)


def quarter_of(frame: dict[str, Any], now: float, connection: int | None) -> Quarter | None:
    """From a live frame, at a moment on the meter's clock.

    Expected end = average so far + import now x time left / 900 s. Room = (limit - expected end) x 900 s / time left,
    capped by the connection. None where the meter tells no quarter, or the frame's quarter is over.
    """
    quarter_w, import_w, time = frame.get("quarter_w"), frame.get("import_w"), frame.get("time")
    if quarter_w is None or import_w is None or time is None:
        return None
    start = time - time % QUARTER_S
    end = start + QUARTER_S
    if now >= end:
        return None
    left = end - time
    expected = math.floor(quarter_w + import_w * left / QUARTER_S + 0.5)
    peak = frame.get("month_peak_w") or 0
    limit = max(peak, FLOOR_W)
    room = (limit - expected) * QUARTER_S / left
    if connection is not None:
        room = min(room, connection - import_w)
    return Quarter(start, end, math.ceil(end - now), quarter_w, expected, peak, limit, math.floor(room))
