"""Does the running quarter head for a new month peak? Pure.

The meter's 1.4.0 is the energy of the quarter so far / 900 s: with the power of now held to its end, that is where it will end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

QUARTER_S = 900
FLOOR_W = 2500  # a month counts at least this much
# A kettle in the first minutes is no month peak; what is known after five of them may still be changed.
LATEST_LEFT_S, EARLIEST_LEFT_S = 90, 600


def expected(frame: Mapping[str, Any], now: float, own_target_w: int | None) -> tuple[int, int] | None:
    """(where the quarter ends, the limit), both W, where the first is above the second; None where it is not, or is not known.

    `frame`: the meter's last; `now`: on the meter's clock.
    """
    quarter_w, import_w, time = frame.get("quarter_w"), frame.get("import_w"), frame.get("time")
    if quarter_w is None or import_w is None or time is None or now - time > 30:
        return None
    left_s = QUARTER_S - time % QUARTER_S
    if not LATEST_LEFT_S <= left_s <= EARLIEST_LEFT_S:
        return None
    limit_w = max(FLOOR_W, frame.get("month_peak_w") or 0, own_target_w or 0)
    ends_w = round(quarter_w + import_w * left_s / QUARTER_S)
    return (ends_w, limit_w) if ends_w > limit_w else None
