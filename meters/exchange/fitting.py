"""Fluvius' volumes as readings of a source: what is measured already is asked, the rest is fitted between."""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
from django.db import connection
from django.utils.translation import gettext as _

from meters.exchange import anchor
from meters.exchange.batches import Batch
from meters.exchange.formats.fluvius import Volumes
from meters.exchange.trouble import Unreadable
from meters.kinds import KINDS, Kind

BATCH = 20_000
AT_ONCE = 5000
NEAR = """
    SELECT extract(epoch FROM asked.at)::bigint, extract(epoch FROM before.time)::bigint, extract(epoch FROM after.time)::bigint,
      {before}, {after}
    FROM unnest(%s::timestamptz[]) AS asked(at)
    LEFT JOIN LATERAL (SELECT * FROM {table} WHERE source_id = %s AND time <= asked.at ORDER BY time DESC LIMIT 1) AS before ON TRUE
    LEFT JOIN LATERAL (SELECT * FROM {table} WHERE source_id = %s AND time > asked.at ORDER BY time LIMIT 1) AS after ON TRUE"""

Values = tuple[int | None, ...]


class Around:
    """The stored readings around each edge: `points` register by register, and where it is measured finely enough."""

    def __init__(self, kind: Kind, source_id: int | None, edges: list[int], step_s: int) -> None:
        self.registers = kind.registers
        self.before: dict[int, tuple[int, Values]] = {}
        self.after: dict[int, tuple[int, Values]] = {}
        self.measured: dict[int, Values] = {}
        if source_id is not None:
            for start in range(0, len(edges), AT_ONCE):
                self._ask(kind, source_id, edges[start : start + AT_ONCE])
        for edge in edges:
            self._judge(edge, step_s)

    def _ask(self, kind: Kind, source_id: int, edges: list[int]) -> None:
        sides = {side: ", ".join(f"{side}.{name}" for name in kind.registers) for side in ("before", "after")}
        with connection.cursor() as cursor:
            cursor.execute(
                NEAR.format(table=kind.table, **sides), ([datetime.fromtimestamp(at, UTC) for at in edges], source_id, source_id)
            )
            for edge, before, after, *values in cursor.fetchall():
                count = len(kind.registers)
                if before is not None:
                    self.before[edge] = before, tuple(values[:count])
                if after is not None:
                    self.after[edge] = after, tuple(values[count:])

    def _judge(self, edge: int, step_s: int) -> None:
        before, after = self.before.get(edge), self.after.get(edge)
        if before is not None and before[0] == edge:
            self.measured[edge] = before[1]
        elif before is not None and after is not None and after[0] - before[0] <= step_s:
            self.measured[edge] = tuple(
                None if low is None or high is None else low + (high - low) * (edge - before[0]) // (after[0] - before[0])
                for low, high in zip(before[1], after[1], strict=True)
            )

    def known(self, place: int, intervals: list[tuple[int, int]]) -> dict[int, int]:
        """The points of a register that the walk goes by: the measured edges, and single readings around the others.

        Not one inside an interval whose end is measured: that end minus the volume says more.
        """
        found = {edge: value for edge, values in self.measured.items() if (value := values[place]) is not None}
        starts = [start for start, _end in intervals]
        for edge in {edge for interval in intervals for edge in interval} - self.measured.keys():
            for near in (self.before.get(edge), self.after.get(edge)):
                if near is None or (value := near[1][place]) is None:
                    continue
                around = intervals[bisect_right(starts, near[0]) - 1]
                if not (around[0] < near[0] < around[1] and around[1] in self.measured):
                    found[near[0]] = value
        return found

    def within(self, edge: int, place: int, value: int) -> int:
        """Cut off at the readings around: a Wh that rounding left over is no drop."""
        low, high = self.before.get(edge), self.after.get(edge)
        if low is not None and low[1][place] is not None:
            value = max(value, low[1][place] or 0)
        if high is not None and high[1][place] is not None:
            value = min(value, high[1][place] or 0)
        return value


class Fitted:
    """Batches of the edges that are not measured; `finer`: intervals that were measured already. Raises Unreadable."""

    def __init__(self, kind_name: str, source_id: int | None, volumes: Volumes) -> None:
        kind = KINDS[kind_name]
        self.intervals = intervals = volumes.intervals()
        self.volumes = volumes
        self._refuse_overlaps()
        edges = sorted({edge for interval in intervals for edge in interval})
        step_s = max((end - start for start, end in intervals), default=900)
        around = Around(kind, source_id, edges, step_s)
        self.finer = sum(start in around.measured and end in around.measured for start, end in intervals)
        self.anchored = bool(around.after)
        self.edges = [edge for edge in edges if edge not in around.measured]
        self.registers: dict[str, dict[int, int]] = {}
        for place, register in enumerate(kind.registers):
            if register not in volumes.registers:
                continue
            given = [volumes.known[interval].get(register, 0) for interval in intervals]
            shown = anchor.counters(intervals, given, around.known(place, intervals))
            self.registers[register] = {edge: around.within(edge, place, shown[edge]) for edge in self.edges}
            if min(self.registers[register].values(), default=0) < 0:
                raise Unreadable(
                    _(
                        "The volumes of %(register)s add up to more than the counter shows at the first reading that follows. Was the"
                        " meter replaced? Import them into a source of their own."
                    )
                    % {"register": register}
                )

    def _refuse_overlaps(self) -> None:
        for (_start, end), (start, _end) in zip(self.intervals, self.intervals[1:], strict=False):
            if start < end:
                at = datetime.fromtimestamp(start, UTC)
                raise Unreadable(
                    _("Intervals overlap at %(time)s UTC. Import quarters and hours from separate files.")
                    % {"time": f"{at:%Y-%m-%d %H:%M}"}
                )

    def batches(self) -> Iterator[Batch]:
        ends = {end: start for start, end in self.intervals}
        for first in range(0, len(self.edges), BATCH):
            edges = self.edges[first : first + BATCH]
            values = {
                name: (np.array([shown[edge] for edge in edges], np.int64), np.ones(len(edges), np.bool_))
                for name, shown in self.registers.items()
            }
            if any(name.startswith("import") for name in self.registers):
                powers = [self._power(ends.get(edge), edge) for edge in edges]
                values["power_w"] = (
                    np.array([power or 0 for power in powers], np.int64),
                    np.array([power is not None for power in powers], np.bool_),
                )
            yield Batch(np.zeros(len(edges), np.int64), np.array(edges, np.int64), values)

    def _power(self, start: int | None, end: int) -> int | None:
        """Mean net power of the interval that ends there, W; None after a gap."""
        if start is None:
            return None
        volumes = self.volumes.known[start, end]
        net = sum(volume if name.startswith("import") else -volume for name, volume in volumes.items())
        return round(net * 3600 / (end - start) / anchor.MICRO)
