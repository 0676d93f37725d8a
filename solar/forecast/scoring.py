"""Each local day's score: the newest forecast issued before its midnight against what was made, beside persistence and uncorrected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import connection

from energysite import house, place
from energysite.place import Place
from energysite.sun import elevation_deg
from energysite.timegrid import DAY, QUARTER, QUARTER_S, day_bounds, local_day
from solar.forecast import made, queries
from solar.forecast.queries import Step
from solar.models import ForecastScore, SolarForecast

WH_TO_W = 3600 // QUARTER_S
BACK_DAYS = 7  # late readings change a score for so long
LONG_BACK_DAYS = 400  # a day that has none is scored whenever it can be
# What has to be known of a day's light before it is scored: nearly all, and half of it once nothing more is awaited.
NEARLY_ALL, HALF = 0.9, 0.5
AWAITED = timedelta(hours=36)
WHOLE_FOR_DAYS = 30  # older forecasts are thinned to the last of each local day
KEPT_DAYS = 800


@dataclass(frozen=True, slots=True)
class Errors:
    """Mean absolute error and bias, W."""

    mae_w: float
    bias_w: float


def errors(foretold: list[float], made_w: list[float]) -> Errors | None:
    """Of two lists of the same length; None of empty ones."""
    differences = [told - real for told, real in zip(foretold, made_w, strict=True)]
    if not differences:
        return None
    return Errors(sum(map(abs, differences)) / len(differences), sum(differences) / len(differences))


def score(day: date, steps: list[Step], made_wh: list[int | None], day_before_wh: list[int | None], here: Place) -> ForecastScore | None:
    """Not saved; None where too little is known of the day. `steps`, and Wh of the day's quarters and of those 24 hours before.

    Only quarters with the sun up count, at their middle: nights are easy.
    """
    light = [elevation_deg(step.start.timestamp() + QUARTER_S / 2, here.latitude, here.longitude) > 0 for step in steps]
    rows = [
        (step.mean_w, step.raw_w, wh * WH_TO_W, step.p10_w, step.p90_w, None if before is None else before * WH_TO_W)
        for step, wh, before, up in zip(steps, made_wh, day_before_wh, light, strict=True)
        if up and wh is not None and step.mean_w is not None and step.raw_w is not None
    ]
    mean = errors([row[0] for row in rows], [row[2] for row in rows])
    raw = errors([row[1] for row in rows], [row[2] for row in rows])
    if mean is None or raw is None or len(rows) < HALF * sum(light):
        return None
    known = [(row[5], row[2]) for row in rows if row[5] is not None]
    # Beside the others it is only fair over the same quarters.
    persistence = errors([one[0] for one in known], [one[1] for one in known]) if len(known) >= NEARLY_ALL * len(rows) else None
    banded = [row[3] <= row[2] <= row[4] for row in rows if row[3] is not None and row[4] is not None]
    return ForecastScore(
        day=day,
        steps=len(rows),
        made_wh=round(sum(row[2] for row in rows) / WH_TO_W),
        forecast_wh=round(sum(row[0] for row in rows) / WH_TO_W),
        mae_w=mean.mae_w,
        bias_w=mean.bias_w,
        raw_mae_w=raw.mae_w,
        raw_bias_w=raw.bias_w,
        persistence_mae_w=persistence.mae_w if persistence else None,
        persistence_bias_w=persistence.bias_w if persistence else None,
        within_pct=100 * sum(banded) / len(banded) if banded else None,
    )


def score_day(day: date, zone: ZoneInfo, here: Place, now: datetime) -> ForecastScore | None:
    """Stored, in place of an earlier one; None while the day cannot be scored."""
    start, end = day_bounds(day, zone)
    forecast = queries.before(start)
    if end > now or end <= start or forecast is None:
        return None
    told = {step.start: step for step in queries.steps(forecast)}
    steps = [told.get(start + i * QUARTER, Step(start + i * QUARTER, None, None, None, None)) for i in range((end - start) // QUARTER)]
    both = made.quarters(start - DAY, end)
    before, made_wh = both[: len(steps)], both[DAY // QUARTER :]
    light = [
        wh is not None
        for step, wh in zip(steps, made_wh, strict=True)
        if elevation_deg(step.start.timestamp() + QUARTER_S / 2, here.latitude, here.longitude) > 0
    ]
    if sum(light) < NEARLY_ALL * len(light) and now < end + AWAITED:
        return None
    found = score(day, steps, made_wh, before, here)
    if found is None:
        return None
    values = {field.name: getattr(found, field.name) for field in ForecastScore._meta.concrete_fields if field.name not in ("id", "day")}
    stored, _created = ForecastScore.objects.update_or_create(day=day, defaults=values)
    return stored


def score_all(now: datetime) -> int:
    """The last days anew, since readings come late, and every older day that has a forecast and no score. How many were scored."""
    row = house.current()
    here, zone = place.of(row), ZoneInfo(row.zone)
    if here is None:
        return 0
    today = local_day(now, zone)
    recent = {today - i * DAY for i in range(1, BACK_DAYS + 1)}
    since = now - LONG_BACK_DAYS * DAY
    foretold = {local_day(at, zone) + DAY for at in SolarForecast.objects.filter(issued__gt=since).values_list("issued", flat=True)}
    scored = set(ForecastScore.objects.values_list("day", flat=True))
    due = sorted(day for day in recent | (foretold - scored) if day < today)
    found = sum(score_day(day, zone, here, now) is not None for day in due)
    prune(zone, now)
    return found


def prune(zone: ZoneInfo, now: datetime) -> None:
    """Of older forecasts the last of each local day stays, the one that was scored; in the end it goes as well."""
    SolarForecast.objects.filter(issued__lt=now - KEPT_DAYS * DAY).delete()
    with connection.cursor() as cursor:
        cursor.execute(
            """DELETE FROM solar_solarforecast AS old WHERE old.issued < %(until)s AND EXISTS (
                SELECT FROM solar_solarforecast AS later WHERE later.issued > old.issued
                AND (later.issued AT TIME ZONE %(zone)s)::date = (old.issued AT TIME ZONE %(zone)s)::date)""",
            {"until": now - WHOLE_FOR_DAYS * DAY, "zone": zone.key},
        )
