"""The demo's weather services over the demo house's weather, at any moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from energysite.demo.on_the_wire import on_the_wire
from energysite.demo.weather_servers import OpenMeteo, OpenWeatherMap, WeatherServer
from tests.energysite import demo

S = TypeVar("S", bound=WeatherServer)
NAMES: dict[type[WeatherServer], str] = {OpenMeteo: "open_meteo", OpenWeatherMap: "openweathermap"}


@contextmanager
def serving(kind: type[S], at: float, mode: str = "auto") -> Iterator[S]:
    """A server that lives at the epoch second `at`; `.address` is where."""
    name = NAMES[kind]
    with on_the_wire(demo.house(), lambda: at, (name,), {name: mode}) as wire:
        server = wire[name]
        assert isinstance(server, kind)
        yield server
