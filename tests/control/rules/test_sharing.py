"""Rule 13: several loads, one surplus."""

from control.rules.facts import Budget, Load, Window
from tests.control.rules.simulated import House


def load(number: int, load_w: int, **given: object) -> Load:
    rule = Budget(start_wh=20, borrow_wh=60)
    plain = {"kind": "ev", "priority": number, "rated_w": 9000, "strategy": rule, "min_on_s": 0, "min_off_s": 0}
    return Load(number, f"load {number}", load_w=load_w, **(plain | given))  # type: ignore[arg-type]


def test_who_comes_first_gets_the_sun_first_and_what_is_left_goes_to_the_next() -> None:
    house = House(load(1, 2000), load(2, 1000), base_w=-2400)
    house.run(1800)
    assert house.is_on(1) and not house.is_on(2)
    assert (house.decisions[2].surplus_w, house.decisions[2].reserved_w) == (400, 2000)
    house.base_w = -3300
    house.run(1800)
    assert house.is_on(1) and house.is_on(2)
    assert (house.decisions[1].surplus_w, house.decisions[2].surplus_w) == (3300, 1300)


def test_the_first_takes_the_sun_from_those_behind_it() -> None:
    house = House(load(1, 2000), load(2, 1000), base_w=-1500)
    house.run(1800)
    assert not house.is_on(1) and house.is_on(2)
    house.base_w = -2400  # enough for the first once the second one goes
    house.run(1800)
    assert house.is_on(1) and not house.is_on(2)


def test_the_surplus_is_never_promised_twice() -> None:
    """Two alike, and sun for one: whichever the clouds do, they never both run on it for longer than what they may borrow."""
    house = House(load(1, 1500), load(2, 1500), base_w=-1700)
    both_s = 0
    for minute in range(240):
        house.base_w = -1700 if minute % 7 else -200
        for _ in range(6):
            house.step()
            both_s += 10 * (house.is_on(1) and house.is_on(2))
    assert both_s == 0
    assert house.plugs[1].switches > 0


def test_a_satisfied_load_leaves_its_sun_to_the_next_and_takes_it_back() -> None:
    house = House(load(1, 2000), load(2, 1000), base_w=-2400)
    house.run(900)
    house.plugs[1].draws_w = 20
    house.run(900)
    assert house.is_on(1) and house.is_on(2)
    house.plugs[1].draws_w = 2000
    house.run(900)
    assert house.is_on(1) and not house.is_on(2)


def test_a_load_in_dry_run_sees_what_the_real_ones_leave_and_takes_nothing_from_them() -> None:
    house = House(load(1, 2000, dry_run=True), load(2, 1000), base_w=-2400)
    house.run(1800)
    assert house.decisions[1].level == 1.0 and house.plugs[1].level == 0
    assert house.is_on(2) and house.decisions[2].reserved_w == 0
    house.base_w = -1100
    house.run(1800)
    assert house.decisions[1].level == 0.0 and house.is_on(2)


def test_loads_in_dry_run_share_among_themselves() -> None:
    house = House(load(1, 2000, dry_run=True), load(2, 1000, dry_run=True), base_w=-2400)
    house.run(1800)
    assert (house.decisions[1].level, house.decisions[2].level) == (1.0, 0.0)


def test_a_load_in_dry_run_decides_as_a_real_one_would_on_the_same_sun() -> None:
    dry, real = House(load(1, 2000, dry_run=True), base_w=0), House(load(1, 2000), base_w=0)
    for minute in range(300):
        sun_w = 3500 if (minute // 11) % 3 else 900
        for house in (dry, real):
            house.base_w = -sun_w
            house.run(60)
        assert (dry.decisions[1].level, dry.code()) == (real.decisions[1].level, real.code()), minute
    assert real.plugs[1].switches > 4


def test_what_runs_by_the_clock_or_by_a_person_is_the_houses_own_use() -> None:
    house = House(load(1, 2000, strategy=Window()), load(2, 1000), base_w=-2400)
    house.run(900)
    assert house.is_on(1) and not house.is_on(2) and house.decisions[2].reserved_w == 0
    house.loads[1] = load(1, 2000, mode="on")
    house.run(900)
    assert house.decisions[2].surplus_w == 400
