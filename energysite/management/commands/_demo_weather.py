"""The weather of some weeks as the demo's own service would have told it, understood and stored as the site does with a live answer."""

import json
import threading
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.db import models, transaction

from energysite.demo.devices.http import Question
from energysite.demo.forecasts import RUN_S
from energysite.demo.model import House
from energysite.demo.sun import LATITUDE_DEG, LONGITUDE_DEG
from energysite.demo.weather_servers import OpenMeteo
from energysite.management.commands._demo_history import Say, Stopped, patiently
from energysite.management.commands._demo_rows import instant
from energysite.place import Place
from solar.models import Weather, WeatherForecast, WeatherObservation
from solar.weather import open_meteo, storing

FORECAST_DAYS = 45  # a forecast of the sun learns from so many
OBSERVED_DAYS = 14
SEEN_S = 3600
ASKED_S = 2700  # after the service's run: the last one of an evening is known before midnight, in winter and in summer
AT_ONCE = 40  # in a transaction
HERE = Place(LATITUDE_DEG, LONGITUDE_DEG, exact=True)


def fill(house: House, weather: Weather, days: int, until: int, stop: threading.Event, say: Say) -> int:
    """What is missing before the epoch second `until`, at most `days` back; how many forecasts are new. Raises Stopped."""
    asked = Asked(house)
    seen = partial(_missing, weather, WeatherObservation, "time", until, min(days, OBSERVED_DAYS), SEEN_S, 0)
    for some in _batches(patiently(seen, stop, say), stop):
        patiently(partial(_keep_seen, weather, asked, some), stop, say)
    told = patiently(partial(_missing, weather, WeatherForecast, "issued", until, min(days, FORECAST_DAYS), RUN_S, ASKED_S), stop, say)
    for some in _batches(told, stop):
        patiently(partial(_keep_told, weather, asked, some), stop, say)
    return len(told)


class Asked:
    """The service at any moment of the past, and the site's questions to it."""

    def __init__(self, house: House) -> None:
        self._at = 0
        self._service = OpenMeteo(house, lambda: self._at)
        url = urlsplit(open_meteo.path(HERE))
        self._path, self._query = url.path, dict(parse_qsl(url.query))

    def all(self, at: int) -> Any:
        return self._answer(at, self._query)

    def current(self, at: int) -> Any:
        return self._answer(at, {name: value for name, value in self._query.items() if not name.startswith("minutely")})

    def _answer(self, at: int, query: dict[str, str]) -> Any:
        self._at = at
        return json.loads(self._service.answer(Question("GET", self._path, query)).body)


def _keep_seen(weather: Weather, asked: Asked, seconds: list[int]) -> None:
    with transaction.atomic():
        for at in seconds:
            storing.keep_observation(weather, open_meteo.observation(asked.current(at), instant(at), weather.name))


def _keep_told(weather: Weather, asked: Asked, seconds: list[int]) -> None:
    with transaction.atomic():
        for at in seconds:
            storing.keep_forecast(weather, open_meteo.forecast(asked.all(at), instant(at), weather.name), instant(at))


def _missing(weather: Weather, model: type[models.Model], field: str, until: int, days: int, step_s: int, offset_s: int) -> list[int]:
    """`offset_s` after each step of `step_s` in which the table has nothing of this service."""
    first = until - days * 86400
    first += -first % step_s
    rows = model._default_manager.filter(**{"weather": weather, f"{field}__gte": instant(first)})
    known = {int(time.timestamp()) // step_s for time in rows.values_list(field, flat=True)}
    return [at + offset_s for at in range(first, until, step_s) if at // step_s not in known and at + offset_s < until]


def _batches(seconds: list[int], stop: threading.Event) -> Iterator[list[int]]:
    rest = iter(seconds)
    while some := list(islice(rest, AT_ONCE)):
        if stop.is_set():
            raise Stopped
        yield some
