"""The weather services that the demo house asks: Open-Meteo and OpenWeatherMap 2.5, over the house's own weather.

Their forecasts err as `forecasts.foretold` says. In the modes `day` and `night` they tell the weather of that hour as if it were now;
`status:N` comes with the service's own words, and `fault` is a refusal that only the answer itself tells of.
"""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from energysite.demo.calendar import QUARTER_S
from energysite.demo.devices.http import HttpDevice, Question, Reply, as_json
from energysite.demo.forecasts import Observed, Outlook, foretold, observed

LATITUDE, LONGITUDE = 50.85, 4.35
MOST_STEPS = 16 * 96
WEEK_STEPS = 7 * 96
# Open-Meteo's names: which column of an Outlook or an Observed each is.
INSTANTS = {"temperature_2m": "temperature_c", "cloud_cover": "cloud_pct"}
MEANS = {"shortwave_radiation": "global_w_m2", "direct_normal_irradiance": "direct_w_m2", "diffuse_radiation": "diffuse_w_m2"}
SEEN = {**INSTANTS, **MEANS, "relative_humidity_2m": "humidity_pct", "wind_speed_10m": "wind_m_s"}
WHOLE = ("cloud_cover", "relative_humidity_2m")
WIND = {"ms": 1.0, "kmh": 3.6, "mph": 2.2369, "kn": 1.9438}

KEY = "0123456789abcdef0123456789abcdef"
STEP_S = 3 * 3600
MOST_ROWS = 40
MEASURED_S = 600  # a current weather is so old at most


class WeatherServer(HttpDevice):
    """`told` is what the service says of a good question."""

    def told(self, question: Question) -> Reply:
        raise NotImplementedError

    def refusal(self, status: int) -> Reply:
        raise NotImplementedError

    def answer(self, question: Question) -> Reply:
        return self.refusal(0) if self.mode.name == "fault" else self.told(question)

    def _reply(self, question: Question) -> Reply:
        if self.mode.name == "status":
            return self.refusal(int(self.mode.number) or 503)
        return super()._reply(question)

    def second(self) -> int:
        return int(self.now())

    def shift(self) -> int:
        """Whole quarters by which the weather told is another moment's."""
        return self.shift_s - self.shift_s % QUARTER_S

    def outlook(self, start: int, steps: int) -> Outlook:
        recipe, shift = self.house.ledger.recipe, self.shift()
        return foretold(recipe.seed, self.second() + shift, start + shift, steps, repeat=recipe.repeat)

    def seen(self) -> Observed:
        recipe = self.house.ledger.recipe
        return observed(recipe.seed, self.second() + self.shift(), repeat=recipe.repeat)


class OpenMeteo(WeatherServer):
    """`/v1/forecast` with `minutely_15` and `current`; times as seconds or as local text."""

    def told(self, question: Question) -> Reply:
        if question.path != "/v1/forecast":
            return as_json({"error": True, "reason": "Not Found"}, 404)
        try:
            return as_json(self._forecast(question.query.get))
        except ValueError as error:
            return as_json({"error": True, "reason": str(error)}, 400)

    def refusal(self, status: int) -> Reply:
        reasons = {429: "Minutely API request limit exceeded. Please try again in one minute.", 401: "The supplied API key is invalid."}
        return as_json({"error": True, "reason": reasons.get(status, "Weather models are being updated.")}, status or 400)

    def _forecast(self, ask: Callable[..., Any]) -> dict[str, Any]:
        """Raises ValueError for a question that the service refuses."""
        for name, limit in (("latitude", 90), ("longitude", 180)):
            if abs(_number(ask(name), name)) > limit:
                raise ValueError(f"{name.capitalize()} must be in range of -{limit} to {limit}°. Given: {ask(name)}.")
        zone = _zone(ask("timezone", "GMT"))
        stamp = _stamps(ask("timeformat", "iso8601"), zone)
        now = self.second()
        offset = datetime.fromtimestamp(now, zone).utcoffset()
        given: dict[str, Any] = {
            "latitude": LATITUDE,
            "longitude": LONGITUDE,
            "generationtime_ms": 0.2,
            "utc_offset_seconds": int(offset.total_seconds()) if offset else 0,
            "timezone": str(zone),
            "elevation": 62.0,
        }
        if names := _names(ask("current")):
            given["current"] = self._current(names, now - now % QUARTER_S, stamp, ask("wind_speed_unit", "kmh"))
        if names := _names(ask("minutely_15")):
            steps = int(_number(ask("forecast_minutely_15", str(WEEK_STEPS)), "forecast_minutely_15"))
            given["minutely_15"] = self._quarters(names, now - now % QUARTER_S, min(max(steps, 0), MOST_STEPS), stamp)
        return given

    def _current(self, names: list[str], at: int, stamp: Callable[[int], Any], unit: str) -> dict[str, Any]:
        seen, told = self.seen(), {"time": stamp(at), "interval": QUARTER_S}
        for name in names:
            if name not in SEEN or unit not in WIND:
                raise _unknown(name)
            factor = WIND[unit] if name.startswith("wind") else 1.0
            told[name] = _rounded(name, getattr(seen, SEEN[name]) * factor)
        return told

    def _quarters(self, names: list[str], first: int, steps: int, stamp: Callable[[int], Any]) -> dict[str, Any]:
        """A mean stands at the end of its quarter, what is of a moment between two quarters."""
        outlook = self.outlook(first - QUARTER_S, steps + 1)
        told: dict[str, Any] = {"time": [stamp(first + step * QUARTER_S) for step in range(steps)]}
        for name in names:
            if name in MEANS:
                column = getattr(outlook, MEANS[name])[:steps]
            elif name in INSTANTS:
                values = getattr(outlook, INSTANTS[name])
                column = [(before + after) / 2 for before, after in itertools.pairwise(values)]
            else:
                raise _unknown(name)
            told[name] = [_rounded(name, value) for value in column]
        return told


