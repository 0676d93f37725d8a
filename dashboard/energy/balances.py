"""What the house used in a period and in each of its slots. Everything comes from `meters.totals.balance`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from dashboard.energy.asked import Asked, Grain
from dashboard.energy.slots import Slot
from energysite import place
from energysite.models import House
from energysite.timegrid import Span
from meters.balance import Balance
from meters.models import Source
from meters.totals import balance
from meters.totals.balance import HouseTotal
from solar.models import InverterSource

ROLES = (Source.Kind.ELECTRICITY, Source.Kind.PRODUCTION, Source.Kind.BATTERY)


def whose(house: House, sources: Sequence[Source]) -> balance.House:
    """The house that these sources are the counters of. One statement."""
    fed = set(InverterSource.objects.filter(source__retired=None).values_list("source_id", flat=True))
    return balance.House([source for source in sources if source.kind in ROLES], fed, ZoneInfo(house.zone), place.of(house))


def totals(whole: balance.House, asked: Asked, own: Sequence[Slot], now: datetime) -> tuple[HouseTotal, list[HouseTotal]]:
    """Of the period, and of each of its slots: they make it up, to the quarter."""
    period = asked.period
    if asked.grain in (Grain.DAY, Grain.MONTH):
        span = Span.DAY if asked.grain is Grain.DAY else Span.MONTH
        by_period = balance.periods(whole, span, period.first, period.until, now)
        each = [by_period[slot.deeper] for slot in own if slot.deeper is not None]
    else:
        each = balance.ranges(whole, [(slot.start, slot.end) for slot in own], now)
    return sum(each[1:], start=each[0]), each


def from_battery(found: Balance) -> int | None:
    """Of what was used, what the battery gave; None where use is not known."""
    use, direct, bought = found.use, found.direct, found.from_grid
    return None if use is None or direct is None or bought is None else max(0, min(use - direct - bought, found.discharge))
