"""A source of the test database with a known limit, and what the database says of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

from energysite.permissions import OWNER, Actor
from meters.blocks.process import drain
from meters.counting import judge, limits, memory
from meters.counting.judge import Taken
from meters.kinds import KINDS
from meters.models import Block, CounterCycle, DataManager, RejectEpisode, Source, SuspectElectricity
from meters.models.readings import AnalogReading, ElectricityReading, ProductionReading, VolumeReading
from tests.meters.rows import make_meter

T0 = datetime(2026, 10, 24, 12, tzinfo=UTC)
NOW = datetime(2026, 11, 23, tzinfo=UTC)
LIMIT_W = 9_200
ANNE = Actor("Anne", OWNER)
TABLES: dict[str, Any] = {
    "electricity": ElectricityReading,
    "volume": VolumeReading,
    "production": ProductionReading,
    "analog": AnalogReading,
}


def at(second: int) -> datetime:
    return T0 + timedelta(seconds=second)


def second(time: datetime) -> int:
    return int((time - T0).total_seconds())


def make(kind: str = "electricity", medium: str = "electricity", **fields: Any) -> Source:
    limits.forget()
    fields = {"name": f"Source {kind} {Source.objects.count()}", "per_hour": LIMIT_W, "serial": "1", **fields}
    if "meter" not in fields:
        fields["meter"] = make_meter(f"Meter {Source.objects.count()}")
    return Source.objects.create(kind=kind, medium=medium, **fields)


def row(source: Source, second: int, *values: int | None, **others: Any) -> tuple[Any, ...]:
    """`values`: the registers in their order, those not given are not said."""
    kind = KINDS[source.kind]
    said = dict(zip(kind.registers, values, strict=False)) | others
    return (source.pk, at(second), *[said.get(name) for name in kind.columns[2:-1]], 0)


def take(source: Source, *rows: tuple[Any, ...], now: datetime = NOW) -> Taken:
    with transaction.atomic():
        return judge.take(source.kind, rows, now)


def stand(source: Source, second: int, *values: int | None, **others: Any) -> Taken:
    """One reading."""
    return take(source, row(source, second, *values, **others))


def run(source: Source, start: int, value: int, count: int, step_s: int = 10) -> Taken:
    """`count` readings, 1 Wh apart, in one batch."""
    return take(source, *[row(source, start + i * step_s, value + i) for i in range(count)])


def counted(source: Source, register: str | None = None) -> list[tuple[int, int]]:
    """(second, continuous value) of what is stored, by time."""
    kind = KINDS[source.kind]
    name = register or kind.registers[0]
    cycles = list(CounterCycle.objects.filter(source=source, register=name).order_by("since"))
    found = []
    for time, value in TABLES[source.kind].objects.filter(source=source).order_by("time").values_list("time", name):
        if value is not None:
            offset = next((cycle.offset for cycle in reversed(cycles) if cycle.since <= time), 0)
            found.append((second(time), value + offset))
    return found


def total(source: Source, register: str | None = None) -> int:
    points = counted(source, register)
    return points[-1][1] - points[0][1]


def episodes(source: Source) -> list[tuple[str, int, int, int, bool]]:
    """(rule, first second, last second, count, asks), oldest first."""
    rows = RejectEpisode.objects.filter(source=source).order_by("first", "id")
    return [(one.rule, second(one.first), second(one.last), one.count, one.asks) for one in rows]


def episode(source: Source) -> RejectEpisode:
    return RejectEpisode.objects.get(source=source)


def suspects(source: Source) -> int:
    return SuspectElectricity.objects.filter(episode__source=source).count()


def candidate(source: Source) -> Any:
    """The level in doubt, as another process would read it."""
    with transaction.atomic():
        standing = memory.lock({source.kind: [source.pk]})[source.pk]
        return memory.load(KINDS[source.kind], source.pk, standing).state.candidate


def process(source: Source, now: datetime = NOW) -> None:
    """Quarters and days, until nothing is due."""
    for length in (900, 86_400):
        if not DataManager.objects.filter(source=source, length_s=length).exists():
            DataManager(name=f"{source.name} {length}", source=source, length_s=length, builtin=True, period_s=60).save()
    drain(DataManager.objects.filter(source=source), now)


def quarters(source: Source) -> list[Block]:
    return list(Block.objects.filter(source=source, length_s=900).order_by("start"))
