"""What each strategy wants, and what it says."""

import pytest

from control.rules import localtime
from control.rules.facts import Budget, Condition, Departure, Load, Plan, Signal, Threshold, Window
from tests.control.rules.simulated import NOON, House

ZONE = "Europe/Brussels"


def sun(**given: object) -> Load:
    return Load(**{"id": 1, "name": "car", "kind": "ev", "load_w": 1500, "rated_w": 3000} | given)  # type: ignore[arg-type]


def of_threshold(**given: int) -> Load:
    rule = Threshold(**{"average_s": 60, "upper_w": 1200, "deadband_w": 600, "min_change_s": 60} | given)
    return sun(strategy=rule, min_on_s=0, min_off_s=0)


def test_the_mean_surplus_from_the_upper_threshold_on_switches_on() -> None:
    house = House(of_threshold(), base_w=-1100)
    house.run(300)
    assert not house.is_on() and house.code() == "surplus_short"
    house.base_w = -1300
    house.run(20)
    assert not house.is_on()
    house.step()
    assert house.is_on() and house.decisions[1].said.params == {"surplus_w": 1200, "above_w": 1200, "for_s": 60}


def test_off_only_below_the_threshold_less_the_deadband_with_the_loads_own_power_counted() -> None:
    house = House(of_threshold(), base_w=-1300)
    house.run(120)
    house.base_w = -601  # the meter shows an import of 899 W now: 1,500 W of it are the load's
    house.run(600)
    assert house.is_on() and house.code() == "surplus_stays"
    house.base_w = -590
    house.step()
    assert not house.is_on()
    assert house.decisions[1].said.params == {"surplus_w": 599, "below_w": 600, "for_s": 60}


def test_a_spike_shorter_than_the_mean_switches_nothing() -> None:
    house = House(of_threshold(average_s=300), base_w=-200)
    house.run(600)
    house.base_w = -3000
    house.step()
    house.base_w = -200
    house.run(600)
    assert house.plugs[1].switches == 0


def test_changes_are_as_far_apart_as_was_asked() -> None:
    house = House(of_threshold(min_change_s=600), base_w=-2000)
    house.run(100)
    assert house.is_on()
    house.base_w = 500
    house.run(200)
    assert house.is_on() and house.code() == "change_waits"
    assert house.decisions[1].next_at == pytest.approx(house.at - 10 + float(house.decisions[1].said.params["wait_s"]), abs=1)
    house.run(400)
    assert not house.is_on()


def test_a_mean_of_too_little_time_is_none() -> None:
    house = House(of_threshold(average_s=300), base_w=-3000)
    house.run(200)
    assert not house.is_on() and house.code() == "averaging"


def test_a_budget_starts_by_energy_and_a_short_hole_in_the_clouds_starts_nothing() -> None:
    house = House(sun(strategy=Budget(start_wh=60), min_on_s=0, min_off_s=0), base_w=-300)
    house.run(600)
    house.base_w = -3300
    house.run(60)  # about 30 Wh more than the load needs
    assert not house.is_on() and house.code() == "collecting"
    house.base_w = -300
    house.run(300)
    assert house.plugs[1].switches == 0
    house.base_w = -3300
    house.run(300)
    assert house.is_on()


def test_a_budget_outlasts_a_cloud_and_stops_when_it_borrowed_enough() -> None:
    house = House(sun(strategy=Budget(start_wh=30, borrow_wh=200), min_on_s=0, min_off_s=0), base_w=-2500)
    house.run(600)
    assert house.is_on()
    house.base_w = 0
    house.run(60)
    assert house.is_on() and house.code() == "borrowing"
    house.run(900)
    assert not house.is_on()
    assert house.plugs[1].switches == 2


def test_the_switches_of_a_day_leave_one_for_the_end() -> None:
    house = House(sun(switches_a_day=4), base_w=-5000)
    house.plugs[1].switches = 3
    house.run(3600)
    assert not house.is_on() and house.code() == "switches_used"
    house.plugs[1].switches = 2
    house.run(60)
    assert house.is_on()


