"""A continuous counter of a device that tells only the energy of the day: what earlier days counted, and the day's. Pure.

Devices begin their day at midnight, at their own idea of it, or with the first light; some show yesterday's energy until then.
"""

from dataclasses import dataclass

SLACK = 1.2  # as for counters of meters: clocks and labels are not exact
RESOLUTION_WH = 10


@dataclass(frozen=True, slots=True)
class Last:
    """The reading before: epoch seconds, and the Wh of its day that the device told."""

    at: float
    day_wh: int


def base_of(
    base_wh: int, last: Last | None, at: float, day_wh: int, *, later_day: bool, sun_is_up: bool, longest_gap_s: float, most_w: int
) -> int | None:
    """What the days before counted, Wh, so that base + day_wh is the continuous counter; None for a value that cannot be true.

    `later_day`: the local day is another one than that of `last`. A counter that fell began anew, if what it shows can have been made
    since, at `most_w`. One that rose while nobody looked, for longer than `longest_gap_s` and past a midnight, began anew as well once
    the sun is up: before that it shows yesterday's.
    """
    if last is None or day_wh == last.day_wh:
        return base_wh
    if day_wh > last.day_wh:
        unseen = later_day and sun_is_up and at - last.at > longest_gap_s
        return base_wh + last.day_wh if unseen else base_wh
    since_wh = most_w * max(0.0, at - last.at) / 3600 * SLACK + RESOLUTION_WH
    began_anew = later_day or (day_wh <= since_wh and 2 * day_wh <= last.day_wh)
    return base_wh + last.day_wh if began_anew else None
