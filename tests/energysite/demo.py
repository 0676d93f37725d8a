"""The demo house for tests: its past days are counted once for all of them."""

from functools import cache
from pathlib import Path

from energysite.demo.ledger import Ledger
from energysite.demo.model import House
from energysite.demo.profile import Recipe


@cache
def house() -> House:
    return House(Ledger(Recipe()))


def counted(folder: Path) -> Ledger:
    """A ledger that keeps its sums in `folder` and knows what `house` has counted so far."""
    ledger = Ledger(Recipe(), folder)
    ledger.days = dict(house().ledger.days)
    return ledger
