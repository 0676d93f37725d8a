"""The running quarter in words and bars, for the first HTML. The page's script goes on from there (now.js)."""

import math
from datetime import tzinfo
from typing import Any

from dashboard import figures
from dashboard.quarter import FLOOR_W, Quarter, quarter_of
from dashboard.texts import say

MUCH_W = 10_000
# After this nothing may be promised for the quarter: nobody knows what the house does.
SILENT_S = 30


def quarter_card(frame: dict[str, Any], now: float, connection: int | None, zone: tzinfo) -> dict[str, Any] | None:
    """`now` is epoch s on our clock; the quarter runs on the meter's, so the frame's age is added to its own time."""
    if "time" not in frame or now - frame["received"] > SILENT_S:
        return None
    quarter = quarter_of(frame, frame["time"] + now - frame["received"], connection)
    if quarter is None:
        return None
    end = figures.local_time(quarter.end, zone)
    full = max(quarter.limit_w * 1.25, quarter.expected_w, quarter.quarter_w)
    return {
        "span": f"{figures.local_time(quarter.start, zone)}–{end}",
        "expected_w": quarter.expected_w,
        "left": say("time_left", time=figures.minutes_seconds(quarter.left_s)),
        "peak": peak_text(quarter),
        "room": room_text(quarter, end),
        "room_w": quarter.room_w,
        "so_far": round(100 * quarter.quarter_w / full, 3),
        "expected": round(100 * quarter.expected_w / full, 3),
        "limit": round(100 * quarter.limit_w / full, 3),
    }


def peak_text(quarter: Quarter) -> str:
    floor = figures.thousandths(FLOOR_W, 1)
    if quarter.peak_w == 0:
        return say("no_peak", floor=floor)
    return say("month_peak_floor" if quarter.peak_w < quarter.limit_w else "month_peak", kw=figures.kw(quarter.peak_w), floor=floor)


def room_text(quarter: Quarter, time: str) -> str:
    """Room is rounded down and what has to go up: never promise more than there is."""
    if quarter.room_w > MUCH_W:
        return say("can_add_much", kw=MUCH_W // 1000, time=time)
    if quarter.room_w >= 0:
        return say("can_add", kw=figures.thousandths(quarter.room_w // 100 * 100, 1), time=time)
    return say("take_off", kw=figures.thousandths(math.ceil(-quarter.room_w / 100) * 100, 1), time=time, limit=figures.kw(quarter.limit_w))
