"""Blocks added up over spans of time, in SQL: one look at the key a span, whatever is in it; what no block covers comes back as holes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import connection

REGISTERS = 4


class Span(NamedTuple):
    """[low, high) of a source. `key` says what it belongs to."""

    key: int
    source_id: int
    low: datetime
    high: datetime


@dataclass(slots=True)
class Sums:
    """Of the DONE and CLOSED blocks in some spans. `energies`: Wh or l, None where none of them knows the register.

    `mean_ws`: watt-seconds over `mean_s`, of the first channel; `least`, `most`: its extremes. `blocks`: rows that were read.
    """

    energies: list[int | None] = field(default_factory=lambda: [None] * REGISTERS)
    covered_s: int = 0
    recovered: bool = False
    closed: bool = True
    least: int | None = None
    most: int | None = None
    mean_ws: int = 0
    mean_s: int = 0
    blocks: int = 0

    def add(self, other: Sums) -> None:
        self.energies = [_plus(mine, others) for mine, others in zip(self.energies, other.energies, strict=True)]
        self.covered_s += other.covered_s
        self.recovered |= other.recovered
        self.closed &= other.closed
        self.least = min((w for w in (self.least, other.least) if w is not None), default=None)
        self.most = max((w for w in (self.most, other.most) if w is not None), default=None)
        self.mean_ws += other.mean_ws
        self.mean_s += other.mean_s
        self.blocks += other.blocks


def _plus(mine: int | None, others: int | None) -> int | None:
    return mine if others is None else others + (mine or 0)


_ENERGIES = ", ".join(f"sum(energy{i})" for i in range(1, REGISTERS + 1))

# A block counts where it lies wholly inside. The window finds what lies between two of them.
SUMS_SQL = f"""
    SELECT asked.i, added.* FROM unnest(%(sources)s::smallint[], %(lows)s::timestamptz[], %(highs)s::timestamptz[])
    WITH ORDINALITY AS asked(source_id, low, high, i) CROSS JOIN LATERAL (
        SELECT count(*), min(start), max("end"), coalesce(bool_or(start < ended), false),
            array_agg(ARRAY[extract(epoch FROM ended)::bigint, extract(epoch FROM start)::bigint]) FILTER (WHERE start > ended),
            coalesce(sum(covered_s), 0)::bigint, coalesce(bool_or(recovered), false), coalesce(bool_and(state = 'closed'), true),
            min(min1), max(max1), coalesce(sum(mean1::bigint * covered_s), 0)::bigint,
            coalesce(sum(covered_s) FILTER (WHERE mean1 IS NOT NULL), 0)::bigint, {_ENERGIES}
        FROM (
            SELECT *, max("end") OVER (ORDER BY start ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS ended
            FROM meters_block WHERE source_id = asked.source_id AND length_s = %(length)s
            AND start >= asked.low AND start < asked.high AND "end" <= asked.high AND state IN ('done', 'closed')
        ) AS blocks
    ) AS added"""  # noqa: S608


def add_up(spans: Sequence[Span], length_s: int, into: dict[int, Sums]) -> list[Span]:
    """Adds the blocks of one length to `into`, by the key of their span, in one statement. Returns what they leave uncovered, in order.

    Blocks that overlap (days of two time zones, while the days are made anew) count for nothing: then all of the span is returned.
    """
    if not spans:
        return []
    asked: dict[str, Any] = {
        "sources": [span.source_id for span in spans],
        "lows": [span.low for span in spans],
        "highs": [span.high for span in spans],
        "length": length_s,
    }
    with connection.cursor() as cursor:
        cursor.execute(SUMS_SQL, asked)
        answer = sorted(cursor.fetchall())
    left: list[Span] = []
    for i, number, first, last, overlap, gaps, *values in answer:
        span = spans[i - 1]
        if not number or overlap:
            left.append(span)
            continue
        into.setdefault(span.key, Sums()).add(_sums(number, values))
        edges = [(span.low, first), *((_instant(low), _instant(high)) for low, high in gaps or ()), (last, span.high)]
        left += [span._replace(low=low, high=high) for low, high in edges if low < high]
    return left


def _sums(number: int, values: Sequence[Any]) -> Sums:
    covered_s, recovered, closed, least, most, mean_ws, mean_s, *energies = values
    known = [None if energy is None else int(energy) for energy in energies]
    return Sums(known, covered_s, recovered, closed, least, most, mean_ws, mean_s, number)


def _instant(epoch: int) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)
