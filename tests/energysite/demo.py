"""The demo house for tests: its past days are counted once for all of them."""

from datetime import date
from functools import cache
from pathlib import Path

from energysite.demo.ledger import EPOCH, Ledger, Sums, Totals
from energysite.demo.model import House
from energysite.demo.profile import Recipe


@cache
def house() -> House:
    return House(Ledger(Recipe()))


def young(day: date) -> Ledger:
    """A ledger in which nothing was used or made before this day of 2026 or later: nothing has to be counted."""
    ledger = Ledger(Recipe())
    nothing = Sums(Totals(0, 0, 0, 0, 0, 0), 0, 0, (0, 0, 0))
    ledger.days = {date.fromordinal(number): nothing for number in range(EPOCH.toordinal() - 430, day.toordinal())}
    return ledger


def counted(folder: Path) -> Ledger:
    """A ledger that keeps its sums in `folder` and knows what `house` has counted so far."""
    ledger = Ledger(Recipe(), folder)
    ledger.days = dict(house().ledger.days)
    return ledger
