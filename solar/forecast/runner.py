"""Forecasts of the sun, made in a child process and stored with their time of issue."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import structlog
from django.conf import settings
from django.utils.translation import gettext as _

from energysite import house, place
from energysite.database import asked, give_back
from energysite.errors import EnergyError
from solar.forecast import job as jobs
from solar.models import SolarForecast, Weather

log = structlog.get_logger(__name__)

LONGEST_S = 150  # the child ends itself before
SAID = 500
# Each thread of the number libraries would reserve its own stack and buffers, out of the child's limit.
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class ForecastFailed(EnergyError):
    """The child did not answer; why is in the log."""


def run(weather: Weather, now: datetime) -> SolarForecast | None:
    """The forecast of this moment, stored; None where the place, the roof or the weather is not known, or it is there already.

    Raises DatabaseAway, and ForecastFailed when the child was stopped or failed. No connection is held while it computes.
    """
    here = place.of(house.current())
    with asked():
        roof = jobs.planes()
        stored = jobs.past_weather(weather, now) if roof else []
        if here is None or not stored or SolarForecast.objects.filter(issued=now).exists():
            return None
        rows = [jobs.row(one) for one in stored[:-1]] + [jobs.row(stored[-1], now)]
        asked_for = jobs.job(here, roof, rows, [len(rows) - 1], now)
    del stored
    give_back()
    [told] = compute(asked_for)
    if not jobs.known(told["raw_w"]):  # a weather forecast that ended before it began
        return None
    forecast = SolarForecast(
        issued=now,
        start=datetime.fromtimestamp(told["start"], UTC),
        raw_w=told["raw_w"],
        mean_w=told["mean_w"],
        p10_w=told["p10_w"],
        p90_w=told["p90_w"],
        learned_days=told["learned_days"],
    )
    with asked():
        forecast.save(force_insert=True)
    return forecast


def compute(job: dict[str, Any]) -> list[dict[str, Any]]:
    """The child's answer (see `solar.forecast.engine`). Raises ForecastFailed."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "solar.forecast.child"],
            input=json.dumps(job, separators=(",", ":")).encode(),
            capture_output=True,
            cwd=settings.BASE_DIR,
            env={**os.environ, **ONE_THREAD},
            timeout=LONGEST_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        log.error("forecast child stopped", after_s=LONGEST_S)
        raise ForecastFailed(_("The forecast of the sun took too long and was stopped. The last one stays.")) from None
    if done.returncode:
        log.error("forecast child failed", status=done.returncode, said=done.stderr.decode(errors="replace").strip()[-SAID:])
        code = {"code": done.returncode}
        raise ForecastFailed(_("The forecast of the sun could not be computed: its process ended with %(code)s.") % code)
    return list(json.loads(done.stdout))
