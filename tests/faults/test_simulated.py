"""Rules 1 to 3, 7, 9 and 10: what is on goes off when its ground goes, whatever breaks. `python -m tests.benchmarks faults` takes 1,000."""

import logging
import random
from collections.abc import Iterator

import pytest

from tests.faults import episode
from tests.faults.breaking import FAULTS, SAFE_S
from tests.faults.site import FAMILIES, Site

EACH = 3


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Devices that are away on purpose fill the log."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("fault", FAULTS)
def test_rule_3_what_is_on_is_off_or_somebody_is_told_in_time(fault: str) -> None:
    episodes = [episode.run(fault, seed) for seed in range(EACH)]
    assert [str(found) for one in episodes for found in one.found if not found.safe] == []
    assert sum(one.presses for one in episodes) == 0, "a fault was taken for a person"


def test_the_same_seed_breaks_the_same_house_in_the_same_way() -> None:
    assert episode.run("Valkey down", 5) == episode.run("Valkey down", 5)


def test_the_harness_sees_what_stays_on() -> None:
    """A plug whose timer does nothing, when everything of ours dies; and a holder that nobody starts again."""
    site = Site(random.Random(1))
    site.all_on()
    site.plugs["A"].until = None
    site.dead = True
    site.run(2 * SAFE_S)
    assert [site.plugs[name].level for name in FAMILIES] == [1.0, 1.0, 1.0]

    site = Site(random.Random(2))
    site.all_on()
    site.kill_holder(again_s=1000)
    site.run(2 * SAFE_S)
    assert [site.plugs[name].level for name in FAMILIES] == [0.0, 1.0, 1.0], "its own timer alone has ended"


def test_rule_8_what_a_person_wants_comes_back_after_a_fault_and_what_nobody_asked_for_waits() -> None:
    site = Site(random.Random(3))
    site.all_on()
    site.meter.silent = True
    site.run(60)
    assert [plug.level for plug in site.plugs.values()] == [0.0, 0.0, 0.0]
    site.meter.silent = False
    assert site.all_on() < 60
