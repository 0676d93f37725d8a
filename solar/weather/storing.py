"""Observations and forecasts in the database, with the time of issue, and how long they stay.

Forecasts older than a week are thinned to the last of each three hours; after 400 days everything goes.
"""

from datetime import UTC, datetime, timedelta

from django.db import connection

from solar.models import Weather, WeatherForecast, WeatherObservation
from solar.weather.report import Forecast, Observation, Values

KEPT = timedelta(days=400)
WHOLE = timedelta(days=7)
# How far back thinning looks: a site that was off for some weeks catches up.
SWEPT = timedelta(days=60)
THIN = """DELETE FROM solar_weatherforecast old
    WHERE old.weather_id = %(weather)s AND old.issued >= %(since)s AND old.issued < %(until)s
    AND EXISTS (SELECT FROM solar_weatherforecast newer
        WHERE newer.weather_id = old.weather_id AND newer.issued > old.issued
        AND newer.issued < date_bin('3 hours', old.issued, '2000-01-01+00') + interval '3 hours')"""


def keep_observation(weather: Weather, seen: Observation) -> None:
    """One that is there already stays as it is: a service tells of the same quarter until the next."""
    WeatherObservation.objects.bulk_create(
        [
            WeatherObservation(
                weather=weather,
                time=datetime.fromtimestamp(seen.time, UTC),
                temperature_dc=_tenths(seen.temperature_c),
                cloud_pct=_whole(seen.cloud_pct),
                humidity_pct=_whole(seen.humidity_pct),
                wind_dms=_tenths(seen.wind_m_s),
                global_w_m2=_whole(seen.global_w_m2),
            )
        ],
        ignore_conflicts=True,
    )


def keep_forecast(weather: Weather, told: Forecast, issued: datetime) -> WeatherForecast | None:
    """None where one of this moment is there already."""
    row = WeatherForecast(
        weather=weather,
        issued=issued,
        start=datetime.fromtimestamp(told.start, UTC),
        step_s=told.step_s,
        temperature_dc=[_tenths(value) for value in told.temperature_c],
        cloud_pct=_column(told.cloud_pct),
        global_w_m2=_column(told.global_w_m2),
        direct_w_m2=_column(told.direct_w_m2),
        diffuse_w_m2=_column(told.diffuse_w_m2),
    )
    if WeatherForecast.objects.filter(weather=weather, issued=issued).exists():
        return None
    row.save(force_insert=True)
    return row


def prune(weather: Weather, now: datetime) -> None:
    """By the keys of both tables: a few rows each time."""
    WeatherObservation.objects.filter(weather=weather, time__lt=now - KEPT).delete()
    WeatherForecast.objects.filter(weather=weather, issued__lt=now - KEPT).delete()
    with connection.cursor() as cursor:
        cursor.execute(THIN, {"weather": weather.pk, "since": now - WHOLE - SWEPT, "until": now - WHOLE})


def _column(values: Values) -> list[int | None]:
    return [_whole(value) for value in values]


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _tenths(value: float | None) -> int | None:
    return None if value is None else round(value * 10)
