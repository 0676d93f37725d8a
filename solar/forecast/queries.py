"""What others may ask of the sun to come: the newest forecast, a day's, what was really made, and how good forecasts were."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from energysite.timegrid import day_bounds, quarters_between
from solar.forecast import made as really_made
from solar.models import ForecastScore, SolarForecast

LENGTH = timedelta(hours=48)


@dataclass(frozen=True, slots=True)
class Step:
    """Mean W of the quarter that begins at `start`. `raw_w`: of the weather and the roof alone; p10 and p90: None while unknown."""

    start: datetime
    raw_w: int | None
    mean_w: int | None
    p10_w: int | None
    p90_w: int | None


def newest(now: datetime) -> SolarForecast | None:
    """The last one issued, while it still tells of what is to come."""
    return SolarForecast.objects.filter(issued__lte=now, issued__gt=now - LENGTH).order_by("-issued").first()


def before(instant: datetime) -> SolarForecast | None:
    """The last one issued before this instant that reaches beyond it."""
    return SolarForecast.objects.filter(issued__lt=instant, issued__gt=instant - LENGTH).order_by("-issued").first()


def steps(forecast: SolarForecast) -> list[Step]:
    """In order, from its start on."""
    step = timedelta(seconds=forecast.step_s)
    return [
        Step(forecast.start + i * step, raw, _at(forecast.mean_w, i), _at(forecast.p10_w, i), _at(forecast.p90_w, i))
        for i, raw in enumerate(forecast.raw_w)
    ]


def _at(values: list[int | None], i: int) -> int | None:
    return values[i] if i < len(values) else None


def of_day(day: date, zone: ZoneInfo, now: datetime | None = None) -> list[Step]:
    """A step for each quarter of a local day, in order; empty where nothing was foretold of it.

    As it was foretold before midnight; from the running quarter on (and on a first day, when nothing was foretold before) as the
    newest says. What was foretold of a quarter after it had begun is never shown.
    """
    now = now or timezone.now()
    start, end = day_bounds(day, zone)
    latest = min(now, end)
    later = SolarForecast.objects.filter(issued__gte=start, issued__lte=latest)
    layers = [before(start), later.order_by("-issued").first() if end > now else later.order_by("issued").first()]
    told: dict[datetime, Step] = {}
    for layer in layers:
        if layer is None:
            continue
        # On a day that is over the evening's word stands; the day's own only fills what nobody had foretold.
        told = {step.start: step for step in steps(layer)} | told if end <= now else told | {step.start: step for step in steps(layer)}
    if not any(at in told for at in quarters_between(start, end)):
        return []
    return [told.get(at, Step(at, None, None, None, None)) for at in quarters_between(start, end)]


def made(start: datetime, end: datetime) -> list[int | None]:
    """Wh that all inverters together made in each quarter of [start, end); None where that is not known."""
    return really_made.quarters(start, end)


def scores(days: int) -> list[ForecastScore]:
    """Of the last so many days that were scored, newest first."""
    return list(ForecastScore.objects.order_by("-day")[:days])
