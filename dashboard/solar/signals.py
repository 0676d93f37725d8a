"""Analog inputs: the value of now, and the curve of a day by quarters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from django.utils.translation import gettext as _

from dashboard import ages, figures
from dashboard.energy.asked import Asked, Grain
from dashboard.energy.slots import of_season, slots
from dashboard.solar.curves import Curve, Line
from dashboard.solar.states import Told
from dashboard.texts import say
from energysite import timegrid
from energysite.block_states import State
from energysite.text import plain
from energysite.timegrid import QUARTER, QUARTER_S, Span
from meters.models import AnalogInput, Block

Means = tuple[int | None, int | None, int | None]  # lowest, mean, highest; thousandths of the unit
NOTHING: Means = (None, None, None)


@dataclass(frozen=True, slots=True)
class Signal:
    """`value`: of now, in thousandths of `unit`; None where it is not known. `quarters`: of the day that is shown, in order."""

    key: str
    input: AnalogInput
    unit: str
    value: int | None
    seen: str
    error: str
    quarters: list[Means]
    day: date
    now: datetime
    zone: tzinfo


def of_day(inputs: Sequence[AnalogInput], told: Told, day: date, now: datetime, zone: tzinfo) -> list[Signal]:
    """The inputs come with their sources. One statement."""
    start, end = timegrid.day_bounds(day, zone)
    places = {at: i for i, at in enumerate(timegrid.quarters_between(start, end))}
    found: dict[int, list[Means]] = {one.source_id: [NOTHING] * len(places) for one in inputs}
    blocks = Block.objects.filter(
        source_id__in=list(found), length_s=QUARTER_S, start__gte=start, start__lt=end, state__in=(State.DONE, State.CLOSED)
    )
    for source_id, at, *means in blocks.values_list("source_id", "start", "min1", "mean1", "max1"):
        found[source_id][places[at]] = (means[0], means[1], means[2])
    return [_signal(one, told, found[one.source_id], day, now, zone) for one in inputs]


def _signal(one: AnalogInput, told: Told, quarters: list[Means], day: date, now: datetime, zone: tzinfo) -> Signal:
    state, frame = told.states[one.name], told.fresh(one, now.timestamp())
    value = frame.get("value")
    last = state.get("last_success")
    return Signal(
        key=f"analog-{one.pk}",
        input=one,
        unit=one.unit,
        value=None if value is None else round(1000 * value),
        seen=say("ago", age=ages.length(now.timestamp() - last)) if last else "",
        error=plain(str(state.get("error") or "")),
        quarters=quarters,
        day=day,
        now=now,
        zone=zone,
    )


def sentence(signal: Signal) -> str:
    """The lowest and the highest value of the day."""
    known = [(quarter, i) for i, quarter in enumerate(signal.quarters) if quarter[1] is not None]
    if not known:
        over = signal.day < timegrid.local_day(signal.now, signal.zone)
        return _("No readings on this day.") if over else _("The curve begins with the first whole quarter of an hour.")
    low, low_at = min(((_first(q[0], q[1]), i) for q, i in known), key=lambda one: one[0])
    high, high_at = max(((_first(q[2], q[1]), i) for q, i in known), key=lambda one: (one[0], -one[1]))
    words = {
        "low": figure(low, signal.unit),
        "low_at": _quarter(signal, low_at),
        "high": figure(high, signal.unit),
        "high_at": _quarter(signal, high_at),
    }
    return _("Lowest %(low)s at %(low_at)s, highest %(high)s at %(high_at)s.") % words


def _first(value: int | None, other: int | None) -> int:
    """A quarter with a gap has a mean and no ends."""
    return value if value is not None else other or 0


def _quarter(signal: Signal, place: int) -> str:
    local = (timegrid.midnight(signal.day, signal.zone) + place * QUARTER).astimezone(signal.zone)
    return of_season(f"{local:%H:%M}", timegrid.season(local))


def value(signal: Signal) -> str:
    return _tenths(signal.value)


def figure(milli: int, unit: str) -> str:
    return f"{_tenths(milli)} {unit}".rstrip()


def _tenths(milli: int | None) -> str:
    return figures.tenths(None if milli is None else milli / 1000)


def curve(signal: Signal) -> Curve:
    start, end = timegrid.day_bounds(signal.day, signal.zone)
    low, mean, high = ([quarter[i] for quarter in signal.quarters] for i in range(3))
    running = start <= signal.now < end
    line = Line("analog", signal.input.name, mean, (low, high))
    return Curve(start, end, QUARTER_S, signal.unit, "milli", signal.now.timestamp() if running else None, [line])


def table(signal: Signal) -> list[tuple[str, str, str, str]]:
    """(hour, lowest, mean, highest) of the hours with readings."""
    rows = []
    begin = timegrid.midnight(signal.day, signal.zone)
    for hour in slots(Asked(Span.DAY, signal.day, signal.day, Grain.HOUR), signal.zone):
        quarters = signal.quarters[(hour.start - begin) // QUARTER : (hour.end - begin) // QUARTER]
        columns = [[value for value in column if value is not None] for column in zip(*quarters, strict=True)]
        if not columns or not columns[1]:
            continue
        low, mean, high = columns
        mean_of = round(sum(mean) / len(mean))
        rows.append((hour.name, _tenths(min(low, default=None)), _tenths(mean_of), _tenths(max(high, default=None))))
    return rows
