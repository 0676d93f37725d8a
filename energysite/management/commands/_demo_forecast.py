"""What the site would have foretold of the demo's sun in the past weeks, each forecast from what was known when it was issued: one job
for the forecast's child process, once the blocks of the sun's past are made. Then those days are scored."""

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from energysite.block_states import State
from energysite.demo.calendar import QUARTER_S, day_of
from energysite.management.commands._demo_history import Say, Stopped, patiently
from energysite.management.commands._demo_rows import instant
from energysite.management.commands._demo_weather import FORECAST_DAYS, HERE
from meters.models import Block, Source
from solar.forecast import job as jobs
from solar.forecast import runner, scoring
from solar.models import SolarForecast, Weather

FEWEST_DAYS = 7  # of fewer nothing is learned that is worth the child's seconds
LOOK_S = 5.0
LONGEST_S = 3600.0  # the blocks of the past are waited for; a small machine makes them slowly


def fill(weather: Weather, until: int, stop: threading.Event, say: Say) -> int:
    """A forecast of each evening that has none, and of now; how many are new. Raises Stopped."""
    if not _await_blocks(until, stop, say):
        say("demo house: the blocks of its past are not made yet; what was foretold of its sun is left out")
        return 0
    job = patiently(partial(_job, weather, until), stop, say)
    if job is None:
        return 0
    try:
        answer = runner.compute(job)
    except runner.ForecastFailed as error:
        say(f"demo house: what was foretold of its sun is left out: {error}")
        return 0
    told = [SolarForecast(**{**one, "issued": instant(one["issued"]), "start": instant(one["start"])}) for one in answer]
    patiently(lambda: SolarForecast.objects.bulk_create(told, ignore_conflicts=True), stop, say)
    scored = patiently(lambda: scoring.score_all(instant(until)), stop, say)
    say(f"demo house: {len(told)} forecasts of its sun from its past, {scored} days scored")
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


def _job(weather: Weather, until: int) -> dict[str, Any] | None:
    """None where nothing is to be foretold any more, or there is nothing to do it from."""
    roof, stored = jobs.planes(), jobs.past_weather(weather, instant(until))
    told = SolarForecast.objects.filter(issued__gte=instant(until) - jobs.REACH).values_list("issued", flat=True)
    wanted = _wanted([row.issued for row in stored], set(told))
    if not roof or not wanted:
        return None
    return jobs.job(HERE, roof, [jobs.row(one) for one in stored], wanted, instant(until))


def _wanted(issues: Sequence[datetime], told: set[datetime]) -> list[int]:
    """Places of the last one of each local day and the newest, but for days whose last hours have a forecast already."""
    last = {day_of(int(issued.timestamp())): place for place, issued in enumerate(issues)}
    return sorted(place for place in last.values() if not any(issues[place] <= one < issues[place] + timedelta(hours=3) for one in told))
