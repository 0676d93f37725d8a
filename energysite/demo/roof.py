"""Which inverter of the demo house makes how much of its sun. Pure.

The roof hangs on three inverters: 0 is the large one, 1 and 2 are two small ones behind one address. Each makes its share of the
house's power in every step, in whole watts, and the three together make exactly that power; so their energies in Ws add up to
the house's as well.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

SHARES_PCT = (60, 24, 16)
_BOUNDS = tuple(accumulate(SHARES_PCT, initial=0))

# Ws made before the ledger's epoch: the panels are some years old.
AT_EPOCH_WS = (16_904_310 * 3600, 6_761_724 * 3600, 4_507_816 * 3600)


@dataclass(frozen=True, slots=True)
class Made:
    """What some of the inverters tell together at an epoch second: W of the second before it, Wh rounded down.

    `awake`: there is light, from the first on their panels to the last.
    """

    at: int
    power_w: int
    day_wh: int
    year_wh: int
    total_wh: int
    awake: bool


def part_w(watts: int, part: int) -> int:
    """The share of that inverter in the house's power."""
    return watts * _BOUNDS[part + 1] // 100 - watts * _BOUNDS[part] // 100


def energies_ws(solar_w: Iterable[int], step_s: int) -> tuple[int, ...]:
    """What each inverter makes in steps of these powers."""
    lit = [watts for watts in solar_w if watts]
    until = [sum([watts * bound // 100 for watts in lit]) * step_s for bound in _BOUNDS[1:-1]]
    return tuple(b - a for a, b in zip([0, *until], [*until, sum(lit) * step_s], strict=True))


def before_w(solar_w: Sequence[int]) -> tuple[list[int], ...]:
    """For each edge between two inverters' shares, the power up to it summed over the steps before each step: one more number than
    there are steps. What an inverter makes is the difference between its two edges."""
    return tuple(list(accumulate([watts * bound // 100 for watts in solar_w], initial=0)) for bound in _BOUNDS)


def daylight(solar_w: Sequence[int]) -> tuple[int, int]:
    """The first step with power, and the one after the last; (0, 0) on a day without any."""
    first = next((step for step, watts in enumerate(solar_w) if watts), 0)
    behind = next((step for step in range(len(solar_w), first, -1) if solar_w[step - 1]), first)
    return first, behind
