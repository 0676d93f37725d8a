"""Which counters a reading is for."""

from solar.parts import Part, parts_of
from solar.production import Condition, Production, Unit

ONE = Unit("1", 1000, 10_000)
TWO = Unit("2", 500, 5000)


def _found(*units: Unit, power_w: int | None = 1500, total_wh: int | None = 15_000, day_wh: int | None = 700) -> Production:
    return Production(power_w, Condition.PRODUCING, day_wh, total_wh, units=units)


def test_an_address_without_units_is_one_counter() -> None:
    assert parts_of(_found(), set()) == [Part("", 1500, 15_000, 700)]


def test_a_single_unit_gives_its_name_to_the_whole() -> None:
    assert parts_of(_found(ONE), set()) == [Part("1", 1500, 15_000, 700)]


def test_several_units_have_a_counter_each() -> None:
    assert parts_of(_found(ONE, TWO), set()) == [Part("1", 1000, 10_000), Part("2", 500, 5000)]


def test_units_without_counters_of_their_own_stay_one() -> None:
    assert parts_of(_found(ONE, Unit("2", 500)), set()) == [Part("", 1500, 15_000, 700)]


def test_what_was_counted_as_a_whole_is_never_counted_by_units_as_well() -> None:
    assert parts_of(_found(ONE, TWO), {""}) == [Part("", 1500, 15_000, 700)]


def test_a_second_inverter_joins_the_first() -> None:
    assert [part.unit for part in parts_of(_found(ONE, TWO), {"1"})] == ["1", "2"]


def test_of_several_the_one_that_answers_alone_counts_as_itself() -> None:
    assert parts_of(_found(TWO), {"1", "2"}) == [Part("2", 500, 5000)]
    assert parts_of(_found(), {"1", "2"}) == []


def test_a_single_counter_goes_on_under_a_new_name_of_its_device() -> None:
    assert parts_of(_found(Unit("SE5K v2", 1500, 15_000)), {"SE5K"}) == [Part("SE5K", 1500, 15_000, 700)]


def test_two_of_the_same_name_are_told_apart() -> None:
    assert [part.unit for part in parts_of(_found(Unit("SE5K", 1, 10), Unit("SE5K", 2, 20)), set())] == ["SE5K", "SE5K 2"]