def test_it_thinks_once_a_period_and_its_last_wish_stands_between() -> None:
    load = sun(strategy=Window(0, 1440), period_s=600, min_on_s=0, min_off_s=0)
    house = House(load, at=NOON + 5)
    house.run(20)
    assert house.is_on()
    house.loads[1] = sun(strategy=Window(1, 2), period_s=600, min_on_s=0, min_off_s=0)
    house.run(300)
    assert house.is_on(), "the same kind of strategy: asked again with its next slot"
    house.run(300)
    assert not house.is_on()


@pytest.mark.parametrize(
    ("rule", "clock", "on", "next_at"),
    [
        (Window(600, 840), "2026-06-18 09:59", False, "2026-06-18 10:00"),
        (Window(600, 840), "2026-06-18 10:00", True, "2026-06-18 14:00"),
        (Window(600, 840), "2026-06-18 14:00", False, "2026-06-19 10:00"),
        (Window(1380, 420), "2026-06-18 06:59", True, "2026-06-18 07:00"),
        (Window(1380, 420, frozenset({3})), "2026-06-18 06:59", True, "2026-06-18 07:00"),  # begun on Wednesday
        (Window(1380, 420, frozenset({4})), "2026-06-18 06:59", False, "2026-06-18 23:00"),
        (Window(0, 0), "2026-06-18 12:00", True, "2026-06-19 00:00"),  # all day
        (Window(60, 240), "2026-10-25 02:30", True, "2026-10-25 04:00"),  # an hour comes twice: five hours of clock, four of the wall
        (Window(600, 840, frozenset()), "2026-06-18 12:00", False, None),
    ],
)
def test_hours_are_the_houses_own_clocks(rule: Window, clock: str, on: bool, next_at: str | None) -> None:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    def epoch(text: str) -> float:
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).timestamp()

    house = House(sun(strategy=rule, min_on_s=0, min_off_s=0), at=epoch(clock))
    decision = house.step()[1]
    assert (decision.level > 0, decision.next_at) == (on, None if next_at is None else epoch(next_at))


def test_the_local_day_and_minute_are_right_on_days_of_23_and_25_hours() -> None:
    spring = localtime.day_number(1_774_742_400.0, ZONE)  # 2026-03-29 00:00 UTC
    assert localtime.epoch(spring + 1, 0, ZONE) - localtime.epoch(spring, 0, ZONE) == 23 * 3600
    assert localtime.weekday(spring) == 7
    assert localtime.minute(localtime.epoch(spring, 200, ZONE), ZONE) == 200
    assert localtime.epoch(spring, 1440, ZONE) == localtime.epoch(spring + 1, 0, ZONE)


@pytest.mark.parametrize(
    ("above", "steps"), [(True, [(2.9, 0), (3.1, 1), (2.6, 1), (2.4, 0), (2.9, 0)]), (False, [(3.1, 0), (2.9, 1), (3.4, 1), (3.6, 0)])]
)
def test_an_analog_value_switches_with_its_hysteresis(above: bool, steps: list[tuple[float, int]]) -> None:
    house = House(sun(strategy=Condition(7, above, 3.0, 0.5), min_on_s=0, min_off_s=0))
    found = []
    for value, _ in steps:
        house.signals[7] = Signal(value, 1.0)
        found.append((value, int(house.step()[1].level)))
    assert found == steps


def test_an_old_analog_value_is_none() -> None:
    house = House(sun(strategy=Condition(7, True, 3.0), min_on_s=0, min_off_s=0))
    house.signals[7] = Signal(9.0, 1.0)
    house.step()
    assert house.is_on()
    house.signals[7] = Signal(9.0, 301.0)
    house.step()
    assert not house.is_on() and house.code() == "signal_old"
    house.signals.clear()
    house.step()
    assert house.code() == "signal_missing"


def test_a_battery_that_nobody_reads_makes_the_surplus_unknown_not_wrong() -> None:
    """Rule 13."""
    house = House(sun(), base_w=-5000)
    house.more = {"battery_unread": True}
    house.run(1200)
    assert not house.is_on() and house.code() == "battery_unread"


@pytest.mark.parametrize(("battery_first", "on"), [(True, False), (False, True)])
def test_what_charges_the_battery_is_no_surplus_unless_the_owner_said_so(battery_first: bool, on: bool) -> None:
    """Rule 13: battery first by default."""
    house = House(sun(battery_first=battery_first), base_w=0)
    house.more = {"battery_w": -3000}
    house.run(1200)
    assert house.is_on() is on


