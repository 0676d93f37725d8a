"""The source that an analog input's values are kept as."""

from collections.abc import Iterator
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from meters.blocks.managers import ensure_defaults
from meters.models import AnalogInput, Source


def make(given: AnalogInput) -> Source:
    """A new one with its data managers, in the caller's transaction. Raises IntegrityError where a hundred names are taken."""
    for name in _names(given.name):
        try:
            with transaction.atomic():
                source = Source.objects.create(
                    kind=Source.Kind.ANALOG, medium=Source.Medium.ANALOG, name=name, unit=given.unit, cadence_s=given.period_s
                )
        except IntegrityError:
            continue  # another source has the name
        ensure_defaults(source)
        return source
    raise IntegrityError(f"No free name for the source of {given.name}.")


def follow(given: AnalogInput) -> None:
    """Unit and cadence as the input has them now."""
    source = given.source
    if (source.unit, source.cadence_s) == (given.unit, given.period_s):
        return
    source.unit, source.cadence_s = given.unit, given.period_s
    source.save(update_fields=["unit", "cadence_s"])
    ensure_defaults(source)


def retire(instance: AnalogInput, **_kwargs: Any) -> None:
    """The input is gone; what it measured stays."""
    Source.objects.filter(pk=instance.source_id, retired=None).update(retired=timezone.now())


def _names(plain: str) -> Iterator[str]:
    yield plain
    for number in range(2, 100):
        yield f"{plain} {number}"
