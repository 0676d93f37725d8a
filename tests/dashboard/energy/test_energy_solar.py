"""The energy page of a house with the sun on its roof: what was used, by whom it was given, and what nobody can tell."""

from datetime import UTC, date, datetime, timedelta

import pytest

from dashboard.energy.asked import asked
from dashboard.energy.charts import charts
from dashboard.energy.daylight import daylight
from dashboard.energy.numbers import Picture, picture
from dashboard.energy.slots import slots
from dashboard.energy.sources import choices, feeding, known
from dashboard.energy.words import coverage, totals
from energysite import timegrid
from energysite.models import House
from energysite.place import Place
from energysite.timegrid import DAY, QUARTER
from meters.models import BatteryReading, Source
from tests.dashboard.energy.house import condensed
from tests.dashboard.solar.house import BRUSSELS, USED_WH, sun_wh, sunny
from tests.meters.rows import make_meter, make_source

pytestmark = pytest.mark.django_db
JUNE = date(2026, 6, 15)
LATER = datetime(2026, 6, 20, 12, tzinfo=UTC)


def shown(sources: list[Source], now: datetime = LATER, *, whole: bool = True, **query: str) -> Picture:
    return picture(asked({"date": "2026-06-15", **query}, timegrid.local_day(now, BRUSSELS)), sources, BRUSSELS, now, whole=whole)


def lines(seen: Picture) -> dict[str, list[int | None]]:
    return {line.key: line.values for line in charts(seen, ("day", "night"))[0].lines}


def test_what_the_house_used_adds_up_in_every_hour_and_in_all() -> None:
    _roof, sources = sunny(JUNE - DAY, JUNE + 2 * DAY)
    seen = shown(sources)
    drawn = lines(seen)
    assert [(sun or 0) + (grid or 0) for sun, grid in zip(drawn["solar"], drawn["import"], strict=True)] == [4 * USED_WH] * 24
    figures = {figure.key: figure for figure in totals(seen, ("day", "night"))}
    made = sum(sun_wh(at) for at in timegrid.quarters(JUNE, BRUSSELS))
    assert (figures["house"].value, figures["solar"].value) == (96 * USED_WH, made)
    assert figures["house"].parts == []
    assert figures["solar"].parts == [("used here", "5.30 kWh (25 %)")]


def test_solar_that_comes_and_goes_within_an_hour_is_counted_by_the_quarter() -> None:
    """By the hour nothing would be used here: what leaves in one quarter is not what stays in another."""
    _roof, sources = sunny(JUNE - DAY, JUNE + 2 * DAY)
    morning = lines(shown(sources))["solar"][6]
    by_quarter = [min(USED_WH, sun_wh(timegrid.midnight(JUNE, BRUSSELS) + (24 + i) * QUARTER)) for i in range(4)]
    assert morning == sum(by_quarter)


def test_months_and_the_period_before_know_what_was_used() -> None:
    _roof, sources = sunny(JUNE - 4 * DAY, JUNE + 2 * DAY)
    month = shown(sources, span="month")
    assert month.use is not None
    assert [one.balance.use for one in month.use.slots if one.balance is not None][1:-1] == [96 * USED_WH] * 4
    house = next(figure for figure in totals(shown(sources, compare="before"), ("day", "night")) if figure.key == "house")
    assert house.before == "before: 9.60 kWh (±0 %)"


def test_a_day_that_runs_says_that_its_use_is_of_whole_quarters() -> None:
    noon = timegrid.midnight(JUNE, BRUSSELS) + timedelta(hours=13)
    _roof, sources = sunny(JUNE - DAY, JUNE + DAY, noon)
    house = next(figure for figure in totals(shown(sources, noon + timedelta(minutes=5)), ("day", "night")) if figure.key == "house")
    assert house.value == 52 * USED_WH
    assert house.parts == [("counted by whole quarters", "")]


def test_a_battery_that_is_not_read_makes_use_unknown_and_not_wrong() -> None:
    _roof, sources = sunny(JUNE - DAY, JUNE + 2 * DAY)
    House.load()
    House.objects.update(unread_battery=True)
    seen = shown(sources)
    assert "solar" not in lines(seen)
    assert [figure.key for figure in totals(seen, ("day", "night"))] == ["import", "export", "solar"]


def test_what_a_battery_gave_stands_between_the_sun_and_the_grid() -> None:
    """From 20:00 to midnight it gives half of what the house uses, which it was given at noon; the grid's counters say the rest."""
    _roof, [grid, solar] = sunny(JUNE - DAY, JUNE + 2 * DAY)
    battery = Source.objects.create(kind="battery", medium="battery", name="Battery", cadence_s=900)
    start = timegrid.midnight(JUNE, BRUSSELS)
    BatteryReading.objects.bulk_create(
        BatteryReading(source=battery, time=start + i * QUARTER, charge_wh=0, discharge_wh=50 * min(16, max(0, i - 80)), battery_w=0)
        for i in range(97)
    )
    condensed([battery], start + DAY)
    drawn = lines(shown([grid, solar, battery]))
    assert drawn["battery"][20:] == [200] * 4
    assert drawn["battery"][:20] == [0] * 20


def test_the_dark_is_no_gap_in_what_the_sun_made() -> None:
    _roof, sources = sunny(JUNE - DAY, JUNE + 2 * DAY)
    seen = shown(sources, timegrid.midnight(JUNE + 2 * DAY, BRUSSELS), span="month")
    assert (seen.covered("solar") or 0) > 0.85, "the inverter sleeps from 20:00, when June still has light"
    assert (seen.columns["solar"].cells[14].coverage or 0) < 0.7
    assert coverage(shown(sources, by="quarter", date="2026-06-15")).startswith("Measured: solar 9")


@pytest.mark.parametrize(("day", "light"), [(date(2026, 6, 21), 14.9), (date(2026, 12, 21), 6.2)])
def test_there_is_light_while_the_sun_stands_high_enough(day: date, light: float) -> None:
    brussels = Place(50.85, 4.35, exact=True)
    for query, part in (({}, 1), ({"span": "month"}, 30)):
        own = slots(asked({"date": day.isoformat(), **query}, day), BRUSSELS)
        hours = sum(
            share * ((slot.end - slot.start) / timedelta(hours=1)) for share, slot in zip(daylight(own, brussels), own, strict=True)
        )
        assert abs(hours / part - light) < 0.6, hours
    assert daylight(own, None) == [1.0] * len(own)


def test_of_two_meters_neither_is_given_the_sun_of_both() -> None:
    _roof, sources = sunny(JUNE - DAY, JUNE + 2 * DAY)
    assert feeding(choices(known())) == 1
    make_source(make_meter("Annex"), serial="A")
    assert feeding(choices(known())) == 2
    seen = shown(sources, whole=False)
    assert "solar" not in lines(seen)
    assert [figure.key for figure in totals(seen, ("day", "night"))] == ["import", "export", "solar"]
