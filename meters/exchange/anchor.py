"""From volumes in quarters to a counter that telescopes exactly, fitted to what was measured before and after. Pure.

Volumes are millionths of a unit, counters whole units, rounded down only when they are given: a thousand quarters of 0.333 kWh
are 333 kWh. What was measured stays as it is; volumes only say what the counter showed where nothing finer was measured.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise

MICRO = 1_000_000

Interval = tuple[int, int]


def counters(intervals: Sequence[Interval], volumes: Sequence[int], known: Mapping[int, int]) -> dict[int, int]:
    """Edge of an interval -> what the counter showed there, for the edges that are not among the `known` points (time -> counter).

    `intervals`: in order, not overlapping. Walks backwards from the first known point that follows; after the last one forwards
    from it, and from 0 where there is none. Between two known points what the volumes leave unexplained belongs to the missing
    intervals, by their length; where none is missing, the known points win. Below 0 (or below the known point before): the
    volumes are of more than the counter ever counted, which the caller has to refuse or to cut off.
    """
    if not intervals:
        return {}
    path = sorted({edge for interval in intervals for edge in interval} | known.keys())
    steps = _steps(intervals, volumes, path)
    found: dict[int, int] = {}
    begin: int | None = None
    stretch: list[int] = []
    for time in path:
        if time not in known:
            stretch.append(time)
            continue
        if stretch:
            found |= _backwards(begin, stretch, time, steps, known)
        stretch, begin = [], time
    return found | _forwards(begin, stretch, steps, known)


def _steps(intervals: Sequence[Interval], volumes: Sequence[int], path: list[int]) -> dict[Interval, int]:
    """Each volume by the pairs of neighbours of the path: one that a known point divides is divided by time."""
    found: dict[Interval, int] = {}
    for (start, end), volume in zip(intervals, volumes, strict=True):
        points = path[bisect_left(path, start) : bisect_right(path, end)]
        for low, high in pairwise(points):
            found[low, high] = volume * (high - start) // (end - start) - volume * (low - start) // (end - start)
    return found


def _backwards(begin: int | None, stretch: list[int], end: int, steps: dict[Interval, int], known: Mapping[int, int]) -> dict[int, int]:
    pairs = list(pairwise([*([] if begin is None else [begin]), *stretch, end]))
    gaps = sum(high - low for low, high in pairs if (low, high) not in steps)
    unexplained = 0
    if begin is not None:
        unexplained = max(0, (known[end] - known[begin]) * MICRO - sum(steps.get(pair, 0) for pair in pairs))
    value, passed, found = known[end] * MICRO, 0, dict[int, int]()
    for low, high in reversed(pairs):
        if (low, high) in steps:
            value -= steps[low, high]
        else:
            value -= unexplained * (passed + high - low) // gaps - unexplained * passed // gaps
            passed += high - low
        if low != begin:
            found[low] = value // MICRO
    return found


def _forwards(begin: int | None, stretch: list[int], steps: dict[Interval, int], known: Mapping[int, int]) -> dict[int, int]:
    value, last, found = 0 if begin is None else known[begin] * MICRO, begin, dict[int, int]()
    for edge in stretch:
        value += 0 if last is None else steps.get((last, edge), 0)
        found[edge] = value // MICRO
        last = edge
    return found
