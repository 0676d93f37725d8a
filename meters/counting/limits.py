"""How fast each source can count: from its own row, else from the house's connection."""

import threading
import time
from collections.abc import Iterable
from math import sqrt
from typing import Any

from django.db.models.signals import post_delete, post_save

from energysite.counters import Limits
from energysite.models import House
from meters.kinds import KINDS
from meters.models import Source

FRESH_S = 10.0  # a change by another process is known after this long
VOLT = 230
FUSE_A = 100  # where nobody said: three phases of this
PER_HOUR = {Source.Medium.GAS: 40_000, Source.Medium.WATER: 10_000}
# Meters with a pulse show whole tens of litres; inverters count in tens of Wh.
RESOLUTION = {Source.Kind.VOLUME: 10, Source.Kind.PRODUCTION: 10, Source.Kind.BATTERY: 10}


def connection_w(grid: str, fuse_a: int | None) -> int:
    """The most that a house connection can carry, W."""
    if fuse_a is None:
        return 3 * FUSE_A * VOLT
    if grid == House.Grid.ONE:
        return fuse_a * VOLT
    return round(fuse_a * VOLT * sqrt(3)) if grid == House.Grid.THREE_DELTA else fuse_a * VOLT * 3


def limits_for(kind: str, medium: str, per_hour: int | None, rolls_over_at: int | None, house_w: int) -> tuple[Limits, ...]:
    """Of each register of a source, in the order of its kind."""
    if per_hour is None:
        unknown = 3 * FUSE_A * VOLT if kind in (Source.Kind.PRODUCTION, Source.Kind.BATTERY) else house_w
        per_hour = PER_HOUR.get(Source.Medium(medium), unknown)
    one = Limits(per_hour, RESOLUTION.get(Source.Kind(kind), 1), rolls_over_at)
    return (one,) * len(KINDS[kind].registers)


class _Known:
    def __init__(self) -> None:
        self.limits: dict[int, tuple[Limits, ...]] = {}
        self.until = 0.0
        self.lock = threading.Lock()


_known = _Known()


def of(source_ids: Iterable[int]) -> dict[int, tuple[Limits, ...]]:
    """By source id; remembered for some seconds. Raises KeyError for a source that does not exist, django.db.Error."""
    wanted = list(source_ids)
    with _known.lock:
        if time.monotonic() >= _known.until or any(source_id not in _known.limits for source_id in wanted):
            _known.limits = _read()
            _known.until = time.monotonic() + FRESH_S
        return {source_id: _known.limits[source_id] for source_id in wanted}


def _read() -> dict[int, tuple[Limits, ...]]:
    grid, fuse_a = House.objects.filter(pk=1).values_list("grid", "fuse_a").first() or (House.Grid.ONE, None)
    house_w = connection_w(grid, fuse_a)
    rows = Source.objects.values_list("pk", "kind", "medium", "per_hour", "rolls_over_at")
    return {pk: limits_for(kind, medium, per_hour, rolls, house_w) for pk, kind, medium, per_hour, rolls in rows}


def forget(**_kwargs: Any) -> None:
    """The next reading is judged by what the rows say now."""
    _known.until = 0.0


for _model in (House, Source):
    for _signal in (post_save, post_delete):
        _signal.connect(forget, sender=_model, dispatch_uid=f"limits {_model.__name__}")
