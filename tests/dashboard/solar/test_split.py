"""Where the sun went: parts that add up, what is left out and why, and what nobody can tell."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from dashboard.energy.asked import asked
from dashboard.solar import split, split_bars
from energysite import timegrid
from energysite.models import House
from energysite.timegrid import DAY
from meters import balance
from meters.models import Block
from meters.totals.balance import HouseTotal
from tests.dashboard.energy.house import steady
from tests.dashboard.solar.house import BRUSSELS, USED_WH, make_inverter, sun_wh, sunny

pytestmark = pytest.mark.django_db
JUNE = date(2026, 6, 15)
LATER = datetime(2026, 6, 20, 12, tzinfo=UTC)


def house(**fields: Any) -> House:
    return House(pk=1, zone="Europe/Brussels", **fields)


def of_june(sources: Any, now: datetime = LATER, row: House | None = None, **query: str) -> split.Split:
    found = split.of(row or house(), sources, asked({"date": "2026-06-15", **query}, timegrid.local_day(now, BRUSSELS)), now)
    assert found is not None
    return found


def parts(whole: split.Whole) -> dict[str, tuple[int | None, str]]:
    return {part.key: (part.wh, part.share) for part in whole.parts}


def test_the_sun_and_the_use_of_a_day_add_up_to_the_watt_hour() -> None:
    _roof, sources = sunny(JUNE - DAY, JUNE + 2 * DAY)
    found = of_june(sources)
    made, used = found.wholes
    quarters = timegrid.quarters(JUNE, BRUSSELS)
    direct = sum(min(USED_WH, sun_wh(at)) for at in quarters)
    assert parts(made) == {"solar": (direct, "25 %"), "export": (sum(map(sun_wh, quarters)) - direct, "75 %")}
    assert parts(used) == {"solar": (direct, "55 %"), "import": (96 * USED_WH - direct, "45 %")}
    assert (made.wh, used.wh) == (sum(map(sun_wh, quarters)), 96 * USED_WH)
    assert [round(part.x + part.width, 2) for part in made.parts] == [round(made.parts[1].x, 2), 100]
    assert split.sentence(found) == "25 % of what the sun made stayed in the house; 55 % of what it used did not come from the grid."
    assert split.note(found) == ""


@pytest.mark.parametrize("span", ["day", "week", "month", "year"])
def test_slots_of_every_period_add_up_to_it(span: str) -> None:
    _roof, sources = sunny(JUNE - 3 * DAY, JUNE + 2 * DAY)
    found = of_june(sources, span=span)
    for whole in found.wholes[:1]:
        drawn = {key: sum(value for value in values if value is not None) for key, _label, values in split_bars.lines(found)}
        assert drawn == {part.key: part.wh for part in whole.parts}
    heads, rows = split_bars.table(found, lambda _slot: None)
    assert [head for head, _wide in heads] == ["Made (kWh)", "Used at once (kWh)", "Injected (kWh)", "Used by the house (kWh)"]
    assert len(rows) == len(found.own) == len(split_bars.chart(found, lambda _slot: None)["charts"][0]["lines"][0]["values"])


def test_a_battery_has_its_part_in_both() -> None:
    found = balance.of(400, 300, 2000, charge=900, discharge=500)
    assert found is not None
    assert parts(split.made(found)) == {"solar": (800, "40 %"), "battery": (900, "45 %"), "export": (300, "15 %")}
    assert parts(split.used(found)) == {"solar": (800, "47 %"), "battery": (500, "29 %"), "import": (400, "24 %")}


def test_counters_that_contradict_each_other_leave_use_unknown() -> None:
    found = balance.of(0, 5000, 1000)
    assert found is not None
    assert split.used(found).wh is None
    assert not split.used(found).drawn
    assert [part.text for part in split.used(found).parts] == ["– kWh"] * 3


def test_what_was_not_read_is_left_out_and_said() -> None:
    _roof, sources = sunny(JUNE - DAY, JUNE + 2 * DAY)
    start = timegrid.midnight(JUNE, BRUSSELS)
    Block.objects.filter(
        source=sources[1], length_s=900, start__gte=start + timedelta(hours=10), start__lt=start + timedelta(hours=14)
    ).delete()
    found = of_june(sources)
    assert (found.total.quarters, found.total.known) == (96, 80)
    assert split.note(found) == "Left out: 4 h without the inverter."
    chart = split_bars.chart(found, lambda _slot: None)["charts"][0]
    assert chart["missing"] == [10, 11, 12, 13]
    assert chart["notes"][10] == "not known: 60 min without the inverter"
    assert [line["values"][10] for line in chart["lines"]] == [None, None]


def test_a_battery_that_is_not_read_leaves_no_figures() -> None:
    _roof, sources = sunny(JUNE - DAY, JUNE + 2 * DAY)
    found = of_june(sources, row=house(unread_battery=True))
    assert (found.wholes, found.shares) == ([], [])
    assert split.sentence(found).startswith("There is a battery that is not read")
    assert all(value is None for _key, _label, values in split_bars.lines(found) for value in values)


def test_a_day_that_runs_tells_what_is_done_and_calls_the_rest_running() -> None:
    noon = timegrid.midnight(JUNE, BRUSSELS) + timedelta(hours=13)
    _roof, sources = sunny(JUNE - DAY, JUNE + DAY, noon)
    found = of_june(sources, noon + timedelta(minutes=20))
    assert (found.total.quarters, found.total.known) == (53, 52)
    assert split.note(found) == "Counted by quarters of an hour.", "the newest quarter is on its way, not left out"
    assert [split_bars.slot_note(found, i) for i in (12, 13, 14)] == ["", "still running", ""]
    assert not any(split_bars.missing(found, i) for i in range(24))


def test_before_sunrise_nothing_was_made_yet() -> None:
    dawn = timegrid.midnight(JUNE, BRUSSELS) + timedelta(hours=5)
    _roof, sources = sunny(JUNE - DAY, JUNE + DAY, dawn)
    empty = replace(of_june(sources, dawn), total=HouseTotal(dawn - DAY, dawn, balance.of(500, 0, 0), 20, 20))
    assert split.sentence(empty) == "The sun has made nothing yet."
    assert parts(split.made(balance.of(500, 0, 0) or balance.Balance())) == {"solar": (0, "")}


def test_without_a_meter_or_an_inverter_there_is_nothing_to_split() -> None:
    grid_only = steady(JUNE, JUNE + DAY)
    asking = asked({"date": "2026-06-15"}, LATER.date())
    assert split.of(house(), grid_only, asking, LATER) is None
    _inverter, source = make_inverter()
    assert split.of(house(), [source], asking, LATER) is None
    found = split.of(house(), [*grid_only, source], asking, LATER)
    assert found is not None
    assert found.balance is None
    assert split.sentence(found) == "Not known: 24 h in which nothing that makes power was read."


def test_while_the_past_is_worked_through_nothing_is_called_lacking() -> None:
    _roof, sources = sunny(JUNE - DAY, JUNE + 2 * DAY)
    Block.objects.filter(source=sources[1], length_s=900).update(state="todo")
    found = of_june(sources)
    assert found.backlog
    assert split.sentence(found).startswith("The past is still being worked through")
    assert split.note(found) == ""
