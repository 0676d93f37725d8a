"""Who goes first when something has to go: the last in priority. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from control.rules.sight import Sight


def smallest(drawing: Sequence[Sight], over_w: float) -> list[Sight]:
    """The smallest sufficient set in reverse priority: loads from the last priority on until `over_w` is saved, then without those that
    the others make needless. All of them if none suffices. `drawing` in order of priority."""
    chosen: list[Sight] = []
    saved_w = 0
    for sight in reversed(drawing):
        if saved_w >= over_w:
            break
        chosen.append(sight)
        saved_w += sight.own_w
    for sight in reversed(chosen[:-1]) if saved_w >= over_w else ():
        if saved_w - sight.own_w >= over_w:
            chosen.remove(sight)
            saved_w -= sight.own_w
    return chosen
