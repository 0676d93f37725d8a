"""Where another strategy begins: a whole one, on while the roof makes at least so many W. Copy this file and
tests/control/rules/test_blueprint.py. Pure.

What it needs: a frozen rule (in `facts.py`, with its place in `Strategy`), `sense` and `think`, a line in `WAYS` of `thinking.py`, a
sentence in `control/words.py` for each code, and its columns and choice in `control/models.py`. The guard comes after it, whatever it says.
"""

from __future__ import annotations

from dataclasses import dataclass

from control.rules.facts import Said
from control.rules.memory import Memory, Wish
from control.rules.sight import Sight


@dataclass(frozen=True, slots=True)
class Bright:
    """On from `from_w` of production."""

    from_w: int = 1500


def sense(rule: Bright, sight: Sight) -> None:
    """Every step: count here what has to be counted, into `sight.memory`. This one looks at the moment only."""


def think(rule: Bright, sight: Sight, house: Memory) -> Wish:
    """Once a period: what it wants, and why, as a code and its parameters. What is not known (None) is never taken for 0."""
    solar_w = sight.snapshot.solar_w
    if solar_w is None:
        return Wish(0.0, Said("surplus_unknown"))
    if solar_w >= rule.from_w:
        return Wish(1.0, Said("surplus_carries", {"surplus_w": solar_w, "need_w": rule.from_w}))
    return Wish(0.0, Said("surplus_short", {"surplus_w": solar_w, "need_w": rule.from_w}))
