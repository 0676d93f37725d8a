"""Readings that a person types in, for sources without a port. The counter rules hold for them too: refused at once, never aside."""

from collections.abc import Mapping
from datetime import UTC, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from energysite import audit
from energysite.errors import BadReading
from energysite.permissions import Actor
from meters import storage
from meters.blocks.touch import reopen
from meters.counting import limits, memory, moving, refusals, stored
from meters.counting.bench import Bench
from meters.counting.plain import Row
from meters.kinds import KINDS, Kind
from meters.models import CounterCycle, ElectricityReading, Source


def row_of(kind: Kind, source_id: int, at: datetime, values: Mapping[str, int], flags: int) -> Row:
    """A row of the kind with these registers and nothing else. Raises BadReading for a register that it does not have."""
    if not values or not values.keys() <= set(kind.registers):
        raise BadReading(_("Give the values of this meter's own registers."))
    return (source_id, at, *[values.get(name) for name in kind.columns[2:-1]], flags)


def add(source: Source, at: datetime, values: Mapping[str, int], actor: Actor, now: datetime | None = None) -> None:
    """What the counters (Wh, l) showed at a time, in any order. Raises BadReading with a sentence where that cannot be."""
    kind = _kind(source)
    row = row_of(kind, source.pk, at.replace(microsecond=0), values, ElectricityReading.BY_HAND)
    with transaction.atomic():
        standing = memory.lock({kind.name: [source.pk]})[source.pk]
        bench = Bench(memory.recall(kind, source.pk, standing), limits.of([source.pk])[source.pk], now or datetime.now(UTC), again=True)
        bench.judge([row])
        if bench.episodes:
            raise BadReading(refusals.sentence(bench.episodes[0]))
        if not bench.accepted:
            raise BadReading(_("This reading is there already."))
        storage.put(kind.name, bench.accepted)
        bench.close()
        reopen(source.pk, bench.spans())
        audit.record(actor, "reading by hand", source.name, time=row[1].isoformat(), **values)


def remove(source: Source, at: datetime, actor: Actor) -> None:
    """Take a typed reading away again, as one with a typing error. Raises BadReading where there is none."""
    kind = _kind(source)
    with transaction.atomic():
        standing = memory.lock({kind.name: [source.pk]})[source.pk]
        second = stored.epoch(at)
        if CounterCycle.objects.filter(source=source, since=stored.instant(second)).exists():
            raise BadReading(_("The new meter's counting begins with this reading: it has to stay."))
        if not moving.delete(kind, source.pk, [second]):
            raise BadReading(_("There is no reading at this time. Load the page again."))
        moving.taken_away(kind, source.pk, second, second)
        memory.save(memory.load(kind, source.pk, standing), changed=True)
        audit.record(actor, "reading by hand removed", source.name, time=stored.instant(second).isoformat())


def _kind(source: Source) -> Kind:
    kind = KINDS[source.kind]
    if not source.by_hand or not kind.registers:
        raise BadReading(_("Only a source that is read by hand takes typed readings."))
    return kind
