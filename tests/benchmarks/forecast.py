"""The forecast of the sun over the demo year: its errors beside the uncorrected forecast and persistence, and what its child takes.

Each evening at 23:00 a forecast is made of what was known then: the demo's weather services have run every six hours, the quarters of
the sun are known up to fifteen minutes before. All of the year is one job of the child; the first weeks, in which nothing was learned
yet, do not count. Scored are the quarters with the sun up of the following local day, each quarter alike.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

from energysite.demo.calendar import QUARTER_S, day_of, midnight
from energysite.demo.forecasts import foretold
from energysite.demo.profile import QUARTER_STEPS, ROOF, STEP_S, Day, Recipe
from energysite.sun import elevation_deg
from tests.benchmarks.figures import Figure, figure
from tests.benchmarks.house import ROOT

SEED = 1
FIRST = date(2025, 7, 1)
WARM_DAYS, YEAR, SHORT = 60, 365, 60
BEFORE_MIDNIGHT_H = (19, 13, 7, 1)
STEPS = 192
HERE = {"latitude": 50.85, "longitude": 4.35}
PLANE = {"tilt_deg": ROOF.slope_deg, "azimuth_deg": 180 + ROOF.azimuth_deg, "peak_w": ROOF.peak_w, "group": "1", "limit_w": ROOF.inverter_w}
LIVE_DAYS = 75
BESIDE = "next day, quarters with the sun up"


def measure(quick: bool, say: Callable[[str], None]) -> Iterator[Figure]:
    days = WARM_DAYS + (SHORT if quick else YEAR)
    say(f"weather and sun of {days} days")
    job = demo_job(days)
    say("the child, over all of them")
    answer, year_s, _memory = child(job)
    yield from _of(errors(job, answer[WARM_DAYS:]))
    yield figure("forecast: a year of daily forecasts in one child", year_s, "s", "<= 120")
    rows = job["rows"][: LIVE_DAYS * len(BEFORE_MIDNIGHT_H)]
    begin = rows[-1]["issued"] - job["made_start"]
    live = {**job, "rows": rows, "wanted": [len(rows) - 1], "made_wh": job["made_wh"][: begin // QUARTER_S]}
    say("the child, as the site starts it each hour")
    _answer, seconds, memory = child(live)
    yield figure("forecast child: seconds for one forecast, 75 days learned from", seconds, "s")
    yield figure("forecast child: peak memory (max RSS)", memory / 1e6, "MB", "<= 300")


def _of(found: dict[str, float]) -> Iterator[Figure]:
    target = f"<= {0.95 * found['raw_mae']:.0f}"
    yield figure(
        "forecast MAE, corrected", found["mae"], "W", target, f"uncorrected {found['raw_mae']:.0f}, persistence {found['kept_mae']:.0f}"
    )
    yield figure("forecast MAE, uncorrected", found["raw_mae"], "W", "", BESIDE)
    yield figure("forecast MAE, persistence", found["kept_mae"], "W", "", BESIDE)
    yield figure("forecast bias, corrected", found["bias"], "W", "", f"uncorrected {found['raw_bias']:.0f}")
    yield figure("forecast bias, uncorrected", found["raw_bias"], "W")
    yield figure("forecast bias, persistence", found["kept_bias"], "W")
    yield figure("forecast: quarters between P10 and P90", found["within"], "%", ">= 75", "80 % promised")


def demo_job(days: int, before_midnight_h: tuple[int, ...] = BEFORE_MIDNIGHT_H) -> dict[str, Any]:
    """What was made from FIRST on, and the weather forecasts of so many evenings from the first day on; the last of each day is wanted."""
    made: list[int] = []
    for i in range(days + 2):
        watts = Day(Recipe(seed=SEED), FIRST + timedelta(i)).solar_w
        made += [sum(watts[first : first + QUARTER_STEPS]) * STEP_S // 3600 for first in range(0, len(watts), QUARTER_STEPS)]
    rows = []
    for i in range(1, days + 1):
        for hours in before_midnight_h:
            rows.append(weather_row(midnight(FIRST + timedelta(i)) - hours * 3600))
    count = len(before_midnight_h)
    wanted = [place for place in range(len(rows)) if place % count == count - 1]
    return {**HERE, "planes": [PLANE], "made_start": midnight(FIRST), "made_wh": made, "rows": rows, "wanted": wanted}


def weather_row(issued: int) -> dict[str, Any]:
    told = foretold(SEED, issued, issued - issued % QUARTER_S, STEPS)
    return {
        "issued": issued,
        "start": told.start,
        "step_s": told.step_s,
        "temperature_dc": [round(10 * value) for value in told.temperature_c],
        "cloud_pct": [round(value) for value in told.cloud_pct],
        "global_w_m2": [round(value) for value in told.global_w_m2],
        "direct_w_m2": [round(value) for value in told.direct_w_m2],
        "diffuse_w_m2": [round(value) for value in told.diffuse_w_m2],
    }


def child(job: dict[str, Any]) -> tuple[list[dict[str, Any]], float, int]:
    """(its answer, seconds of the clock, bytes of memory at most)."""
    with tempfile.TemporaryFile() as told, tempfile.TemporaryFile() as said:
        told.write(json.dumps(job).encode())
        told.seek(0)
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "solar.forecast.child"],
            cwd=ROOT,
            stdin=told,
            stdout=said,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )
        _pid, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - began
        if process.returncode:
            raise RuntimeError(f"the forecast's child ended with {process.returncode}")
        said.seek(0)
        return json.load(said), seconds, used.ru_maxrss * 1024


def errors(job: dict[str, Any], answer: list[dict[str, Any]]) -> dict[str, float]:
    """Over all quarters with the sun up of the local day after each issue: W, and the percentage within the band."""
    first, made = job["made_start"], job["made_wh"]
    rows: list[tuple[float, float, float, bool]] = []
    for told in answer:
        day = day_of(told["issued"]) + timedelta(days=1)
        for at in range(midnight(day), midnight(day + timedelta(days=1)), QUARTER_S):
            if elevation_deg(at + QUARTER_S / 2, HERE["latitude"], HERE["longitude"]) <= 0:
                continue
            step, place = (at - told["start"]) // QUARTER_S, (at - first) // QUARTER_S
            real = 4 * made[place]
            within = bool(told["p10_w"]) and told["p10_w"][step] <= real <= told["p90_w"][step]
            rows.append((told["mean_w"][step] - real, told["raw_w"][step] - real, 4 * made[place - 96] - real, within))
    found = {"within": 100 * sum(row[3] for row in rows) / len(rows)}
    for i, name in enumerate(("", "raw_", "kept_")):
        found[f"{name}mae"] = sum(abs(row[i]) for row in rows) / len(rows)
        found[f"{name}bias"] = sum(row[i] for row in rows) / len(rows)
    return found
