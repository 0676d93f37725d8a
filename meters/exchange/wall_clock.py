"""From a wall clock's times without a zone to UTC: of the doubled hour in autumn the file's order tells which is which. Pure."""

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo

import numpy as np

from meters.exchange.times import Bools, Ints

DAY_S = 86_400
BACK_S = 300  # a step back by more, inside the doubled hour, is its second time; less is disorder
HOUR_S = 3240  # a step back and the step before make about an hour: it began anew


class WallClock:
    """Remembers where in a doubled hour the rows of each `key` are, from one block of rows to the next."""

    def __init__(self, zone: tzinfo, *, newest_first: bool = False) -> None:
        self.zone, self.newest_first = zone, newest_first
        self._last: dict[tuple[str, int], tuple[int, int, bool]] = {}  # (key, change) -> last time, step before, second time round

    def utc(self, local: Ints, key: str = "") -> tuple[Ints, Bools]:
        """The instants, and False where the clock never showed that time (the hour left out in spring)."""
        ok = np.ones(len(local), np.bool_)
        if not len(local):
            return local, ok
        low, high = int(local.min()), int(local.max())
        if low < -62_000_000_000 or high > 250_000_000_000:  # outside of what datetime knows: refused later as no believable time
            return local, ok
        changes = list(_changes(self.zone, low - DAY_S, high + DAY_S))
        steps = np.abs(np.diff(local))
        usual = int(np.median(steps[steps > 0])) if steps.any() else 0
        offset = np.full(len(local), _offset(self.zone, low - DAY_S), np.int64)
        for at, before, after in changes:
            first, end = at + min(before, after), at + max(before, after)
            offset[local >= end] = after
            inside = np.flatnonzero((local >= first) & (local < end))
            if after > before:
                ok[inside] = False
            else:
                offset[inside] = [after if second else before for second in self._rounds(local[inside], key, at, usual)]
        return local - offset, ok

    def _rounds(self, local: Ints, key: str, change: int, usual: int) -> list[bool]:
        """For each time in a doubled hour: is it the second time round?"""
        last, step, passed = self._last.get((key, change), (None, usual, False))
        found = []
        for time in local.tolist():
            if last is not None:
                back = time - last if self.newest_first else last - time
                passed = passed or back >= BACK_S or (back >= 0 and back + step >= HOUR_S)
                step = -back if back < 0 else step
            last = time
            found.append(passed != self.newest_first)
        if last is not None:
            self._last[key, change] = last, step, passed
        return found

    def state(self) -> list[list[object]]:
        """For JSON: what `restore` takes."""
        return [[*place, *value] for place, value in self._last.items()]

    def restore(self, state: list[list[object]]) -> None:
        self._last = {(str(key), int(str(at))): (int(str(last)), int(str(step)), bool(passed)) for key, at, last, step, passed in state}


def _offset(zone: tzinfo, at: int) -> int:
    offset = datetime.fromtimestamp(at, UTC).astimezone(zone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def _changes(zone: tzinfo, low: int, high: int) -> Iterator[tuple[int, int, int]]:
    """(instant, offset before, offset after) of each change of the clock in a range."""
    before = _offset(zone, low)
    for start in range(low, high, 7 * DAY_S):
        end = start + 7 * DAY_S
        after = _offset(zone, end)
        if after != before:
            early, late = start, end
            while late - early > 1:
                middle = (early + late) // 2
                if _offset(zone, middle) == before:
                    early = middle
                else:
                    late = middle
            yield late, before, after
            before = after
