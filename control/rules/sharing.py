"""Several loads, one surplus: who comes first gets it first, and takes it from those behind. Pure.

The house's surplus is what the meter says it gives away and what our own loads draw of the sun already. A battery that gives is no sun;
one that is charged comes first, unless the load says otherwise. A load in dry-run sees what the real ones leave, and they do not see it.
"""

from __future__ import annotations

from collections.abc import Sequence

from control.rules.facts import Load, Snapshot
from control.rules.sight import Sight


def given_w(snapshot: Snapshot, load: Load) -> int | None:
    """What leaves the house and could be used in it (W), negative where it takes; None: not known."""
    grid = snapshot.grid
    if not grid.fresh or grid.net_w is None or snapshot.battery_unread:
        return None
    battery_w = snapshot.battery_w or 0
    if battery_w < 0 and load.battery_first:
        battery_w = 0
    return -grid.net_w - battery_w


class Share:
    """The surplus of one step, asked for by load after load in order of priority."""

    __slots__ = ("_drawn_w", "_dry_w", "_kept_w")

    def __init__(self, sights: Sequence[Sight]) -> None:
        self._drawn_w = sum(sight.own_w for sight in sights if sight.yields)
        self._kept_w = 0
        self._dry_w = 0

    def give(self, sight: Sight) -> None:
        """Write into the sight what is left for it, and what those before it keep."""
        kept_w = self._kept_w + (self._dry_w if sight.load.dry_run else 0)
        sight.reserved_w = kept_w
        given = given_w(sight.snapshot, sight.load)
        if given is not None:
            sight.surplus_w = given + self._drawn_w - kept_w + (0 if sight.yields else sight.own_w)

    def keep(self, sight: Sight, level: float) -> None:
        """Those behind it do without what it draws, or will in a moment. `level`: what was decided."""
        if not sight.yields:
            return
        if sight.load.dry_run:
            self._dry_w += round(sight.load.load_w * level)
        elif level > 0 and not sight.running:
            self._kept_w += round(sight.load.load_w * level)
        else:
            self._kept_w += sight.own_w + sight.to_come_w
