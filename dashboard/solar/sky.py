"""The weather as it was told last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
class Sky:
    """`values`: (key, label, text, unit) of what was told; empty where nothing is known of now. `error`: why, in words."""

    weather: Weather
    values: list[tuple[str, str, str, str]]
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


def _values(seen: WeatherObservation) -> list[tuple[str, str, str, str]]:
    shown: list[tuple[str, str, int | None, Callable[[int], str], str]] = [
        ("temperature", _("Temperature"), seen.temperature_dc, lambda value: figures.decimals(value / 10, 1), "°C"),
        ("cloud", _("Clouds"), seen.cloud_pct, str, "%"),
        ("global", _("Sunlight on level ground"), seen.global_w_m2, str, "W/m²"),
        ("wind", _("Wind"), seen.wind_dms, lambda value: figures.decimals(value / 10, 1), "m/s"),
        ("humidity", _("Humidity"), seen.humidity_pct, str, "%"),
    ]
    return [(key, label, text(value), unit) for key, label, value, text, unit in shown if value is not None]
