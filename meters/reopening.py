"""Blocks processed at once, or put back to to-do, because a person asks for it."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max, Min

from energysite import broker
from energysite.block_states import State
from meters.blocks import touch
from meters.models import Block, DataManager
from meters.models.blocks import QUARTER_S

# Of all blocks of a data manager: by a worker, since there may be a million.
TASK = "meters.tasks.reopen_manager"
MOST_CHOSEN = 1_000
# At once: 45,000 blocks of a minute.
STRETCH = timedelta(days=31)


def lengths(length_s: int) -> list[int]:
    """What has to be computed again with blocks of this length: a quarter is what longer ones are summed from."""
    return [length for length in touch.LENGTHS_S if length >= QUARTER_S] if length_s == QUARTER_S else [length_s]


def count(manager: DataManager) -> int:
    """How many of its own blocks are not to-do."""
    return Block.objects.filter(source=manager.source_id, length_s=manager.length_s).exclude(state=State.TO_DO).count()


def manager_blocks(pk: int) -> int:
    """All blocks of a data manager back to to-do, a month in each transaction. Returns how many were not; 0 for one that is gone."""
    manager = DataManager.objects.filter(pk=pk).exclude(algorithm=DataManager.Algorithm.ARCHIVE).first()
    if manager is None:
        return 0
    ends = Block.objects.filter(source=manager.source_id, length_s=manager.length_s).aggregate(first=Min("start"), last=Max("end"))
    low: datetime | None = ends["first"]
    opened = 0
    while low is not None and low < ends["last"]:
        with transaction.atomic():
            opened += touch.reopen(manager.source_id, [(low, low + STRETCH)], lengths=lengths(manager.length_s))
        low += STRETCH
    return opened


def blocks(chosen: Iterable[Block]) -> int:
    """These, and what overlaps them, back to to-do. Returns how many were not."""
    spans: dict[int, list[tuple[datetime, datetime]]] = {}
    for block in chosen:
        spans.setdefault(block.source_id, []).append((block.start, block.end))
    opened = 0
    for source, intervals in sorted(spans.items()):
        with transaction.atomic():
            opened += touch.reopen(source, intervals)
    return opened


def process_now(manager: DataManager) -> None:
    """A run as soon as a worker is free; faulty blocks do not wait for their time. Raises BrokerAway."""
    faulty = Block.objects.filter(source=manager.source_id, length_s=manager.length_s, state=State.FAULTY)
    faulty.exclude(retry_after=None).update(retry_after=None)
    broker.send(manager.task, manager.pk)


def process_blocks_now(chosen: Iterable[Block]) -> int:
    """A run of each data manager of these blocks. Returns how many were asked. Raises BrokerAway."""
    wanted = {(block.source_id, block.length_s) for block in chosen}
    condensing = DataManager.objects.exclude(algorithm=DataManager.Algorithm.ARCHIVE).filter(enabled=True)
    managers = [one for one in condensing if (one.source_id, one.length_s) in wanted]
    for manager in managers:
        process_now(manager)
    return len(managers)
