"""The child process on a job of its own: what it learns, what it may not know, and that it stays within its bounds."""

import math
import os
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings

from solar.forecast import runner

pytestmark = pytest.mark.slow

DAY_S = 86400
FIRST = 1_780_272_000  # 2026-06-01 00:00 UTC
PLANE = {"tilt_deg": 35, "azimuth_deg": 180, "peak_w": 5000, "group": "1", "limit_w": None}
CLOUDY = (1.0, 0.4, 0.7, 0.9, 0.3)


def row(day: int, share: float = 1.0, **values: Any) -> dict[str, Any]:
    """Issued at 22:00 UTC of that day, of a sun that follows a simple curve from 4 to 20 h."""
    issued = FIRST + day * DAY_S + 22 * 3600
    level = [round(share * 850 * _height(issued + 900 * i)) for i in range(192)]
    told = {"temperature_dc": [200] * 192, "cloud_pct": [], "global_w_m2": level, "direct_w_m2": [], "diffuse_w_m2": []}
    return {"issued": issued, "start": issued, "step_s": 900, **told, **values}


def _height(at: int) -> float:
    return max(0.0, math.sin(math.pi * ((at % DAY_S) / 3600 - 4) / 16)) if 4 * 3600 < at % DAY_S < 20 * 3600 else 0.0


def job(days: int, made: Any, planes: list[dict[str, Any]] | None = None, rows: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """`made`: a function of (epoch s) -> Wh."""
    rows = rows or [row(day, CLOUDY[(day + 1) % len(CLOUDY)]) for day in range(days)]
    known = [made(FIRST + 900 * i) for i in range((days - 1) * 96 + 87)]  # until the last issue, but for the running quarter
    place = {"latitude": 50.85, "longitude": 4.35, "planes": planes or [PLANE]}
    return {**place, "made_start": FIRST, "made_wh": known, "rows": rows, "wanted": [len(rows) - 1]}


def half_of_it(at: int) -> int:
    """What panels in half a shadow make of the light that was foretold, as good as exactly."""
    return round(0.5 * 5000 * 0.8 * 0.85 * CLOUDY[(at - FIRST) // DAY_S % len(CLOUDY)] * _height(at) / 4)


def noon(told: dict[str, Any], name: str) -> int:
    """At 12 h of the day after the issue."""
    return told[name][14 * 4]


def test_a_roof_that_makes_half_of_what_physics_says_is_learned() -> None:
    [told] = runner.compute(job(20, half_of_it))
    truth = 4 * half_of_it(FIRST + 20 * DAY_S + 12 * 3600)
    assert abs(noon(told, "raw_w") - truth) > 0.6 * truth
    assert noon(told, "mean_w") == pytest.approx(truth, rel=0.15)
    assert told["learned_days"] >= 15
    assert noon(told, "p10_w") <= noon(told, "mean_w") <= noon(told, "p90_w")


def test_nothing_is_learned_where_nothing_was_made_known() -> None:
    [told] = runner.compute(job(20, lambda _at: None))
    assert told["mean_w"] == told["raw_w"]
    assert told["learned_days"] == 0
    assert told["p10_w"] == told["p90_w"] == []
    assert max(told["raw_w"]) > 2000


def test_a_forecast_is_the_same_whatever_happens_after_it() -> None:
    """No peeking: of two histories that part at the issue the forecast cannot tell which it lives in."""
    known = job(12, half_of_it)
    known["wanted"] = [8]
    changed = {**known, "made_wh": list(known["made_wh"])}
    issued = known["rows"][8]["issued"]
    for i in range((issued - FIRST) // 900, len(changed["made_wh"])):
        changed["made_wh"][i] = 1234
    assert runner.compute(known) == runner.compute(changed)
    changed["made_wh"][: 5 * 96] = [0] * (5 * 96)
    assert runner.compute(known) != runner.compute(changed)


def test_an_inverter_lets_no_more_through_than_its_limit_whatever_hangs_on_it() -> None:
    planes = [{**PLANE, "limit_w": 3000}, {**PLANE, "azimuth_deg": 190, "limit_w": None}]
    rows = [row(0)]
    [together] = runner.compute(job(1, lambda _at: None, planes, rows))
    apart = [planes[0], {**planes[1], "group": "2"}]
    [each] = runner.compute(job(1, lambda _at: None, apart, rows))
    assert max(together["raw_w"]) == 3000
    assert max(each["raw_w"]) > 5000


def test_clouds_without_light_give_a_forecast_and_missing_weather_none() -> None:
    clouds: dict[str, Any] = {"global_w_m2": [], "step_s": 10800, "temperature_dc": [180] * 16}
    clear, dull = ([row(0, **clouds, cloud_pct=[percent] * 16)] for percent in (0, 100))
    [bright] = runner.compute(job(1, lambda _at: None, None, clear))
    [dim] = runner.compute(job(1, lambda _at: None, None, dull))
    assert 0 < noon(dim, "raw_w") < 0.5 * noon(bright, "raw_w")
    short = row(0)
    short["global_w_m2"] = short["global_w_m2"][:96]
    [cut] = runner.compute(job(1, lambda _at: None, None, [short]))
    assert cut["raw_w"][95] is not None
    assert cut["raw_w"][96 + 14 * 4] is None, "the second noon"


def test_the_child_ends_with_a_status_and_says_why_when_its_job_is_no_job() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "solar.forecast.child"],
        input=b"<html>",
        capture_output=True,
        cwd=settings.BASE_DIR,
        env={**os.environ, **runner.ONE_THREAD},
        check=False,
    )
    assert done.returncode == 1
    assert b"JSONDecodeError" in done.stderr
    with pytest.raises(runner.ForecastFailed):
        runner.compute({"rows": "no"})
