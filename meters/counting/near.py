"""The accepted neighbours of a reading that comes late: those stored, and those of its own batch that are not stored yet."""

from bisect import bisect_right
from operator import itemgetter

from energysite.registers import Point
from meters.counting import stored
from meters.counting.plain import FIRST, Row
from meters.kinds import Kind

_time = itemgetter(1)


class Near:
    """`energysite.registers.Neighbours` of one source.

    `batch`: its accepted rows in this batch, by time; `fetched`: what was looked up ahead, by second.
    """

    def __init__(self, kind: Kind, source_id: int) -> None:
        self._kind, self._source_id = kind, source_id
        self.batch: list[Row] = []
        self.fetched: dict[int, tuple[stored.Stored | None, stored.Stored | None]] = {}

    def clear(self) -> None:
        self.batch, self.fetched = [], {}

    def near(self, register: int, time: int) -> tuple[Point | None, Point | None]:
        before, after = self.stored(register, time)
        low, high = self._in_batch(register, time)
        if low is not None and (before is None or low.time > before.time):
            before = low
        if high is not None and (after is None or high.time < after.time):
            after = high
        return before, after

    def stored(self, register: int, time: int) -> tuple[Point | None, Point | None]:
        if time not in self.fetched:
            [self.fetched[time]] = stored.beside(self._kind, self._source_id, [time])
        below, above = self.fetched[time]
        return (
            stored.point(self._kind, self._source_id, below, register, "<="),
            stored.point(self._kind, self._source_id, above, register, ">"),
        )

    def _in_batch(self, register: int, time: int) -> tuple[Point | None, Point | None]:
        place = bisect_right(self.batch, stored.instant(time), key=_time)
        column = FIRST + register
        least, most = max(place - stored.REACH_ROWS, 0), min(place + stored.REACH_ROWS, len(self.batch))
        low = next((row for i in range(place - 1, least - 1, -1) if (row := self.batch[i])[column] is not None), None)
        high = next((row for i in range(place, most) if (row := self.batch[i])[column] is not None), None)
        return (
            None if low is None else Point(stored.epoch(low[1]), low[column]),
            None if high is None else Point(stored.epoch(high[1]), high[column]),
        )
