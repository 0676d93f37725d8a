"""The blueprint of a strategy: by day, at night, not known, and behind the guard like every other. Copy this file with it."""

import pytest

from control.rules.facts import Load
from control.rules.strategies import blueprint
from control.rules.strategies.blueprint import Bright
from control.rules.thinking import WAYS, Way
from tests.control.rules.simulated import House


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setitem(WAYS, Bright, Way(blueprint.sense, blueprint.think))
    return House(Load(1, "it", strategy=Bright(1500), min_on_s=0, min_off_s=0))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("solar_w", "on", "code"), [(1500, True, "surplus_carries"), (1499, False, "surplus_short"), (None, False, "surplus_unknown")]
)
def test_it_is_on_while_the_roof_makes_enough(house: House, solar_w: int | None, on: bool, code: str) -> None:
    house.more = {"solar_w": solar_w}
    house.step()
    assert (house.is_on(), house.code()) == (on, code)


def test_the_guard_comes_before_it(house: House) -> None:
    house.more = {"solar_w": 5000}
    house.grid = {"fresh": False, "stale": "silent", "stale_s": 40.0}
    house.step()
    assert (house.is_on(), house.rule()) == (False, "fresh")
