"""What a person's change would do to the history: it is done, looked at, and rolled back."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from energysite.errors import BadReading
from meters.counting import effects
from meters.counting.effects import DayEffect
from meters.models import Source


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """`refusal`: why it cannot be, else empty; `days` that it changes."""

    refusal: str = ""
    days: tuple[DayEffect, ...] = ()


def rehearse(source: Source, low: datetime, high: datetime, act: Callable[[], object]) -> Rehearsed:
    """`low` to `high`: the time that it can change."""
    days = effects.days_between(low, high)
    try:
        with transaction.atomic():
            before = effects.energies(source, days)
            with transaction.atomic():
                act()
                after = effects.energies(source, days)
                transaction.set_rollback(True)
    except BadReading as error:
        return Rehearsed(refusal=str(error))
    return Rehearsed(days=effects.differences(before, after))
