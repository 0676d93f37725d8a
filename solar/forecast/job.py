"""What the child process is told: the house, its roof, what was made and the stored weather, as `solar.forecast.engine` takes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from energysite.place import Place
from energysite.timegrid import quarter_start
from solar.forecast import made
from solar.models import RoofPlane, Weather, WeatherForecast

# Learned from: 45 days, each corrected by what was learned in the 45 before it; its first days need not be perfect.
REACH = timedelta(days=75)
FRESH = timedelta(hours=24)  # of these hours every forecast, before them the last of each six hours
BIN = timedelta(hours=6)


def planes() -> list[dict[str, Any]]:
    """Planes on one inverter share its limit: their own, else that of its label."""
    return [
        {
            "tilt_deg": plane.tilt_deg,
            "azimuth_deg": plane.azimuth_deg,
            "peak_w": plane.peak_w,
            "group": f"inverter {plane.inverter_id}" if plane.inverter_id else f"plane {plane.pk}",
            "limit_w": plane.limit_w or (plane.inverter.peak_w if plane.inverter else None),
        }
        for plane in RoofPlane.objects.select_related("inverter").order_by("pk")
    ]


def past_weather(weather: Weather, now: datetime) -> list[WeatherForecast]:
    """Those that are learned from, and the newest, in order of issue."""
    issues = WeatherForecast.objects.filter(weather=weather, issued__lte=now, issued__gt=now - REACH).order_by("issued")
    last: dict[Any, int] = {}
    for pk, issued in issues.values_list("pk", "issued"):
        last[pk if issued > now - FRESH else int(issued.timestamp() // BIN.total_seconds())] = pk
    return list(WeatherForecast.objects.filter(pk__in=list(last.values())).order_by("issued"))


def row(forecast: WeatherForecast, issued: datetime | None = None) -> dict[str, Any]:
    """`issued`: when a forecast of the sun is made of it, where that is later than its own time."""
    return {
        "issued": int((issued or forecast.issued).timestamp()),
        "start": int(forecast.start.timestamp()),
        "step_s": forecast.step_s,
        "temperature_dc": forecast.temperature_dc,
        "cloud_pct": forecast.cloud_pct,
        "global_w_m2": forecast.global_w_m2,
        "direct_w_m2": forecast.direct_w_m2,
        "diffuse_w_m2": forecast.diffuse_w_m2,
    }


def job(here: Place, roof: list[dict[str, Any]], rows: list[dict[str, Any]], wanted: Sequence[int], until: datetime) -> dict[str, Any]:
    """`until`: nothing that was made later is told."""
    begin = quarter_start(datetime.fromtimestamp(rows[0]["issued"], until.tzinfo) - timedelta(days=2))
    return {
        "latitude": here.latitude,
        "longitude": here.longitude,
        "planes": roof,
        "made_start": int(begin.timestamp()),
        "made_wh": made.quarters(begin, quarter_start(until)),
        "rows": rows,
        "wanted": list(wanted),
    }


def known(values: Iterable[Any]) -> int:
    return sum(value is not None for value in values)
