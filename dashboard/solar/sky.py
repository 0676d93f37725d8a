"""The weather as it was told last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from django.utils.translation import gettext as _

from dashboard import ages, figures
from dashboard.solar.states import Told
from energysite.text import plain
from solar.models import Weather, WeatherObservation

# An older observation says nothing of now.
OLD_S = 2 * 3600


@dataclass(frozen=True, slots=True)
class Value:
    """`field`: its name in a live frame; `form`: as the page's script calls it."""

    field: str
    label: str
    form: str
    text: str
    unit: str


@dataclass(frozen=True, slots=True)
class Sky:
    """`values`: what was told; empty where nothing is known of now. `seen`: when. `error`: why not, in words."""

    weather: Weather
    values: list[Value]
    seen: str
    error: str


def skies(services: Sequence[Weather], told: Told, now: datetime, zone: tzinfo) -> list[Sky]:
    """One statement for each service."""
    return [_sky(weather, told.states[weather.name], now, zone) for weather in services]


def _sky(weather: Weather, state: dict[str, Any], now: datetime, zone: tzinfo) -> Sky:
    error = plain(str(state.get("error") or ""))
    newest = WeatherObservation.objects.filter(weather=weather).order_by("-time").first()
    if newest is None:
        return Sky(weather, [], "", error)
    age = (now - newest.time).total_seconds()
    seen = _("at %(time)s, %(age)s ago") % {"time": newest.time.astimezone(zone).strftime("%H:%M"), "age": ages.length(age)}
    return Sky(weather, _values(newest) if age <= OLD_S else [], seen, error)


def _values(seen: WeatherObservation) -> list[Value]:
    shown: list[tuple[str, str, int | None, str, str]] = [
        ("temperature_c", _("Temperature"), seen.temperature_dc, "tenth", "°C"),
        ("cloud_pct", _("Clouds"), seen.cloud_pct, "whole", "%"),
        ("global_w_m2", _("Sunlight on level ground"), seen.global_w_m2, "whole", "W/m²"),
        ("wind_m_s", _("Wind"), seen.wind_dms, "tenth", "m/s"),
        ("humidity_pct", _("Humidity"), seen.humidity_pct, "whole", "%"),
    ]
    return [
        Value(field, label, form, figures.tenths(value / 10) if form == "tenth" else str(value), unit)
        for field, label, value, form, unit in shown
        if value is not None
    ]
