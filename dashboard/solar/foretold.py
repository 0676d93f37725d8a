"""The forecast of the sun beside what was made: a chart, one sentence, an hourly table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from dashboard.energy.asked import Asked, Grain
from dashboard.energy.charts import KWH
from dashboard.energy.slots import day_name, of_season, slots
from dashboard.figures import kw
from dashboard.solar.curves import Curve, Line
from energysite import timegrid
from energysite.timegrid import DAY, QUARTER_S, Span
from solar.forecast import queries
from solar.forecast.queries import Step

QUARTERS_AN_HOUR = 3600 // QUARTER_S


@dataclass(frozen=True, slots=True)
class Foretold:
    """A local day, and the day after it where that is to come. `steps` and `made_w` go together, a quarter each: W."""

    day: date
    steps: list[Step]
    made_w: list[int | None]
    tomorrow: list[Step]
    now: datetime
    zone: ZoneInfo

    @property
    def running(self) -> bool:
        return timegrid.local_day(self.now, self.zone) == self.day

    @property
    def has_band(self) -> bool:
        return any(step.p10_w is not None for step in self.steps + self.tomorrow)


def of_day(day: date, now: datetime, zone: ZoneInfo) -> Foretold | None:
    """None where nothing was foretold of this day, nor of the next one while it runs. A few statements."""
    start, end = timegrid.day_bounds(day, zone)
    running = start <= now < end
    steps = queries.of_day(day, zone, now)
    tomorrow = queries.of_day(day + DAY, zone, now) if running else []
    if not _known(steps) and not _known(tomorrow):
        return None
    steps = steps or [Step(at, None, None, None, None) for at in timegrid.quarters_between(start, end)]
    made = queries.made(start, end)
    made_w = [None if wh is None or step.start >= now else wh * QUARTERS_AN_HOUR for wh, step in zip(made, steps, strict=True)]
    return Foretold(day, steps, made_w, tomorrow, now, zone)


def _known(steps: Sequence[Step]) -> bool:
    return any(step.mean_w is not None for step in steps)


def energy_wh(powers_w: Sequence[int | None]) -> int | None:
    """Of quarters; None where nothing is known."""
    known = [w for w in powers_w if w is not None]
    return round(sum(known) / QUARTERS_AN_HOUR) if known else None


def sentence(found: Foretold) -> str:
    """How much was foretold and made, what is still to come, and tomorrow."""
    parts = [_today(found) if found.running else _past(found)]
    coming = energy_wh([step.mean_w for step in found.tomorrow])
    if coming is not None:
        parts.append(_("Tomorrow about %(value)s.") % {"value": KWH.of(coming)})
    return " ".join(part for part in parts if part)


def _today(found: Foretold) -> str:
    said = _highest(found)
    passed = [(step.mean_w, made) for step, made in zip(found.steps, found.made_w, strict=True) if made is not None]
    made, foretold = energy_wh([made for _mean, made in passed]), energy_wh([mean for mean, made in passed if mean is not None])
    if made is None or not (made or foretold):
        return said
    if foretold is None:
        return " ".join([said, _("%(made)s were made so far.") % {"made": KWH.of(made)}])
    words = {"made": KWH.of(made), "foretold": KWH.of(foretold)}
    return " ".join([said, _("%(made)s were made so far; %(foretold)s were forecast to then.") % words])


def _highest(found: Foretold) -> str:
    """What the whole day is expected to bring, and when most."""
    whole = energy_wh([step.mean_w for step in found.steps])
    if whole is None:
        return ""
    if whole == 0:
        return _("Nothing is expected today.")
    most = max((step for step in found.steps if step.mean_w is not None), key=lambda step: step.mean_w or 0)
    words = {"value": KWH.of(whole), "time": _clock(most.start, found.zone), "kw": kw(most.mean_w)}
    return _("About %(value)s are expected today, most at %(time)s (%(kw)s kW).") % words


def _past(found: Foretold) -> str:
    foretold, made = energy_wh([step.mean_w for step in found.steps]), energy_wh(found.made_w)
    if foretold is None:
        return ""
    if made is None:
        return _("%(foretold)s were forecast; what was made is not known.") % {"foretold": KWH.of(foretold)}
    return _("%(foretold)s were forecast, %(made)s were made.") % {"foretold": KWH.of(foretold), "made": KWH.of(made)}


def curve(found: Foretold) -> Curve:
    """From midnight on: the day, and the next one where that is foretold."""
    start, end = timegrid.day_bounds(found.day, found.zone)
    steps = found.steps + found.tomorrow
    band = ([step.p10_w for step in steps], [step.p90_w for step in steps])
    return Curve(
        start=start,
        end=end if not found.tomorrow else timegrid.midnight(found.day + 2 * DAY, found.zone),
        step_s=QUARTER_S,
        unit="kW",
        form="kw",
        now=found.now.timestamp() if found.running else None,
        lines=[
            Line("made", _("Made"), found.made_w + [None] * len(found.tomorrow)),
            Line("foretold", _("Forecast"), [step.mean_w for step in steps], band),
            Line("raw", _("Uncorrected"), [step.raw_w for step in steps]),
        ],
    )


@dataclass(frozen=True, slots=True)
class HourRow:
    """Mean kW of an hour as text."""

    name: str
    foretold: str
    band: str
    made: str


def table(found: Foretold) -> list[tuple[str, list[HourRow]]]:
    """(day, its rows): the hours of which more than nothing is known or foretold."""
    made = dict(zip([step.start for step in found.steps], found.made_w, strict=True))
    parts = [(day_name(found.day), _rows(found.day, found.steps, made, found.zone))]
    if found.tomorrow:
        parts.append((day_name(found.day + DAY), _rows(found.day + DAY, found.tomorrow, {}, found.zone)))
    return [(name, rows) for name, rows in parts if rows]


def _rows(day: date, steps: Sequence[Step], made: dict[datetime, int | None], zone: ZoneInfo) -> list[HourRow]:
    rows = []
    for hour in slots(Asked(Span.DAY, day, day, Grain.HOUR), zone):
        quarters = [step for step in steps if hour.start <= step.start < hour.end]
        foretold, low, high = (_mean([getattr(step, name) for step in quarters]) for name in ("mean_w", "p10_w", "p90_w"))
        really = _mean([made.get(step.start) for step in quarters])
        if not foretold and not high and not really:
            continue
        band = "–" if low is None or high is None else _("%(low)s to %(high)s") % {"low": kw(low), "high": kw(high)}
        rows.append(HourRow(hour.name, kw(foretold), band, kw(really)))
    return rows


def _mean(values: Sequence[int | None]) -> int | None:
    """None where a quarter of the hour is not known."""
    known = [value for value in values if value is not None]
    return round(sum(known) / len(known)) if known and len(known) == len(values) else None


def _clock(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return of_season(f"{local:%H:%M}", timegrid.season(local))
