"""One question to one weather service, for Test and doctor: from live when it was asked less than a period ago."""

import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Protocol

import redis
import structlog
from django.template.defaultfilters import floatformat
from django.utils.translation import gettext as _

from energysite import house, live, looking, place
from energysite.device_look import Look
from energysite.errors import EnergyError
from energysite.live import Frame
from energysite.place import Place
from solar.models import Weather
from solar.weather import services
from solar.weather.report import Forecast, Observation, Report
from solar.weather.service import Service

log = structlog.get_logger(__name__)

DEADLINE_S = 5.0
DAY_S = 86400
HOUR_S = 3600


class Settings(services.Settings, Protocol):
    """Of a service, saved or not."""

    name: str
    period_s: int


def look(settings: Settings, now: datetime, *, live_ok: bool = True) -> Look:
    """`live_ok`: a frame that is younger than a period will do. Waits 5 s at most; never raises for what a service does."""
    known = from_live(settings, now) if live_ok else None
    if known is not None:
        return known
    began = time.monotonic()
    here = place.of(house.current())
    service: Service | None = None
    try:
        service = services.open_service(settings, here)
        report = service.ask(now, began + DEADLINE_S)
    except EnergyError as error:
        return Look(settings.name, ok=False, error=str(error), took_ms=_ms(began), heard=service.heard if service else "")
    finally:
        if service is not None:
            service.close()
    return Look(settings.name, ok=True, facts=facts(report), error=_concern(settings, here), took_ms=_ms(began), heard=service.heard)


def from_live(settings: Settings, now: datetime) -> Look | None:
    """None where it was not asked within its period, or Valkey is away."""
    try:
        frame = live.last_frames().get(settings.name)
    except redis.RedisError as error:
        log.warning("Valkey is away, the weather service is asked instead", weather=settings.name, error=str(error))
        return None
    if frame is None or frame.get("kind") != "weather":
        return None
    age_s = now.timestamp() - frame["received"]
    if not 0 <= age_s < settings.period_s:
        return None
    return Look(settings.name, ok=True, facts=observed(seen(frame)), live=True, age_s=age_s)


def check_all(now: datetime, services_asked: Iterable[Settings] | None = None) -> list[Look]:
    """Every enabled service once, ten at a time. Raises DatabaseError where none are given and the database is away."""
    return list(looking.looks(jobs(now, services_asked)))


def jobs(now: datetime, services_asked: Iterable[Settings] | None = None) -> Sequence[looking.Job]:
    chosen: Iterable[Settings] = Weather.objects.filter(enabled=True).order_by("pk") if services_asked is None else services_asked
    return [(one.name, partial(look, one, now)) for one in chosen]


def seen(frame: Frame) -> Observation:
    """What a live frame says; what is absent there is unknown."""
    return Observation(
        time=int(frame["time"]),
        temperature_c=frame.get("temperature_c"),
        cloud_pct=frame.get("cloud_pct"),
        humidity_pct=frame.get("humidity_pct"),
        wind_m_s=frame.get("wind_m_s"),
        global_w_m2=frame.get("global_w_m2"),
    )


def facts(report: Report) -> tuple[str, ...]:
    return (*observed(report.observation), *_foretold(report.forecast))


def observed(now: Observation) -> tuple[str, ...]:
    """In the language of who asks; what the service did not say is left out."""
    told = (
        (_("%(figure)s °C outside"), now.temperature_c, 1),
        (_("clouds %(figure)s %%"), now.cloud_pct, 0),
        (_("humidity %(figure)s %%"), now.humidity_pct, 0),
        (_("wind %(figure)s m/s"), now.wind_m_s, 1),
        (_("light %(figure)s W/m²"), now.global_w_m2, 0),
    )
    return tuple(words % {"figure": floatformat(value, decimals)} for words, value, decimals in told if value is not None)


def _foretold(told: Forecast) -> list[str]:
    steps = max(len(told.temperature_c), len(told.cloud_pct))
    hours = _("foretold for %(hours)s h") % {"hours": floatformat(steps * told.step_s / HOUR_S, 0)}
    day = [value for value in told.global_w_m2[: DAY_S // told.step_s] if value is not None]
    if not day:
        return [hours]
    light = sum(day) * told.step_s / HOUR_S / 1000
    return [hours, _("light of 24 h %(figure)s kWh/m²") % {"figure": floatformat(light, 1)}]


def _concern(settings: Settings, here: Place | None) -> str:
    if here is not None and not here.exact:
        return _("This is the weather of the city that your time zone is named after. Type in the latitude and longitude of your house.")
    if not services.known()[settings.provider].tells_light:
        return _("This service tells no light: the forecast of the sun is made of its clouds. Open-Meteo tells more, without a key.")
    return ""


def _ms(began: float) -> int:
    return round(1000 * (time.monotonic() - began))
