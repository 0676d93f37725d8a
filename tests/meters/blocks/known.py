"""Sources with readings that are known, and what the pure arithmetic says of their blocks."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count, pairwise
from statistics import median_low
from typing import Any

from energysite import agents, blocks
from energysite.blocks import Power, Sample, Values
from energysite.registers import INTERVALS, CounterCycle, offset_at
from meters import storage
from meters.blocks.columns import values
from meters.kinds import KINDS
from meters.models import Block, DataManager, Source

Q = 1_790_000_100 // 900 * 900  # a quarter's start
NUMBERS = count(1)


def at(epoch: int) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)


def make_source(kind: str = "electricity", **fields: Any) -> Source:
    medium = {"electricity": "electricity", "volume": "gas", "production": "solar", "analog": "analog"}[kind]
    return Source.objects.create(kind=kind, medium=medium, **{"name": f"source {next(NUMBERS)}", **fields})


def manager(source: Source, length_s: int = 900, **fields: Any) -> DataManager:
    """As it is kept for this length, or a new one."""
    found = DataManager.objects.filter(source=source, length_s=length_s).exclude(algorithm="archive").first()
    if found is None:
        named = {"name": f"{source.name} {length_s}", "source": source, "length_s": length_s, "period_s": 60}
        return agents.create(DataManager, **{**named, **fields})
    DataManager.objects.filter(pk=found.pk).update(**fields)
    found.refresh_from_db()
    return found


def store(source: Source, samples: Sequence[Sample]) -> None:
    """Registers and powers as the device shows them."""
    kind = KINDS[source.kind]
    rest = (None,) * len(kind.others)
    storage.write(kind.name, ((source.pk, at(s.time), *s.registers, *s.powers, *rest, 0) for s in samples))


def remove(source: Source, before: int) -> None:
    """As retention does: raw readings go."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {KINDS[source.kind].table} WHERE source_id = %s AND time < %s", [source.pk, at(before)])


def cadence(samples: Sequence[Sample], end: int, set_s: int | None = None) -> int:
    if set_s:
        return set_s
    times = [sample.time for sample in samples]
    place = bisect_right(times, end)
    intervals = [b - a for a, b in pairwise(times[:place])][-INTERVALS:] or [
        b - a for a, b in pairwise(times[max(place - 1, 0) : max(place - 1, 0) + INTERVALS + 1])
    ]
    return min(median_low(intervals), 3600) if intervals else 3600


def continuous(samples: Sequence[Sample], cycles: Sequence[CounterCycle]) -> list[Sample]:
    return [
        sample._replace(
            registers=tuple(
                None if value is None else value + offset_at(cycles, i, sample.time) for i, value in enumerate(sample.registers)
            )
        )
        for sample in samples
    ]


def expected(samples: Sequence[Sample], start: int, end: int, *, set_s: int | None = None, retired: bool = False) -> Values | None:
    return blocks.condense(samples, start, end, cadence(samples, end, set_s), retired=retired)


def found(block: Block) -> Values:
    kind = KINDS[block.source.kind]
    rows = range(1, len(kind.registers) + 1)
    assert block.proof is not None
    return Values(
        energies=tuple(getattr(block, f"energy{i}") for i in rows),
        powers=tuple(
            Power(getattr(block, f"min{i}"), getattr(block, f"mean{i}"), getattr(block, f"max{i}"))
            for i in range(1, len(kind.channels) + 1)
        ),
        covered_s=block.covered_s or 0,
        length_s=int((block.end - block.start).total_seconds()),
        recovered=block.recovered,
        counters=tuple(getattr(block, f"end{i}") for i in rows),
        proof=int(block.proof.timestamp()),
    )


def stored(source: Source, length_s: int = 900) -> dict[int, Block]:
    """By the start."""
    rows = Block.objects.filter(source=source, length_s=length_s).select_related("source").order_by("start")
    return {int(block.start.timestamp()): block for block in rows}


def unchanged(block: Block) -> tuple[Any, ...]:
    return tuple(getattr(block, name) for name in values(KINDS[block.source.kind]))