class OpenWeatherMap(WeatherServer):
    """`/data/2.5/weather` and `/data/2.5/forecast`, in metric units or in kelvin, for whoever has the key (`key`)."""

    key = KEY

    def told(self, question: Question) -> Reply:
        ask = question.query.get
        if ask("appid") != self.key:
            return self.refusal(401)
        try:
            _number(ask("lat"), "lat")
            _number(ask("lon"), "lon")
        except ValueError:
            return as_json({"cod": "400", "message": "Nothing to geocode"}, 400)
        zero = 0.0 if ask("units") == "metric" else 273.15
        if question.path == "/data/2.5/weather":
            return as_json(self._current(zero))
        if question.path == "/data/2.5/forecast":
            count = ask("cnt", str(MOST_ROWS))
            return as_json(self._forecast(zero, min(int(count), MOST_ROWS) if count.isdigit() else MOST_ROWS))
        return as_json({"cod": "404", "message": "Internal error"}, 404)

    def refusal(self, status: int) -> Reply:
        words = {
            401: "Invalid API key. Please see https://openweathermap.org/faq#error401 for more info.",
            429: "Your account is temporary blocked due to exceeding of requests limitation of your subscription type.",
        }
        if not status:
            return as_json({"cod": "500", "message": "Internal server error"})
        return as_json({"cod": status, "message": words.get(status, "Internal server error")}, status)

    def _current(self, zero: float) -> dict[str, Any]:
        seen = self.seen()
        return {
            "coord": {"lon": LONGITUDE, "lat": LATITUDE},
            "base": "stations",
            "main": {"temp": round(seen.temperature_c + zero, 2), "pressure": 1014, "humidity": round(seen.humidity_pct)},
            "visibility": 10000,
            "wind": {"speed": round(seen.wind_m_s, 2), "deg": 240},
            "clouds": {"all": round(seen.cloud_pct)},
            "dt": self.second() - self.second() % MEASURED_S,
            "timezone": 3600,
            "name": "Brussels",
            "cod": 200,
        }

    def _forecast(self, zero: float, count: int) -> dict[str, Any]:
        first = self.second() - self.second() % STEP_S + STEP_S
        width = STEP_S // QUARTER_S
        outlook = self.outlook(first - QUARTER_S, count * width + 1)

        def at(values: list[float], row: int) -> float:
            return (values[row * width] + values[row * width + 1]) / 2

        rows = [
            {
                "dt": first + row * STEP_S,
                "main": {"temp": round(at(outlook.temperature_c, row) + zero, 2), "humidity": 75},
                "clouds": {"all": round(at(outlook.cloud_pct, row))},
                "wind": {"speed": 3.4, "deg": 240},
                "dt_txt": f"{datetime.fromtimestamp(first + row * STEP_S, UTC):%Y-%m-%d %H:%M:%S}",
            }
            for row in range(count)
        ]
        return {"cod": "200", "message": 0, "cnt": count, "list": rows, "city": {"name": "Brussels", "country": "BE", "timezone": 3600}}


def _names(asked: str | None) -> list[str]:
    return [name for name in (asked or "").split(",") if name]


def _number(given: str | None, name: str) -> float:
    if given is None:
        raise ValueError(f"Parameter '{name}' is required")
    try:
        return float(given)
    except ValueError:
        raise ValueError(f"Parameter '{name}' must be a number") from None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError("Invalid timezone") from None


def _stamps(form: str, zone: ZoneInfo) -> Callable[[int], Any]:
    if form == "unixtime":
        return int
    return lambda at: f"{datetime.fromtimestamp(at, zone):%Y-%m-%dT%H:%M}"


def _rounded(name: str, value: float) -> float:
    return round(value) if name in WHOLE else round(value, 1)


def _unknown(name: str) -> ValueError:
    return ValueError(f"Data corrupted at path ''. Cannot initialize a variable from invalid String value {name}.")
