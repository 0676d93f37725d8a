"""The demo's weather services in a thread, over the demo house's weather, at any moment."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from energysite.demo.devices.modes import parse_mode
from energysite.demo.weather_servers import WeatherServer
from tests.energysite import demo

S = TypeVar("S", bound=WeatherServer)
START_S = 10


@contextmanager
def serving(kind: type[S], at: float, mode: str = "auto") -> Iterator[S]:
    """A server that lives at the epoch second `at`; `.address` is where."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="weather", daemon=True)
    server = kind(demo.house(), lambda: at, parse_mode(mode))
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(server.open(), loop).result(START_S)
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.close(), loop).result(START_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
