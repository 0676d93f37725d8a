"""The quick look at rows in bulk: how far do they simply go on? What is not plain goes through the Counter. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from energysite.counters import Limits

Row = tuple[Any, ...]  # source_id, time, registers ..., channels ..., flags
FIRST = 2  # the place of the first register in a row


def registers(row: Row, width: int) -> tuple[int | None, ...]:
    return row[FIRST : FIRST + width]


def rising(rows: Sequence[Row], start: int, limits: Sequence[Limits], latest: datetime | None) -> int:
    """The end of the rows from `start` on that go on plainly from the row before `start`, which is accepted.

    Plainly: later each (by whole seconds, none after `latest`), the same registers said, none lower, none faster than its limit.
    """
    previous = rows[start - 1]
    said = [(FIRST + i, one.resolution, one.per_hour) for i, one in enumerate(limits) if previous[FIRST + i] is not None]
    silent = [FIRST + i for i in range(len(limits)) if previous[FIRST + i] is None]
    time = previous[1]
    for place in range(start, len(rows)):
        row = rows[place]
        at = row[1]
        if at <= time or at.microsecond or (latest is not None and at > latest):
            return place
        for column, resolution, per_hour in said:
            value = row[column]
            if value is None:
                return place
            rise = value - previous[column]
            if rise < 0:
                return place
            if rise > resolution and per_hour is not None:
                passed = at - time
                # Limits.allow, in whole numbers
                if (rise - resolution) * 36_000 > per_hour * (passed.days * 86_400 + passed.seconds) * 12:
                    return place
        for column in silent:
            if row[column] is not None:
                return place
        previous, time = row, at
    return len(rows)
