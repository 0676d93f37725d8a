"""One run of a weather service: asked, stored, told, and the forecast of the sun made anew from it."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone, translation

from energysite import agent_states, house, live, place
from energysite.database import asked, give_back
from energysite.device_reads import once_more, reading
from energysite.errors import EnergyError
from energysite.text import plain
from solar.forecast import runner
from solar.models import SolarForecast, Weather, WeatherForecast
from solar.weather import services, storing
from solar.weather.report import Observation, Report

# A forecast of the sun takes a process of its own some seconds. Runs of an hourly period come a little early or late.
FORECAST_EVERY = timedelta(minutes=55)
# So long a service that tells of light goes before one that knows clouds only.
PREFERRED = timedelta(hours=3)

ERROR_SHOWN = 800

Clock = Callable[[], datetime]

_failures: dict[int, int] = {}  # in a row


def ask(pk: int, now: Clock = timezone.now) -> None:
    """A service that is switched off or gone: nothing. What goes wrong with it is told in its state, and the last forecast stays.

    Raises DatabaseAway.
    """
    with asked():
        weather = Weather.objects.filter(pk=pk, enabled=True).first()
    if weather is None:
        _failures.pop(pk, None)
        return
    with translation.override(house.current().language):
        report = _answer(weather, now)
    if report is None:
        return
    at = now()
    with asked():
        storing.keep_observation(weather, report.observation)
        stored = storing.keep_forecast(weather, report.forecast, at)
        storing.prune(weather, at)
    live.publisher().frame(weather.name, frame(weather, report.observation, at))
    if stored and _forecast_due(weather, at):
        runner.run(weather, at)


def _answer(weather: Weather, now: Clock) -> Report | None:
    """None where it is not its turn, or what went wrong has been told."""
    here = place.of(house.current())
    give_back()
    try:
        with reading(weather.name, weather.period_s, weather.version) as deadline:
            if deadline is None:
                return None
            began = time.monotonic()
            report = once_more(lambda until: _report(weather, here, now(), until), deadline)
            response_ms = round(1000 * (time.monotonic() - began))
    except EnergyError as error:
        _failures[weather.pk] = _failures.get(weather.pk, 0) + 1
        agent_states.report(weather.name, status="error", error=plain(str(error), ERROR_SHOWN), failures=_failures[weather.pk])
        return None
    _failures.pop(weather.pk, None)
    good = {"last_success": now().timestamp(), "response_ms": response_ms, "failures": 0}
    agent_states.report(weather.name, status="ok", error=None, **good)
    return report


def _report(weather: Weather, here: place.Place | None, now: datetime, deadline: float) -> Report:
    service = services.open_service(weather, here)
    try:
        return service.ask(now, deadline)
    finally:
        service.close()


def frame(weather: Weather, seen: Observation, received: datetime) -> dict[str, Any]:
    """The live frame; what the service did not say is absent."""
    told = {
        "temperature_c": seen.temperature_c,
        "cloud_pct": seen.cloud_pct,
        "humidity_pct": seen.humidity_pct,
        "wind_m_s": seen.wind_m_s,
        "global_w_m2": seen.global_w_m2,
    }
    known = {name: value for name, value in told.items() if value is not None}
    return {
        "source": weather.name,
        "kind": "weather",
        "time": float(seen.time),
        "received": received.timestamp(),
        "period_s": weather.period_s,
        **known,
    }


def _forecast_due(weather: Weather, now: datetime) -> bool:
    """At most one an hour, of whatever service; clouds only where no service tells of light."""
    with asked():
        if SolarForecast.objects.filter(issued__gt=now - FORECAST_EVERY).exists():
            return False
        if services.known()[weather.provider].tells_light:
            return True
        better = [kind.name for kind in services.KINDS if kind.tells_light]
        return not WeatherForecast.objects.filter(weather__provider__in=better, weather__enabled=True, issued__gt=now - PREFERRED).exists()
