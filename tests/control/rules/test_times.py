"""Rule 8 and the minimum times."""

import pytest

from control.rules.facts import Load, Override, Threshold, Window
from control.rules.guard.times import stagger_s
from control.rules.memory import Memory
from tests.control.rules.simulated import LONG, House


def load(kind: str = "other", number: int = 1, **given: object) -> Load:
    return Load(number, "it", kind=kind, load_w=1000, **({"strategy": Window(), "min_on_s": 300, "min_off_s": 300} | given))  # type: ignore[arg-type]


def first_on_s(house: House) -> int:
    for seconds in range(0, 4000, 10):
        house.step()
        if house.is_on():
            return seconds
    raise AssertionError("it never came on")


def test_rule_8_after_a_start_it_is_off_and_waits_a_minute_and_its_stagger() -> None:
    house = House(load(), started=0.0)
    house.step()
    assert (house.is_on(), house.rule(), house.code()) == (False, "times", "starting")
    assert house.decisions[1].next_at == pytest.approx(house.at - 10 + 60 + stagger_s(1, 0.0))
    again = House(load(), started=0.0)
    assert 60 + stagger_s(1, 0.0) <= first_on_s(again) < 70 + stagger_s(1, 0.0)


def test_rule_8_a_long_mean_is_waited_for() -> None:
    rule = Threshold(average_s=600, upper_w=500, min_change_s=0)
    house = House(load(strategy=rule), started=0.0, base_w=-3000)
    assert 600 + stagger_s(1, 0.0) <= first_on_s(house) < 610 + stagger_s(1, 0.0)


def test_rule_8_the_rest_of_the_minimum_off_is_waited_for() -> None:
    house = House(load(min_off_s=1200), started=0.0)
    house.plugs[1].changed = 3.0  # the holder made it safe at the start
    assert 1203 + stagger_s(1, 0.0) <= first_on_s(house) < 1220 + stagger_s(1, 0.0)


def test_rule_8_loads_do_not_come_back_all_at_once() -> None:
    waits = {stagger_s(number, started) for number in range(1, 31) for started in (0.0, 1234.5)}
    assert min(waits) >= 0 and max(waits) <= 300
    assert len(waits) > 40
    assert max(waits) - min(waits) > 200


def test_rule_8_an_override_skips_the_wait_except_a_compressors_minimum_off() -> None:
    house = House(load(), started=0.0)
    house.overrides[1] = Override(1.0, house.at + 3600, "Ann")
    house.step()
    assert house.is_on()
    pump = House(load("heat_pump", min_off_s=1200), started=0.0)
    pump.plugs[1].changed = -100.0
    pump.overrides[1] = Override(1.0, pump.at + 3600, "Ann")
    assert 1100 <= first_on_s(pump) < 1120


def test_rule_8_a_compressor_whose_last_switch_nobody_knows_counts_from_the_start() -> None:
    house = House(load("heat_pump", min_off_s=1200), started=0.0)
    house.plugs[1].changed = float("-inf")
    house.overrides[1] = Override(1.0, house.at + 7200, "Ann")
    assert 1200 <= first_on_s(house) < 1210


def test_minimum_on_and_off_are_kept() -> None:
    house = House(load(min_on_s=600, min_off_s=400))
    house.step()
    assert house.is_on()
    house.loads[1] = load(strategy=Window(0, 1), min_on_s=600, min_off_s=400)
    house.run(590)
    assert house.is_on() and house.code() == "min_on"
    house.step()
    assert not house.is_on()
    house.loads[1] = load(min_on_s=600, min_off_s=400)
    house.run(390)
    assert not house.is_on() and house.code() == "min_off"
    house.step()
    assert house.is_on()


def test_what_lasts_survives_a_start_and_what_was_measured_by_this_clock_does_not() -> None:
    house = House(load())
    house.run(3700)
    house.memory.loads[1].delivered_wh = 4321.0
    house.memory.loads[1].locked = "stuck"
    kept = Memory.of_json(house.memory.to_json())
    assert kept == house.memory
    after = kept.restarted(5.0)
    assert (after.loads[1].delivered_wh, after.loads[1].locked) == (4321.0, "stuck")
    assert (after.loads[1].changed_mono, after.loads[1].wish, after.started_mono, after.mono) == (None, None, 5.0, None)
    assert after.base_w == kept.base_w != Memory.fresh(0).base_w


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"loads": {"a": {}}, "base_w": []}', '{"loads": {}, "base_w": [1]}', '{"loads": [], "base_w": 3}']
)
def test_what_is_no_memory_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Memory.of_json(text)


def test_a_memory_of_another_version_is_read_as_far_as_it_is_known() -> None:
    memory = Memory.fresh(1.0)
    text = memory.to_json().replace('"started_mono":1.0', '"started_mono":1.0,"unheard_of":3')
    assert Memory.of_json(text) == memory


def test_a_step_leaves_the_memory_it_was_given_as_it_was() -> None:
    house = House(load())
    house.run(100)
    before, text = house.memory, house.memory.to_json()
    house.run(100)
    assert before.to_json() == text


def test_a_step_after_a_long_pause_counts_nothing_of_it() -> None:
    house = House(load(strategy=Threshold(60, 500, 100, 0), min_on_s=0, min_off_s=0), base_w=-3000)
    house.run(100)
    house.mono += LONG
    house.at += LONG
    house.base_w = 0
    house.step()
    assert house.memory.loads[1].sum_s == 0
