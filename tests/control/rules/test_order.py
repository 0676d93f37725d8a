"""Rule 4: which rule has the word. Each pair of the order has a case in which both want something."""

from collections.abc import Callable
from itertools import combinations

import pytest

from control.rules.facts import Load, Override, Window
from tests.control.rules.simulated import NOON, House

BY_NAME = {"fuse": 1, "device": 1, "fresh": 2, "override": 3, "times": 4, "peak": 5, "strategy": 6, "mode": 6}


def locked(house: House) -> None:
    house.plugs[1].told["locked"] = "over_temperature"


def fuse_full(house: House) -> None:
    house.grid |= {"fuse_a": 16, "phase_a": (15.0,)}


def stale(house: House) -> None:
    house.grid |= {"fresh": False, "stale": "silent", "stale_s": 31.0}


def person_on(house: House) -> None:
    house.overrides[1] = Override(1.0, house.at + 3600, "Ann")


def person_off(house: House) -> None:
    house.overrides[1] = Override(0.0, house.at + 3600, "Ann")


def blind(house: House) -> None:
    house.overrides[1] = Override(1.0, house.at + 3600, "Ann", blind=True)


def button_off(house: House) -> None:
    house.overrides[1] = Override(0.0, house.at + 3600, "", button=True)


def just_on(house: House) -> None:
    house.switch_on(ago_s=20)


def long_on(house: House) -> None:
    house.switch_on()


def just_off(house: House) -> None:
    house.plugs[1].changed = house.mono - 20


def peak(house: House) -> None:
    """Half of the quarter is over and all of its energy is used; nothing but a load that goes helps."""
    house.at, house.base_w = house.at + 450, 2000
    house.grid |= {"quarter_w": 2400}


def wants_off(house: House) -> None:
    house.loads[1] = load(house.loads[1].kind, Window(0, 1))


def load(kind: str, strategy: Window | None = None) -> Load:
    return Load(1, "it", kind=kind, load_w=1500, rated_w=3000, strategy=strategy or Window(), min_on_s=600, min_off_s=600)


Case = tuple[str, list[Callable[[House], None]], int, str]
CASES: list[tuple[int, int, Case]] = [
    (1, 2, ("ev", [locked, stale], 0, "device")),
    (1, 3, ("ev", [locked, person_on], 0, "device")),
    (1, 3, ("ev", [long_on, fuse_full, person_on], 0, "fuse")),
    (1, 3, ("ev", [fuse_full, person_on], 0, "fuse")),
    (1, 4, ("heat_pump", [just_on, locked], 0, "device")),
    (1, 4, ("heat_pump", [just_on, fuse_full], 0, "fuse")),
    (1, 5, ("ev", [long_on, locked, peak], 0, "device")),
    (1, 6, ("ev", [long_on, locked], 0, "device")),
    (1, 6, ("ev", [long_on, fuse_full], 0, "fuse")),
    (2, 3, ("ev", [long_on, stale, person_on], 0, "fresh")),
    (2, 4, ("heat_pump", [just_on, stale], 0, "fresh")),
    (2, 5, ("ev", [long_on, stale, peak], 0, "fresh")),
    (2, 6, ("ev", [long_on, stale], 0, "fresh")),
    (3, 4, ("other", [just_off, person_on], 1, "override")),
    (3, 4, ("other", [just_on, person_off], 0, "override")),
    (3, 5, ("ev", [long_on, peak, person_on], 1, "override")),
    (3, 6, ("ev", [long_on, person_off], 0, "override")),
    (3, 6, ("ev", [wants_off, person_on], 1, "override")),
    (4, 5, ("pump", [just_on, peak], 1, "strategy")),
    (4, 5, ("other", [just_off, peak], 0, "times")),
    (4, 6, ("ev", [just_on, wants_off], 1, "times")),
    (4, 6, ("ev", [just_off], 0, "times")),
    (5, 6, ("pump", [long_on, peak], 0, "peak")),
    (5, 6, ("ev", [peak], 0, "peak")),
]


def decided(case: Case) -> House:
    kind, conditions, _level, _rule = case
    house = House(load(kind))
    for condition in conditions:
        condition(house)
    house.step()
    if fuse_full in conditions:
        house.step()  # 5 s or two telegrams, whichever is later
    return house


@pytest.mark.parametrize(("before", "after", "case"), CASES)
def test_rule_4_the_earlier_rule_has_the_word(before: int, after: int, case: Case) -> None:
    house = decided(case)
    level, rule = case[2:]
    assert (house.decisions[1].level, house.rule()) == (level, rule)
    if (before, after) != (4, 5):
        assert BY_NAME[rule] == before


