"""Several units of one address as one."""

import pytest

from solar.production import Condition, Production, Unit, condition_of, summed


def part(power_w: int | None, condition: Condition = Condition.PRODUCING, **fields: object) -> Production:
    return Production(power_w, condition, **fields)  # type: ignore[arg-type]


def test_powers_and_counters_are_summed_and_the_units_kept() -> None:
    one, two = (part(watts, total_wh=watts, day_wh=1, units=(Unit(str(watts), watts, watts),)) for watts in (1, 20))
    found = summed([one, two])
    assert (found.power_w, found.total_wh, found.day_wh) == (21, 21, 2)
    assert [unit.name for unit in found.units] == ["1", "20"]


def test_a_sum_that_lacks_a_part_is_unknown() -> None:
    found = summed([part(100, total_wh=5), part(None, total_wh=None)])
    assert (found.power_w, found.total_wh) == (None, None)


def test_who_is_asleep_and_tells_no_power_lacks_none() -> None:
    assert summed([part(100), part(None, Condition.ASLEEP)]).power_w == 100
    assert summed([part(None, Condition.ASLEEP), part(None, Condition.ASLEEP)]).power_w is None


def test_a_battery_is_summed_over_those_that_have_one() -> None:
    found = summed([part(1, battery_w=-200, battery_pct=50.0), part(1), part(1, battery_w=50)])
    assert (found.battery_w, found.battery_pct) == (-150, 50.0)


def test_a_battery_that_is_there_and_tells_no_power_makes_the_sum_unknown() -> None:
    assert summed([part(1, battery_w=-200), part(1, battery_pct=50.0)]).battery_w is None


@pytest.mark.parametrize(
    ("given", "condition"),
    [
        ("asleep producing", "producing"),
        ("standby asleep", "standby"),
        ("asleep starting", "starting"),
        ("producing fault", "fault"),
        ("asleep asleep", "asleep"),
    ],
)
def test_a_fault_outdoes_all_and_else_the_most_awake_counts(given: str, condition: str) -> None:
    assert condition_of(map(Condition, given.split())) == condition
    assert summed([part(0, Condition(one)) for one in given.split()]).condition == condition


def test_the_code_of_a_fault_is_kept() -> None:
    assert summed([part(1), part(0, Condition.FAULT, code="301")]).code == "301"
