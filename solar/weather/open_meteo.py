"""Open-Meteo: no key, light and temperature in quarters of an hour.

Its radiation is the mean of the quarter *before* the time it stands at; temperature and clouds are of the moment itself.
"""

import itertools
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from energysite.errors import BadReading
from energysite.place import Place
from meters.transports.answers import part
from solar.weather.report import HOURS_AHEAD, Forecast, Observation, Report, Values, between
from solar.weather.service import HttpService, check_near, light, moment, value, values

ADDRESS = "https://api.open-meteo.com"
STEP_S = 900
STEPS = HOURS_AHEAD * 3600 // STEP_S
QUARTERLY = ("temperature_2m", "cloud_cover", "shortwave_radiation", "direct_normal_irradiance", "diffuse_radiation")
CURRENT = ("temperature_2m", "cloud_cover", "relative_humidity_2m", "wind_speed_10m", "shortwave_radiation")
NEAR_S = 2 * 3600
OLDEST_S = 26 * 3600  # where a list begins at midnight


class OpenMeteo:
    def __init__(self, address: str, here: Place) -> None:
        self._http = HttpService(address or ADDRESS)
        self._path = path(here)

    def ask(self, now: datetime, deadline: float) -> Report:
        given = self._http.json(self._path, deadline)
        return Report(observation(given, now, self._http.host), forecast(given, now, self._http.host))

    @property
    def heard(self) -> str:
        return self._http.heard

    def close(self) -> None:
        self._http.close()


def path(here: Place) -> str:
    """Two decimals of a degree, about a kilometre, are all that leaves the house. One quarter more than is foretold, since the
    light of the last one stands at its end."""
    asked: dict[str, Any] = {
        "latitude": f"{here.latitude:.2f}",
        "longitude": f"{here.longitude:.2f}",
        "minutely_15": ",".join(QUARTERLY),
        "current": ",".join(CURRENT),
        "forecast_minutely_15": STEPS + 1,
        "wind_speed_unit": "ms",
        "timeformat": "unixtime",
        "timezone": "GMT",
    }
    return f"/v1/forecast?{urlencode(asked, safe=',')}"


def observation(given: Any, now: datetime, host: str) -> Observation:
    """Raises BadReading."""
    current = part(given, "current")
    if not isinstance(current, dict):
        raise _untold(host, "current")
    at = moment(current.get("time"), "current.time")
    check_near(at, now, NEAR_S, host)
    return Observation(
        time=at,
        temperature_c=value(current.get("temperature_2m"), "temperature", "temperature_2m"),
        cloud_pct=value(current.get("cloud_cover"), "cloud", "cloud_cover"),
        humidity_pct=value(current.get("relative_humidity_2m"), "humidity", "relative_humidity_2m"),
        wind_m_s=value(current.get("wind_speed_10m"), "wind", "wind_speed_10m"),
        global_w_m2=light(current.get("shortwave_radiation"), "shortwave_radiation"),
    )


def forecast(given: Any, now: datetime, host: str) -> Forecast:
    """From the quarter that holds `now` on, 48 h at most. Raises BadReading."""
    rows = part(given, "minutely_15")
    times = part(rows, "time")
    if not isinstance(rows, dict) or not isinstance(times, list) or len(times) < 2:
        raise _untold(host, "minutely_15")
    moments = [moment(one, "minutely_15.time") for one in times]
    if any(after - before != STEP_S for before, after in itertools.pairwise(moments)):
        raise BadReading(_("The times of %(host)s do not follow each other by a quarter of an hour.") % {"host": host})
    check_near(moments[0], now, OLDEST_S, host)
    first = max(0, int(now.timestamp() - moments[0]) // STEP_S)
    check_near(moments[min(first, len(moments) - 2)], now, NEAR_S, host)
    ends = slice(first + 1, first + 1 + STEPS)
    nodes = slice(first, first + 1 + STEPS)

    def told(name: str, kind: str) -> Values:
        return values(rows.get(name), kind, name, len(moments))

    found = Forecast(
        start=moments[first],
        step_s=STEP_S,
        temperature_c=between(told("temperature_2m", "temperature")[nodes]),
        cloud_pct=between(told("cloud_cover", "cloud")[nodes]),
        global_w_m2=told("shortwave_radiation", "light")[ends],
        direct_w_m2=told("direct_normal_irradiance", "light")[ends],
        diffuse_w_m2=told("diffuse_radiation", "light")[ends],
    )
    for name, column in (("shortwave_radiation", found.global_w_m2), ("temperature_2m", found.temperature_c)):
        if all(one is None for one in column):
            raise _untold(host, name)
    return found


def _untold(host: str, what: str) -> BadReading:
    return BadReading(
        _("%(host)s answers without “%(what)s”. Check the service you chose, and the address.") % {"host": host, "what": what}
    )
