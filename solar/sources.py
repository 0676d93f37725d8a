"""The sources of an inverter: one for each unit that counts, one for its battery; made at their first reading, retired with it."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.signals import post_save, pre_delete
from django.utils import timezone

from energysite import agent_states
from energysite.permissions import Actor
from meters.blocks.managers import ensure_defaults
from meters.counting import limits, replace, stored
from meters.kinds import BATTERY, KINDS, PRODUCTION
from meters.models import Source
from meters.storage import KIND_OF
from solar.fleet import Counter
from solar.models import Inverter, InverterSource

MEDIA = {PRODUCTION.name: Source.Medium.SOLAR, BATTERY.name: Source.Medium.BATTERY}
LONGEST_NAME = 120
SITE = Actor("the site", None)


def ensure(inverter_id: int, unit: str, kind: str) -> Counter:
    """The counter of this unit, made with its source and data managers where there is none. Raises Inverter.DoesNotExist where the
    inverter was deleted meanwhile, django.db.Error."""
    with transaction.atomic():
        inverter = Inverter.objects.select_for_update(no_key=True).get(pk=inverter_id)
        found = InverterSource.objects.filter(inverter=inverter, unit=unit, source__kind=kind, source__retired=None).first()
        if found is None:
            source = _make(inverter, unit, kind)
            found = InverterSource.objects.create(inverter=inverter, unit=unit, source=source)
            ensure_defaults(source)
    return Counter(unit, kind, found.source_id, found.base_wh, found.day)


def _make(inverter: Inverter, unit: str, kind: str) -> Source:
    fields: dict[str, Any] = {"kind": KIND_OF[MEDIA[kind]], "medium": MEDIA[kind]}
    if kind == PRODUCTION.name:
        fields["per_hour"] = inverter.peak_w
    first = not inverter.counters.filter(source__kind=kind, source__retired=None).exists()
    for name in _names(inverter.name, unit, kind, first=first):
        try:
            with transaction.atomic():
                return Source.objects.create(name=name, **fields)
        except IntegrityError:
            continue  # something else is called so
    raise IntegrityError(f"No free name for a source of {inverter.name}.")


def _names(inverter: str, unit: str, kind: str, *, first: bool) -> Iterator[str]:
    """The inverter's own name for its first counter, then with the unit: its battery says so."""
    plain = inverter if kind == PRODUCTION.name else f"{inverter} battery"
    if first:
        yield plain
    if unit:
        yield f"{plain} {unit}"[:LONGEST_NAME].rstrip()
    for number in range(2, 100):
        yield f"{plain} {number}"


def _follow(instance: Inverter, **_kwargs: Any) -> None:
    """How fast it can count, as its settings say now. How often it speaks is learned: a period that changes leaves old blocks alone."""
    Source.objects.filter(inverter_source__inverter=instance, retired=None, kind=PRODUCTION.name).update(per_hour=instance.peak_w)
    limits.forget()
    if not instance.enabled:
        transaction.on_commit(lambda: agent_states.tell(instance.name, {"status": "disabled", "error": None, "condition": None}))


def _retire(instance: Inverter, **_kwargs: Any) -> None:
    """In the transaction that deletes the inverter: what it counted stays."""
    for source in Source.objects.filter(inverter_source__inverter=instance, retired=None).order_by("pk"):
        newest = stored.newest(KINDS[source.kind], source.pk)
        at = timezone.now()
        replace.retire(source, at if newest is None else max(at, _instant(newest)), SITE)


def _instant(reading: stored.Stored) -> datetime:
    return stored.instant(reading.time)


post_save.connect(_follow, sender=Inverter, dispatch_uid="sources follow their inverter")
pre_delete.connect(_retire, sender=Inverter, dispatch_uid="sources retire with their inverter")