def test_what_a_battery_gives_is_no_sun() -> None:
    """Rule 13."""
    house = House(sun(), base_w=0)
    house.switch_on()
    house.more = {"battery_w": 1500}
    house.grid = {"net_w": 0}  # it follows the load
    house.run(1200)
    assert not house.is_on()


def night(**given: object) -> Load:
    """A car that needs its kWh by 07:30 local time on Friday."""
    plan = Plan((Departure(5, 450, float(given.pop("kwh", 6))),))  # type: ignore[arg-type]
    return sun(**{"strategy": plan, "load_w": 2000, "min_on_s": 60, "min_off_s": 60} | given)


MIDNIGHT = NOON + 10 * 3600  # in Brussels
BY = MIDNIGHT + 7.5 * 3600


def test_a_plan_waits_until_its_latest_start_and_makes_its_departure() -> None:
    house = House(night(), at=MIDNIGHT - 6 * 3600, base_w=200)
    first = house.step(60)[1]
    assert first.level == 0 and first.said.code == "plan_waits"
    start = float(first.said.params["start_at"])
    assert BY - 6000 / 2000 * 3600 * 1.5 < start < BY - 6000 / 2000 * 3600
    while house.at < start - 600:
        house.step(60)
        assert not house.is_on()
    while house.at < BY - 60:
        house.step(60)
    assert house.memory.loads[1].delivered_wh >= 6000
    assert house.code() == "plan_done"


def test_a_plan_takes_the_sun_while_there_is_time() -> None:
    house = House(night(), base_w=-3000)
    house.run(1200)
    assert house.is_on() and house.code() == "plan_sun"


def test_a_plan_says_early_and_honestly_what_does_not_fit_below_the_month_peak() -> None:
    """14 kWh by 07:30 do not fit: only so many without raising the peak, and what was said comes true."""
    house = House(night(kwh=14), at=BY - 6 * 3600, base_w=1000)
    house.step(60)
    said = house.decisions[1].said
    assert said.code == "plan_short" and said.params["kwh"] == 14.0
    promised = float(said.params["got"])
    quarter_ws = worst_w = 0.0
    while house.at < BY - 60:
        if house.at % 900 == 0:
            worst_w, quarter_ws = max(worst_w, quarter_ws / 900), 0.0
        house.step()
        quarter_ws += (house.base_w + 2000 * house.is_on()) * 10
    assert worst_w <= 2500
    assert house.memory.loads[1].delivered_wh / 1000 == pytest.approx(promised, rel=0.12)


def test_a_plan_that_is_late_says_so_and_blames_no_peak() -> None:
    house = House(night(kwh=14), at=BY - 1800, base_w=0)
    house.step(60)
    assert house.decisions[1].said.code == "plan_late"


def test_a_plan_that_may_raises_the_peak_only_as_far_as_it_has_to_and_shows_the_cost() -> None:
    """Rule 5: only to make the departure."""
    house = House(night(kwh=9, peak="departure"), at=BY - 5 * 3600, base_w=1500)
    house.grid = {"peak_eur_kw": 4.0}
    house.step(60)
    said = house.decisions[1].said
    assert said.code == "plan_raises_eur"
    to_w = float(said.params["to_w"])
    assert 3300 <= to_w <= 3700
    assert said.params["cost_eur"] == pytest.approx((to_w - 2500) / 1000 * 4.0, abs=0.01)
    while house.at < BY - 60:
        house.step()
    assert house.memory.loads[1].delivered_wh >= 8900


def test_what_went_in_counts_from_the_last_departure() -> None:
    house = House(night(), at=BY - 600, base_w=0)
    house.switch_on()
    house.step()
    house.memory.loads[1].delivered_wh = 5900.0
    house.run(700)
    assert house.memory.loads[1].delivered_wh < 300
    assert house.memory.loads[1].plan_by_at > BY


def test_a_plan_without_a_departure_lives_on_the_sun() -> None:
    house = House(sun(strategy=Plan()), base_w=100)
    house.step()
    assert house.code() == "plan_none"
    house.base_w = -4000
    house.run(1200)
    assert house.is_on()
