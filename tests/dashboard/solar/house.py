"""A house with the sun on its roof: readings in the database, blocks made by the managers' own runs, forecasts and scores."""

import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from energysite import agents, timegrid
from energysite.timegrid import DAY, QUARTER, QUARTER_S
from meters.models import AnalogInput, AnalogReading, ProductionReading, Source
from solar.models import ForecastScore, Inverter, InverterSource, RoofPlane, SolarForecast, Weather, WeatherObservation
from tests.dashboard.energy.house import condensed
from tests.meters.rows import electricity, make_meter, make_source

BRUSSELS = ZoneInfo("Europe/Brussels")
USED_WH = 100  # by the house, each quarter
PEAK_WH = 600  # of the sun, in the best quarter


def sun_wh(at: datetime) -> int:
    """What the roof makes in the quarter that begins here: from 06:00 to 20:00, most at 13:00."""
    hour = at.astimezone(BRUSSELS).hour + at.astimezone(BRUSSELS).minute / 60
    return round(PEAK_WH * math.sin(math.pi * (hour - 6) / 14)) if 6 <= hour < 20 else 0


def make_inverter(name: str = "Roof", **fields: Any) -> tuple[Inverter, Source]:
    inverter = agents.create(Inverter, **{"name": name, "family": "fronius", "address": "http://127.0.0.1:9", "period_s": 10, **fields})
    source = Source.objects.create(kind="production", medium="solar", name=name, per_hour=10_000, cadence_s=QUARTER_S)
    InverterSource.objects.create(inverter=inverter, unit="1", source=source)
    return inverter, source


def sunny(first: date, until: date, now: datetime | None = None) -> tuple[Inverter, list[Source]]:
    """From midnight to midnight (or to `now`) a reading each quarter, of the inverter only while the sun shines: the house uses
    USED_WH in each, the rest comes from the grid or goes there."""
    grid = make_source(make_meter())
    inverter, solar = make_inverter()
    at, end = timegrid.midnight(first, BRUSSELS), timegrid.midnight(until, BRUSSELS)
    end = end if now is None else min(end, timegrid.quarter_start(now))
    count = {"import_t1_wh": 5_000_000, "import_t2_wh": 0, "export_t1_wh": 1_000_000, "export_t2_wh": 0}
    total, rows, made = 2_000_000, [], []
    while at <= end:
        rows.append((at, {**count, "power_w": 0}))
        if sun_wh(at) or sun_wh(at - QUARTER):
            made.append(ProductionReading(source=solar, time=at, total_wh=total, production_w=4 * sun_wh(at)))
        net = USED_WH - sun_wh(at)
        count["import_t1_wh" if net > 0 else "export_t1_wh"] += abs(net)
        total += sun_wh(at)
        at += QUARTER
    electricity(grid, rows)
    ProductionReading.objects.bulk_create(made)
    condensed([grid, solar], end)
    return inverter, [grid, solar]


def foretell(day: date, *, factor: float = 1.1, days: int = 2, issued: datetime | None = None) -> SolarForecast:
    """Foretold the evening before: so much more than the sun makes, the band a fifth to either side."""
    start = timegrid.midnight(day, BRUSSELS)
    quarters = timegrid.quarters_between(start, timegrid.midnight(day + days * DAY, BRUSSELS))
    mean = [round(4 * factor * sun_wh(at)) for at in quarters]
    return SolarForecast.objects.create(
        issued=issued or start - timedelta(hours=2),
        start=start,
        raw_w=[round(1.2 * w) for w in mean],
        mean_w=list(mean),
        p10_w=[round(0.8 * w) for w in mean],
        p90_w=[round(1.2 * w) for w in mean],
        learned_days=20,
    )


def scored(days: Sequence[date], **fields: Any) -> None:
    plain = {"steps": 50, "made_wh": 21_000, "forecast_wh": 22_000, "mae_w": 150.0, "bias_w": 40.0, "raw_mae_w": 240.0, "raw_bias_w": 160.0}
    more = {"persistence_mae_w": 390.0, "persistence_bias_w": -20.0, "within_pct": 82.0}
    ForecastScore.objects.bulk_create(ForecastScore(day=day, **{**plain, **more, **fields}) for day in days)


def make_weather(seen: datetime, **fields: Any) -> Weather:
    weather = agents.create(Weather, name="Weather", period_s=900)
    told = {"temperature_dc": -34, "cloud_pct": 40, "humidity_pct": 81, "wind_dms": 52, "global_w_m2": 420}
    WeatherObservation.objects.create(weather=weather, time=seen, **{**told, **fields})
    return weather


def make_plane() -> RoofPlane:
    return RoofPlane.objects.create(name="South", peak_w=4000)


def make_signal(first: datetime, until: datetime, name: str = "Boiler", unit: str = "°C") -> AnalogInput:
    """A reading each quarter of an hour: from −5 at the beginning, half a degree more each time."""
    given = agents.create(AnalogInput, name=name, unit=unit, period_s=QUARTER_S)
    number = (until - first) // QUARTER + 1
    AnalogReading.objects.bulk_create(
        AnalogReading(source=given.source, time=first + i * QUARTER, value_milli=-5000 + 500 * i) for i in range(number)
    )
    condensed([given.source], until)
    return given
