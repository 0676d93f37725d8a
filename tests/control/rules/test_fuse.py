"""Rule 6: the main fuse."""

import pytest

from control.rules.facts import Grid, Load, Window
from control.rules.guard import fuse
from tests.control.rules.simulated import House


def house_of(*watts: int, **grid: object) -> House:
    loads = [
        Load(number, f"load {number}", kind="other", priority=number, load_w=w, rated_w=9000, strategy=Window(), min_on_s=0, min_off_s=0)
        for number, w in enumerate(watts, 1)
    ]
    house = House(*loads, base_w=0)
    house.grid = {"fuse_a": 40, "connection": "1x230", "limit_w": 20_000} | grid
    for load in loads:
        house.switch_on(load.id)
    return house


def test_rule_6_90_percent_for_two_telegrams_takes_the_last_in_priority() -> None:
    house = house_of(2000, 2000, phase_a=(36.5,))
    house.step()
    assert house.is_on(1) and house.is_on(2), "one telegram is no reason"
    house.step()
    assert house.is_on(1) and not house.is_on(2)
    assert (house.rule(2), house.code(2)) == ("fuse", "fuse")


def test_rule_6_five_seconds_where_the_telegrams_come_faster() -> None:
    house = house_of(2000, phase_a=(39.0,))
    for _ in range(5):
        house.step(1)
        assert house.is_on()
    house.step(1)
    assert not house.is_on()


def test_rule_6_below_90_percent_nothing_happens() -> None:
    house = house_of(2000, phase_a=(35.9,))
    house.run(600)
    assert house.is_on()


def test_rule_6_what_went_rests_and_comes_back_only_where_it_fits() -> None:
    house = house_of(2000, phase_a=(37.0,))
    house.run(20)
    assert not house.is_on()
    house.grid["phase_a"] = (30.0,)
    house.run(300)
    assert not house.is_on() and house.code() == "fuse_no_room", "30 A and 8.7 A of it are more than 36"
    house.grid["phase_a"] = (20.0,)
    house.run(20)
    assert house.is_on()


def test_rule_6_as_many_as_it_takes() -> None:
    house = house_of(1000, 1000, 1000, phase_a=(44.0,))  # 8 A too many: 1,840 W
    house.run(20)
    assert [house.is_on(number) for number in (1, 2, 3)] == [True, False, False]


@pytest.mark.parametrize(
    ("grid", "amps", "code"),
    [
        (Grid(net_w=4600), 20.0, "fuse_not_set"),
        (Grid(net_w=4600, fuse_a=40), 20.0, "fuse_guarded"),
        (Grid(net_w=-4600, fuse_a=40), 0.0, "fuse_guarded"),
        (Grid(net_w=3000, fuse_a=25, connection="3x400+N", phase_a=(3.0, 9.0, 1.0)), 9.0, "fuse_guarded"),
        (Grid(net_w=3000, fuse_a=25, connection="3x400+N", phase_a=(3.0, 9.0, 1.0), phase_w=(600, -2000, 200)), 3.0, "fuse_guarded"),
        (Grid(net_w=3000, fuse_a=25, connection="3x400+N", phase_w=(460, 2300, 0)), 10.0, "fuse_guarded"),
        (Grid(net_w=3000, fuse_a=25, connection="3x400+N"), None, "fuse_untold"),
        # 3x230: L2 is not shown, and lies within I1 + I3.
        (Grid(net_w=5000, fuse_a=25, connection="3x230", phase_a=(9.0, None, 8.0)), 17.0, "fuse_estimated"),
        (Grid(net_w=5000, fuse_a=25, connection="3x230", phase_a=(9.0, 0.0, 8.0)), 17.0, "fuse_estimated"),
        (Grid(net_w=-5000, fuse_a=25, connection="3x230", phase_a=(9.0, 0.0, 8.0)), 0.0, "fuse_estimated"),
    ],
)
def test_rule_6_what_the_fuse_carries_and_how_it_is_told(grid: Grid, amps: float | None, code: str) -> None:
    assert fuse.amps(grid) == amps
    assert fuse.told(grid).code == code


def test_rule_6_a_fuse_that_is_not_set_guards_nothing_and_says_so() -> None:
    house = house_of(2000, fuse_a=None, phase_a=(90.0,))
    house.run(60)
    assert house.is_on() and fuse.told(house.snapshot().grid).code == "fuse_not_set"


def test_rule_9_a_load_above_its_outputs_rating_is_never_on() -> None:
    house = House(Load(1, "it", load_w=2500, rated_w=1800, strategy=Window(), min_off_s=0))
    house.run(60)
    assert (house.rule(), house.code(), house.is_on()) == ("device", "over_rating", False)


def test_rule_13_an_enable_contact_carries_no_load() -> None:
    house = House(Load(1, "it", kind="heat_pump", load_w=1500, rated_w=10, strategy=Window(), min_off_s=0))
    house.step()
    assert house.is_on()
