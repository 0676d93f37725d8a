"""OpenWeatherMap 2.5, current weather and the forecast of every three hours: with a key, without light.

The key stands in the question. `cod`, the status once more, is a number in one answer and text in the other, and may tell of a refusal
where HTTP says 200. Times are `dt`, in UTC; the zone it tells of is not used.
"""

import itertools
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from energysite.errors import BadReading, DeviceConfigError
from energysite.place import Place
from meters.transports.answers import part
from solar.weather.report import HOURS_AHEAD, Forecast, Observation, Report, between
from solar.weather.service import HttpService, check_near, moment, value

ADDRESS = "https://api.openweathermap.org"
STEP_S = 3 * 3600
# From up to three hours before now to 48 h after it.
STEPS = HOURS_AHEAD * 3600 // STEP_S + 1
CURRENT, FORECAST = "/data/2.5/weather", "/data/2.5/forecast"
NEAR_S = 3 * 3600


class OpenWeatherMap:
    def __init__(self, address: str, here: Place, key: str) -> None:
        if not key:
            raise DeviceConfigError(_("OpenWeatherMap asks for a key. Make one on its site and type it in."))
        self._http = HttpService(address or ADDRESS, secrets=[key])
        self._asked = {"lat": f"{here.latitude:.2f}", "lon": f"{here.longitude:.2f}", "units": "metric", "appid": key}

    def ask(self, now: datetime, deadline: float) -> Report:
        seen = observation(self._answer(CURRENT, deadline), now, self._http.host)
        return Report(seen, forecast(self._answer(FORECAST, deadline, cnt=STEPS), now, self._http.host, seen))

    @property
    def heard(self) -> str:
        return self._http.heard

    def close(self) -> None:
        self._http.close()

    def _answer(self, path: str, deadline: float, **more: int) -> dict[str, Any]:
        given = self._http.json(f"{path}?{urlencode({**self._asked, **more})}", deadline)
        status = code(given)
        if status != 200:
            raise self._http.refusal(status, given.get("message"))
        return given


def code(given: dict[str, Any]) -> int:
    """200 for weather. Raises BadReading."""
    found = given.get("cod")
    if isinstance(found, bool) or not str(found).isascii() or not str(found).isdigit() or len(str(found)) != 3:
        raise BadReading(_("The answer has no “cod”, which tells whether it is one. Check the service you chose, and the address."))
    return int(str(found))


def observation(given: dict[str, Any], now: datetime, host: str) -> Observation:
    """Raises BadReading."""
    at = moment(given.get("dt"), "dt")
    check_near(at, now, NEAR_S, host)
    if not isinstance(given.get("main"), dict):
        raise BadReading(_("%(host)s answers without “%(what)s”. Check the service you chose, and the address.") % _names(host, "main"))
    return Observation(
        time=at,
        temperature_c=value(part(given, "main", "temp"), "temperature", "main.temp"),
        cloud_pct=value(part(given, "clouds", "all"), "cloud", "clouds.all"),
        humidity_pct=value(part(given, "main", "humidity"), "humidity", "main.humidity"),
        wind_m_s=value(part(given, "wind", "speed"), "wind", "wind.speed"),
    )


def forecast(given: dict[str, Any], now: datetime, host: str, seen: Observation) -> Forecast:
    """The means between the moments foretold; `seen` stands at the beginning, before the first of them. Raises BadReading."""
    rows = given.get("list")
    if not isinstance(rows, list) or not rows:
        raise BadReading(_("%(host)s answers without “%(what)s”. Check the service you chose, and the address.") % _names(host, "list"))
    moments = [moment(part(row, "dt"), "list.dt") for row in rows]
    if any(after - before != STEP_S for before, after in itertools.pairwise(moments)):
        raise BadReading(_("The times of %(host)s do not follow each other by three hours.") % {"host": host})
    check_near(moments[0], now, 2 * STEP_S, host)
    # A list that is some hours old begins in the past: what has passed takes no place among the 48 hours.
    passed = sum(1 for at in moments if at <= now.timestamp())
    temperatures = [value(part(row, "main", "temp"), "temperature", "main.temp") for row in rows]
    clouds = [value(part(row, "clouds", "all"), "cloud", "clouds.all") for row in rows]
    if passed:
        first, used = moments[passed - 1], slice(passed - 1, passed + STEPS)
        return _between(first, temperatures[used], clouds[used], host)
    used = slice(0, STEPS)
    return _between(moments[0] - STEP_S, [seen.temperature_c, *temperatures[used]], [seen.cloud_pct, *clouds[used]], host)


def _between(start: int, temperatures: list[float | None], clouds: list[float | None], host: str) -> Forecast:
    found = Forecast(start=start, step_s=STEP_S, temperature_c=between(temperatures), cloud_pct=between(clouds))
    if all(one is None for one in found.cloud_pct):
        raise BadReading(_("%(host)s answers without “%(what)s”. Check the service you chose, and the address.") % _names(host, "clouds"))
    return found


def _names(host: str, what: str) -> dict[str, str]:
    return {"host": host, "what": what}
