"""Rules 9, 10 and 13: did it switch, and what it means when it did not."""

from dataclasses import replace

import pytest

from control.rules.facts import Load, Window
from tests.control.rules.simulated import House


def load(kind: str = "ev", **given: object) -> Load:
    plain = {"name": "it", "load_w": 2000, "rated_w": 3000, "strategy": Window(), "min_on_s": 60, "min_off_s": 60}
    return Load(**({"id": 1, "kind": kind} | plain | given))  # type: ignore[arg-type]


def codes(house: House) -> list[str]:
    return [alarm.code for alarm in house.alarms]


def test_rule_10_off_and_drawing_for_a_minute_is_a_contact_that_may_be_stuck() -> None:
    house = House(load(strategy=Window(0, 1)))
    house.plugs[1].told["power_w"] = 60
    house.run(60)
    assert house.alarms == []
    house.step()
    assert (house.code(), codes(house)) == ("stuck", ["stuck"]) and house.alarms[0].urgent
    house.loads[1] = load()
    house.plugs[1].told.clear()
    house.run(3600)
    assert house.plugs[1].switches == 0, "no more cycling"
    house.loads[1] = load(release=1)
    house.run(60)
    assert house.is_on(), "a person released it"


@pytest.mark.parametrize("told", [{"power_w": 50}, {"power_w": 900, "read": 1.0}, {"power_w": 900, "paused": True}, {"power_w": None}])
def test_rule_10_what_is_no_stuck_contact(told: dict[str, object]) -> None:
    """A stand-by power, a person who switched it on at the device, and what cannot be measured."""
    house = House(load(strategy=Window(0, 1)))
    house.plugs[1].told |= told
    house.run(600)
    assert codes(house) == [] and house.code() != "stuck"


def test_rule_10_a_device_that_says_off_and_draws_is_stuck_whatever_it_says() -> None:
    house = House(load(strategy=Window(0, 1)))
    house.plugs[1].told |= {"read": 0.0, "power_w": 1900}
    house.run(70)
    assert house.code() == "stuck"


def test_rule_9_more_than_the_output_bears_locks_it() -> None:
    house = House(load())
    house.plugs[1].draws_w = 3400
    house.run(30)
    assert not house.is_on() and (house.rule(), house.code()) == ("device", "overload")
    house.run(600)
    assert not house.is_on() and set(codes(house)) == {"overload"}
    house.plugs[1].draws_w = 2000
    house.loads[1] = load(release=1)
    house.run(70)
    assert house.is_on()


def test_rule_9_a_start_current_locks_nothing() -> None:
    house = House(load())
    house.plugs[1].draws_w = 9000
    house.run(20)
    house.plugs[1].draws_w = 2000
    house.run(60)
    assert house.is_on() and house.alarms == []


def test_rule_9_what_the_holder_locked_stays_off() -> None:
    house = House(load())
    house.plugs[1].told["locked"] = "over_temperature"
    house.step()
    assert (house.code(), house.decisions[1].said.params) == ("locked", {"why": "over_temperature"})


def test_an_unreachable_device_is_given_half_a_minute_and_then_left_off() -> None:
    house = House(load())
    house.run(120)
    house.plugs[1].told["reachable"] = False
    house.run(30)
    assert house.is_on()
    house.step()
    assert (house.rule(), house.code()) == ("device", "unreachable")


def test_a_holder_that_tells_nothing_leaves_everything_off() -> None:
    house = House(load())
    house.run(120)
    house.plugs[1].told["told_s"] = 31.0
    house.step()
    assert house.code() == "holder_silent_for"
    del house.plugs[1]
    snapshot = house.snapshot()
    assert snapshot.devices == {}
    house.plugs = {}
    from control.rules.step import step

    decision = step(snapshot, list(house.loads.values()), house.memory).decisions[0]
    assert (decision.level, decision.said.code) == (0.0, "holder_silent")


@pytest.mark.parametrize(("kind", "draws_w", "after_s"), [("ev", 99, 300), ("boiler", 199, 120), ("pump", 100, 120)])
def test_rule_13_on_and_drawing_next_to_nothing_is_satisfied_and_no_fault(kind: str, draws_w: int, after_s: int) -> None:
    """An electric car below 100 W for 5 minutes, a boiler below 10 % for 2."""
    house = House(load(kind))
    house.run(600)
    house.plugs[1].draws_w = draws_w
    house.run(after_s)
    assert house.memory.loads[1].idle_at is None
    house.run(20)
    assert house.memory.loads[1].idle_at is not None
    assert house.is_on() and house.alarms == []
    house.plugs[1].draws_w = 2000
    house.run(20)
    assert house.memory.loads[1].idle_at is None, "it is back: a car that came home charges at once"


def test_rule_10_what_took_nothing_is_tried_again_after_half_an_hour() -> None:
    house = House(load())
    house.plugs[1].draws_w = 0
    house.run(330)
    found_at = house.at
    house.loads[1] = load(strategy=Window(0, 1))
    house.run(60)
    assert not house.is_on()
    house.loads[1] = load()
    house.run(600)
    assert not house.is_on() and house.code() == "took_nothing"
    while not house.is_on():
        house.step()
    assert 1740 <= house.at - found_at <= 1820


def test_rule_10_where_only_the_meter_tells_it_has_to_move_by_forty_percent_within_twenty_seconds() -> None:
    def of(draws_w: int) -> House:
        house = House(load())
        house.plugs[1].told["power_w"] = None
        house.run(600)
        house.plugs[1].draws_w = draws_w
        house.loads[1] = load(strategy=Window(0, 1))
        house.run(100)
        house.loads[1] = load()
        house.run(60)
        assert house.is_on()
        return house

    assert of(900).memory.loads[1].idle_at is None
    assert of(700).memory.loads[1].idle_at is not None


def test_rule_13_a_boiler_that_is_not_heated_to_its_end_for_a_week_is_told() -> None:
    house = House(load("boiler", strategy=Window(0, 1)))
    house.step()
    for _ in range(6):
        house.at, house.mono = house.at + 86_400, house.mono + 86_400
        house.step()
    assert house.alarms == []
    house.at, house.mono = house.at + 86_400, house.mono + 86_400
    house.step()
    assert [(alarm.code, alarm.params["days"], alarm.urgent) for alarm in house.alarms] == [("not_heated", 7, False)]
    house.loads[1] = load("boiler")
    house.run(600)
    house.plugs[1].draws_w = 0  # its thermostat opened: it is hot
    house.run(300)
    house.alarms.clear()
    house.step()
    assert house.alarms == []


def test_rule_13_a_boiler_that_was_never_heated_is_not_hot_because_it_draws_nothing() -> None:
    house = House(load("boiler"))
    house.memory = replace(house.memory)
    house.plugs[1].draws_w = 0
    house.step()
    first = house.memory.loads[1].full_at
    house.run(600)
    assert house.memory.loads[1].full_at == first