def test_rule_4_every_pair_of_the_order_has_a_case() -> None:
    assert {(before, after) for before, after, _ in CASES} == set(combinations(range(1, 7), 2))


@pytest.mark.parametrize(
    "case",
    [
        ("heat_pump", [just_off, person_on], 0, "times"),
        ("heat_pump", [just_off, blind], 0, "times"),
        ("heat_pump", [just_off], 0, "times"),
        ("heat_pump", [just_off, blind, stale], 0, "times"),
    ],
)
def test_rule_4_nothing_breaks_a_compressors_minimum_off(case: Case) -> None:
    house = decided(case)
    assert (house.decisions[1].level, house.rule(), house.code()) == (0, "times", "min_off")
    house.run(570)
    assert not house.is_on()
    house.run(30)
    assert house.is_on()


@pytest.mark.parametrize(
    "case",
    [
        ("heat_pump", [just_on, peak], 1, "strategy"),
        ("pump", [just_on, peak], 1, "strategy"),
        ("other", [just_on, peak], 1, "strategy"),
        ("ev", [just_on, peak], 0, "peak"),
        ("boiler", [just_on, peak], 0, "peak"),
    ],
)
def test_rule_4_the_month_peak_breaks_a_minimum_on_of_cars_and_resistive_loads_alone(case: Case) -> None:
    house = decided(case)
    assert (house.decisions[1].level, house.rule()) == case[2:]


def test_rule_4_a_compressors_minimum_on_is_kept_from_a_person_on_the_page_and_never_fought_at_the_device() -> None:
    on_the_page = decided(("heat_pump", [just_on, person_off], 1, "times"))
    assert on_the_page.is_on() and on_the_page.code() == "min_on"
    assert on_the_page.decisions[1].rejected[0].said.code == "override_off"
    at_the_device = decided(("heat_pump", [just_on, button_off], 0, "override"))
    assert not at_the_device.is_on() and at_the_device.code() == "button_off"


def test_rule_2_a_named_persons_blind_override_needs_no_telegram() -> None:
    house = decided(("ev", [stale, blind], 1, "override"))
    decision = house.decisions[1]
    assert (decision.level, decision.blind, decision.said.code) == (1.0, True, "override_blind")
    assert decision.said.params["by"] == "Ann"
    assert decision.may_lease


def test_rule_2_a_house_without_a_meter_runs_what_its_owner_allowed() -> None:
    house = House(load("other"))
    house.grid = {"exists": False, "fresh": False, "net_w": None}
    house.step()
    assert house.code() == "no_meter" and not house.decisions[1].may_lease
    house.loads[1] = Load(1, "it", load_w=1500, strategy=Window(), blind=True)
    house.step()
    assert house.is_on() and house.decisions[1].blind
    house.loads[1] = Load(1, "it", load_w=1500, blind=True)
    house.step()
    assert not house.is_on(), "the sun needs a meter"


def test_rule_2_a_blind_controller_is_not_blind_in_a_house_with_a_meter() -> None:
    house = House(Load(1, "it", load_w=1500, strategy=Window(), blind=True))
    house.grid = {"fresh": False, "stale": "frozen", "stale_s": 40.0}
    house.step()
    assert (house.rule(), house.decisions[1].may_lease) == ("fresh", False)
    assert house.decisions[1].said.params == {"why": "frozen", "since_s": 40}


def test_rule_2_no_lease_is_renewed_on_a_stale_snapshot_whichever_rule_decides() -> None:
    house = decided(("ev", [long_on, locked, stale], 0, "device"))
    assert not house.decisions[1].may_lease


def test_rule_7_an_override_ends_when_it_was_said_to() -> None:
    house = House(load("other", Window(0, 1)), at=NOON)
    house.overrides[1] = Override(1.0, house.at + 700, "Ann")
    house.run(700)
    assert house.is_on()
    house.step()
    assert not house.is_on()


def test_what_the_other_rules_wanted_is_kept_beside_the_decision() -> None:
    house = decided(("ev", [long_on, stale, person_on], 0, "fresh"))
    assert [(one.rule, one.level, one.said.code) for one in house.decisions[1].rejected] == [
        ("override", 1.0, "override_on"),
        ("strategy", 1.0, "window_open"),
    ]


@pytest.mark.parametrize(("mode", "on"), [("on", True), ("off", False)])
def test_a_mode_is_a_wish_like_a_strategys_and_the_guard_comes_before_it(mode: str, on: bool) -> None:
    asked = Load(1, "it", kind="ev", load_w=1500, rated_w=3000, strategy=Window(0, 1) if on else Window(), mode=mode)
    house = House(asked)
    house.step()
    assert (house.is_on(), house.rule(), house.code()) == (on, "mode", f"mode_{mode}")
    peak(house)
    house.step()
    assert not house.is_on()
