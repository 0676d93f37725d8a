"""What the site would have foretold of the demo's sun in the past weeks, each forecast from what was known when it was issued: one job
for the forecast's child process, once the blocks of the sun's past are made."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings

from energysite.block_states import State
from energysite.demo.calendar import QUARTER_S, day_of
from energysite.management.commands._demo_history import Say, Stopped, patiently
from energysite.management.commands._demo_rows import instant
from energysite.management.commands._demo_weather import FORECAST_DAYS, HERE
from meters.models import Block, Source
from solar.forecast import queries
from solar.models import RoofPlane, SolarForecast, Weather, WeatherForecast

FEWEST_DAYS = 7  # of fewer nothing is learned that is worth the child's seconds
LOOK_S = 2.0
LONGEST_S = 900.0  # the blocks of the past are waited for
CHILD_S = 150.0
LIGHT = ("temperature_dc", "cloud_pct", "global_w_m2", "direct_w_m2", "diffuse_w_m2")


def fill(weather: Weather, until: int, stop: threading.Event, say: Say) -> int:
    """A forecast of each evening that has none, and of now; how many are new. Raises Stopped."""
    if not _await_blocks(until, stop, say):
        say("demo house: the blocks of its past are not made yet; what was foretold of its sun is left out")
        return 0
    job = patiently(partial(_job, weather, until), stop, say)
    if not job["wanted"]:
        return 0
    found = subprocess.run(
        [sys.executable, "-m", "solar.forecast.child"],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        timeout=CHILD_S,
        cwd=settings.BASE_DIR,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    )
    if found.returncode:
        say(f"demo house: what was foretold of its sun is left out: {found.stderr.strip()[-300:]}")
        return 0
    told = [SolarForecast(**{**one, "issued": instant(one["issued"]), "start": instant(one["start"])}) for one in json.loads(found.stdout)]
    patiently(lambda: SolarForecast.objects.bulk_create(told, ignore_conflicts=True), stop, say)
    return len(told)


def _await_blocks(until: int, stop: threading.Event, say: Say) -> bool:
    """False where the quarters of the sun's past weeks are not made in time. Raises Stopped."""
    waited = 0.0
    while patiently(partial(_unmade, instant(until)), stop, say):
        if waited >= LONGEST_S:
            return False
        if stop.wait(LOOK_S):
            raise Stopped
        waited += LOOK_S
    return True


def _unmade(until: datetime) -> bool:
    """True while a solar quarter of the last weeks is to be made, or there is none yet."""
    sources = Source.objects.filter(kind=Source.Kind.PRODUCTION, retired=None)
    first = until - timedelta(days=FORECAST_DAYS)
    quarters = Block.objects.filter(source__in=sources, length_s=QUARTER_S, start__gte=first, end__lte=until)
    return quarters.values("source").distinct().count() < sources.count() or quarters.filter(state=State.TO_DO).exists()


def _job(weather: Weather, until: int) -> dict[str, Any]:
    """As `solar.forecast.engine` takes it."""
    end = instant(until - until % QUARTER_S)
    start = end - timedelta(days=FORECAST_DAYS + 1)
    rows = list(WeatherForecast.objects.filter(weather=weather, issued__gte=start, issued__lte=instant(until)).order_by("issued"))
    told = SolarForecast.objects.filter(issued__gte=start).values_list("issued", flat=True)
    planes = [
        {
            "tilt_deg": plane.tilt_deg,
            "azimuth_deg": plane.azimuth_deg,
            "peak_w": plane.peak_w,
            "group": plane.inverter_id or f"plane {plane.pk}",
            "limit_w": plane.limit_w,
        }
        for plane in RoofPlane.objects.order_by("pk")
    ]
    return {
        "latitude": HERE.latitude,
        "longitude": HERE.longitude,
        "planes": planes,
        "made_start": int(start.timestamp()),
        "made_wh": queries.made(start, end),
        "rows": [_row(row) for row in rows],
        "wanted": _wanted([row.issued for row in rows], set(told)) if planes else [],
    }


def _row(row: WeatherForecast) -> dict[str, Any]:
    times = {"issued": int(row.issued.timestamp()), "start": int(row.start.timestamp()), "step_s": row.step_s}
    return times | {name: getattr(row, name) for name in LIGHT}


def _wanted(issues: Sequence[datetime], told: set[datetime]) -> list[int]:
    """Places of the last one of each local day and the newest, but for days whose last hours have a forecast already."""
    last = {day_of(int(issued.timestamp())): place for place, issued in enumerate(issues)}
    return sorted(place for place in last.values() if not any(issues[place] <= one < issues[place] + timedelta(hours=3) for one in told))
