"""A device was replaced. Within one source a person says where the old one ended and the new one began, so totals stay exact;
a P1 meter that tells its serial number becomes another source by itself, and the old one is retired."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from energysite import audit
from energysite.errors import BadReading
from energysite.permissions import Actor
from energysite.registers import CounterCycle
from meters import amounts, storage
from meters.blocks.touch import reopen
from meters.counting import limits, memory, moving, stored
from meters.counting.bench import Bench
from meters.counting.by_hand import row_of
from meters.counting.levels import REPLACED
from meters.kinds import KINDS
from meters.models import ElectricityReading, RejectEpisode, Source

CHUNK_ROWS = 10_000
MARGIN = timedelta(minutes=5)  # clocks differ


def replaced(
    source: Source, at: datetime, last: Mapping[str, int], first: Mapping[str, int], serial: str, actor: Actor, now: datetime | None = None
) -> None:
    """At `at` the old device showed `last` and the new one began at `first` (Wh, l by register).

    What the new one has told since lay aside as lower than before: it is taken in now. Raises BadReading with a sentence.
    """
    kind, now = KINDS[source.kind], now or datetime.now(UTC)
    at = at.replace(microsecond=0)
    if source.meter_id is not None and source.serial:
        raise BadReading(_("This meter tells its own serial number: a new one is another source by itself."))
    if at > now + MARGIN:
        raise BadReading(_("This time lies ahead. Give the time of the replacement."))
    row = row_of(kind, source.pk, at, first, ElectricityReading.BY_HAND)
    with transaction.atomic():
        standing = memory.lock({kind.name: [source.pk]})[source.pk]
        mind = memory.load(kind, source.pk, standing)
        _check(mind, stored.epoch(at), last, first)
        base = mind.state.time
        known = list(mind.state.baseline)
        begun = _begin(mind, stored.epoch(at), last, first, serial)
        missing = {i for i, name in enumerate(kind.registers) if name not in first}
        for register in missing:
            mind.state.baseline[register] = known[register]
        cycles = [cycle for cycle in begun if cycle.register not in missing]
        mind.state.cycles = memory.cycles_of(kind, source.pk) + cycles
        storage.put(kind.name, [row])
        memory.store_cycles(mind, cycles)
        entered = _take_what_followed(source, mind, stored.epoch(at), actor, now)
        memory.save(mind, changed=True)
        newest = stored.newest(kind, source.pk)
        assert newest is not None
        reopen(source.pk, [(stored.instant(base) if base is not None else at, stored.instant(newest.time))])
        if source.meter_id is None and serial:
            Source.objects.filter(pk=source.pk).update(serial=serial)
        audit.record(
            actor, "meter replaced", source.name, time=at.isoformat(), last=dict(last), first=dict(first), serial=serial, readings=entered
        )
    limits.forget()
    source.refresh_from_db()


def _begin(mind: memory.Memory, at: int, last: Mapping[str, int], first: Mapping[str, int], serial: str) -> tuple[CounterCycle, ...]:
    counter = mind.counter(limits.of([mind.source_id])[mind.source_id])
    ends, begins = ([values.get(name, 0) for name in mind.kind.registers] for values in (last, first))
    try:
        return counter.replaced(at, ends, begins, serial)
    except BadReading as error:
        raise BadReading(_("The old meter cannot have counted so much since its last reading. Check value and time.")) from error


def _check(mind: memory.Memory, at: int, last: Mapping[str, int], first: Mapping[str, int]) -> None:
    """In sentences of the person's language; the counter itself is asked after that."""
    if mind.state.time is not None and at <= mind.state.time:
        raise BadReading(_("There are readings of the old meter after this time. Give a later time."))
    if last.keys() != first.keys():
        raise BadReading(_("Give the last and the first value of each register."))
    for name, base in zip(mind.kind.registers, mind.state.baseline, strict=True):
        if base is None:
            continue
        if name not in last:
            raise BadReading(_("Give the last and the first value of each register."))
        if last[name] < base.value:
            words = {"value": amounts.shown(name, base.value)}
            raise BadReading(_("The old meter showed %(value)s already: its last value cannot be lower.") % words)


def _take_what_followed(source: Source, mind: memory.Memory, at: int, actor: Actor, now: datetime) -> int:
    """Suspects of open episodes that go on from the new device's first value. Returns how many entered."""
    kind, entered = mind.kind, 0
    if not kind.suspects:
        return 0
    rules = [RejectEpisode.Rule.DROP, RejectEpisode.Rule.RISE]
    later = RejectEpisode.objects.filter(source=source, decision=RejectEpisode.Decision.OPEN, last__gt=stored.instant(at), rule__in=rules)
    for episode in later.order_by("first"):
        taken, after = 0, at
        while rows := moving.suspects_of(kind, episode.pk, source.pk, after=after, most=CHUNK_ROWS):
            after = stored.epoch(rows[-1][1])
            mind.near.clear()
            bench = Bench(mind, limits.of([source.pk])[source.pk], now, again=True)
            bench.judge(rows)
            if bench.episodes:
                mind.state.candidate = None  # these stay where they are
            taken += storage.put(kind.name, bench.accepted)
        if taken == episode.count:
            episode.decision, episode.decided, episode.decided_by = RejectEpisode.Decision.OVERRULED, now, actor.name
            episode.parameters = {**episode.parameters, "taken": REPLACED}
        episode.asks = False
        episode.save()
        entered += taken
    mind.near.clear()
    return entered


def retire(source: Source, at: datetime, actor: Actor) -> None:
    """The device is gone: its last block ends at its last reading. Raises BadReading where it has spoken since."""
    kind = KINDS[source.kind]
    with transaction.atomic():
        standing = memory.lock({kind.name: [source.pk]})[source.pk]
        if standing.newest is not None and stored.instant(standing.newest) > at:
            raise BadReading(_("There are readings of this source after that time."))
        Source.objects.filter(pk=source.pk).update(retired=at)
        if standing.newest is not None:
            newest = stored.instant(standing.newest)
            reopen(source.pk, [(newest - timedelta(seconds=1), newest + timedelta(seconds=1))])
        audit.record(actor, "source retired", source.name, at=at.isoformat())
    source.refresh_from_db()
