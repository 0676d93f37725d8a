"""Use, self-consumption and self-sufficiency of one interval, and of any sum of intervals."""

import random

import pytest

from meters import balance
from meters.balance import Balance


def of(*parts: int, **battery: int) -> Balance:
    found = balance.of(*parts, **battery)
    assert found is not None
    return found


def moment(*parts: int) -> Balance:
    found = balance.at_moment(*parts)
    assert found is not None
    return found


def test_a_house_without_sun_uses_what_it_imports():
    found = of(1500, 0, 0)
    assert (found.use, found.direct, found.from_grid) == (1500, 0, 1500)
    assert (found.self_consumption, found.self_sufficiency) == (None, 0.0)


def test_sun_that_is_not_injected_was_used():
    found = of(200, 1000, 3000)
    assert (found.use, found.direct, found.kept) == (2200, 2000, 2000)
    assert found.self_consumption == pytest.approx(2 / 3)
    assert found.self_sufficiency == pytest.approx(2000 / 2200)


def test_what_is_charged_comes_from_the_sun_first_and_then_from_the_grid():
    found = of(700, 0, 1000, charge=1200)
    assert (found.use, found.charged_grid, found.direct, found.from_grid) == (500, 200, 0, 500)
    assert (found.self_consumption, found.self_sufficiency) == (1.0, 0.0)


def test_a_battery_that_is_charged_at_night_makes_no_house_self_sufficient_and_its_discharge_does():
    night = of(5300, 0, 0, charge=5000)
    evening = of(0, 0, 0, discharge=900)
    assert (night.use, night.from_grid, night.self_sufficiency) == (300, 300, 0.0)
    assert (evening.use, evening.self_sufficiency) == (900, 1.0)
    assert (night + evening).self_sufficiency == pytest.approx(900 / 1200)


def test_a_battery_that_is_sold_takes_nothing_from_the_suns_own_use():
    found = of(0, 2500, 1000, discharge=2000)
    assert (found.exported_stored, found.use, found.kept, found.direct) == (1500, 500, 0, 0)
    assert found.self_consumption == 0.0


@pytest.mark.parametrize("lacking", range(5))
def test_a_part_that_is_not_known_makes_the_balance_unknown_and_never_nought(lacking):
    parts: list[int | None] = [100, 0, 500, 0, 0]
    parts[lacking] = None
    assert balance.of(*parts) is None


def test_a_battery_that_does_not_say_makes_the_moment_unknown():
    assert balance.at_moment(100, 0, 500, None) is None
    assert moment(100, 0, 500, -300).use == 300
    assert moment(0, 0, 500, 300).use == 800


def test_a_negative_part_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="negative"):
        balance.of(0, -1, 0)


def test_use_is_nought_where_meter_and_inverter_differ_by_their_accuracy_and_unknown_beyond():
    assert of(0, 5100, 5000).use == 0
    assert of(0, 5261, 5000).use is None
    assert of(0, 5261, 5000).self_consumption is None
    assert of(0, 8, 0).use == 0
    assert of(0, 11, 0).use is None


def test_the_parts_of_any_intervals_add_up_and_every_told_value_stays_in_its_bounds():
    chance = random.Random(7)
    for _house in range(300):
        battery, whole, use = chance.random() < 0.5, Balance(), 0
        for _quarter in range(40):
            solar, wanted = chance.choice([0, chance.randrange(2000)]), chance.randrange(1500)
            charge = chance.randrange(500) if battery and chance.random() < 0.3 else 0
            discharge = chance.randrange(500) if battery and not charge and chance.random() < 0.3 else 0
            both = chance.randrange(100)  # within a quarter power goes both ways
            net = wanted + charge - solar - discharge
            part = of(max(0, net) + both, max(0, -net) + both, solar, charge, discharge)
            assert part.difference == part.use == wanted
            assert part.direct is not None and part.from_grid is not None
            assert part.direct + part.from_grid + (part.discharge - part.exported_stored) == part.use
            whole, use = whole + part, use + wanted
        assert whole.use == use
        assert whole.direct is not None
        assert 0 <= whole.direct <= min(use, whole.solar)
        assert whole.self_sufficiency is None or 0 <= whole.self_sufficiency <= 1
        assert whole.self_consumption is None or 0 <= whole.self_consumption <= 1
        assert whole.difference == whole.imported + whole.solar + whole.discharge - whole.exported - whole.charge
