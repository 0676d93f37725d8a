"""Forecasts in the database: made by the child, found again by day, held against what was made."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from energysite import agents, house
from energysite.block_states import State
from energysite.models import House
from energysite.timegrid import QUARTER, day_bounds
from meters.models import Block, Source
from solar.forecast import queries, runner, scoring
from solar.models import ForecastScore, RoofPlane, SolarForecast, Weather, WeatherForecast

ZONE = ZoneInfo("Europe/Brussels")
DAY = date(2026, 6, 10)
START, END = day_bounds(DAY, ZONE)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def a_house() -> None:
    House.objects.update_or_create(pk=1, defaults={"zone": "Europe/Brussels", "latitude": 50.85, "longitude": 4.35})
    house.forget()


def inverter(name: str = "Roof") -> Source:
    return Source.objects.create(kind="production", medium="solar", name=name)


def quarter(source: Source, at: datetime, wh: int | None, **values: object) -> None:
    usual = {"state": State.DONE, "covered_s": 900, "proof": at + QUARTER}
    Block.objects.create(source=source, length_s=900, start=at, end=at + QUARTER, energy1=wh, **{**usual, **values})


def made_days(source: Source, *wh: int) -> None:
    """So many Wh in each quarter of the days up to DAY, the last of them DAY."""
    Block.objects.bulk_create(
        Block(source=source, length_s=900, start=at, end=at + QUARTER, energy1=amount, state=State.DONE, covered_s=900, proof=at + QUARTER)
        for i, amount in enumerate(reversed(wh))
        for at in (START - i * timedelta(days=1) + j * QUARTER for j in range(96))
    )


def foretold(issued: datetime, watts: int, raw: int = 0, **values: object) -> SolarForecast:
    start = issued.replace(minute=issued.minute // 15 * 15, second=0)
    return SolarForecast.objects.create(issued=issued, start=start, raw_w=[raw or watts] * 192, mean_w=[watts] * 192, **values)


def test_what_was_made_is_the_sum_of_all_inverters_and_unknown_where_one_is() -> None:
    one, two = inverter("One"), inverter("Two")
    for i, (a, b) in enumerate([(100, 50), (100, None), (100, 50)]):
        quarter(one, START + i * QUARTER, a)
        quarter(two, START + i * QUARTER, b)
    assert queries.made(START - QUARTER, START + 4 * QUARTER) == [None, 150, None, 150, None]


def test_a_straight_line_across_a_gap_is_not_what_was_made() -> None:
    source = inverter()
    quarter(source, START, 80)
    quarter(source, START + QUARTER, 70, recovered=True, covered_s=100, proof=START + 9 * QUARTER)
    quarter(source, START + 2 * QUARTER, 60, recovered=True, covered_s=800, proof=START + 9 * QUARTER)
    quarter(source, START + 3 * QUARTER, 0, recovered=True, covered_s=0, proof=START + 9 * QUARTER)
    assert queries.made(START, START + 4 * QUARTER) == [80, None, 60, 0]


def test_a_retired_inverter_is_missed_no_more() -> None:
    old, new = inverter("Old"), inverter("New")
    quarter(old, START, 10)
    Source.objects.filter(pk=old.pk).update(retired=START + QUARTER)
    quarter(new, START + QUARTER, 20)
    assert queries.made(START, START + 2 * QUARTER) == [10, 20]


def test_a_day_that_is_over_shows_what_was_foretold_the_evening_before() -> None:
    foretold(START - timedelta(hours=5), 100)
    foretold(START - timedelta(hours=1), 200)
    foretold(START + timedelta(hours=9), 300)
    steps = queries.of_day(DAY, ZONE, now=END + timedelta(hours=1))
    assert len(steps) == 96
    assert {step.mean_w for step in steps} == {200}


def test_today_is_told_anew_from_the_running_quarter_on() -> None:
    foretold(START - timedelta(hours=1), 200)
    foretold(START + timedelta(hours=9), 300)
    steps = queries.of_day(DAY, ZONE, now=START + timedelta(hours=9, minutes=5))
    assert [step.mean_w for step in steps] == [200] * 36 + [300] * 60
    assert queries.of_day(DAY + timedelta(days=30), ZONE, now=START) == []


def test_a_day_is_scored_by_the_last_word_before_its_midnight_beside_uncorrected_and_persistence() -> None:
    made_days(inverter(), 200, 250)
    foretold(START - timedelta(hours=1), 1100, raw=1400, p10_w=[900] * 192, p90_w=[1050] * 192)
    foretold(START + timedelta(minutes=1), 1000)
    assert scoring.score_all(END + timedelta(hours=1)) == 1
    score = ForecastScore.objects.get(day=DAY)
    assert (score.mae_w, score.bias_w, score.raw_mae_w, score.raw_bias_w) == (100, 100, 400, 400)
    assert (score.persistence_mae_w, score.persistence_bias_w, score.within_pct) == (200, -200, 100)
    assert 60 < score.steps < 70, "nights do not count"
    assert score.made_wh == 250 * score.steps
    assert score.forecast_wh == 275 * score.steps
    assert queries.scores(5) == [score]


def test_a_day_waits_for_what_was_made_and_is_scored_anew_when_more_is_known() -> None:
    source = inverter()
    made_days(source, 200, 250)
    Block.objects.filter(start__gte=START + timedelta(hours=16)).delete()
    foretold(START - timedelta(hours=1), 1100)
    assert scoring.score_all(END + timedelta(hours=1)) == 0
    assert scoring.score_all(END + timedelta(hours=40)) == 1
    steps = ForecastScore.objects.get().steps
    for i in range(64, 96):
        quarter(source, START + i * QUARTER, 250)
    scoring.score_all(END + timedelta(hours=41))
    assert ForecastScore.objects.get().steps > steps


def test_old_forecasts_are_thinned_to_the_one_that_was_scored() -> None:
    long_ago = START - timedelta(days=40)
    for hours in (10, 3, 1):
        foretold(long_ago - timedelta(hours=hours), 100)
    newest = foretold(START, 100)
    scoring.prune(ZONE, START)
    assert sorted(SolarForecast.objects.values_list("issued", flat=True)) == [long_ago - timedelta(hours=1), newest.issued]


def test_a_forecast_is_made_of_the_stored_weather_once_and_only_with_a_roof() -> None:
    now = datetime(2026, 6, 10, 6, 7, tzinfo=UTC)
    weather = agents.create(Weather, name="Weather", period_s=3600)
    light = [600] * 192
    WeatherForecast.objects.create(
        weather=weather, issued=now, start=now.replace(minute=0), step_s=900, temperature_dc=[150] * 192, global_w_m2=light
    )
    assert runner.run(weather, now) is None
    RoofPlane.objects.create(name="South", tilt_deg=35, azimuth_deg=180, peak_w=4000)
    forecast = runner.run(weather, now)
    assert forecast is not None
    assert forecast.start == now.replace(minute=0)
    assert len(forecast.raw_w) == 192
    assert max(w for w in forecast.raw_w if w is not None) > 1000
    assert forecast.raw_w[-1] is not None
    assert queries.newest(now + timedelta(hours=1)) == forecast
    assert queries.newest(now + timedelta(hours=49)) is None
    assert runner.run(weather, now) is None, "this moment's is there already"
