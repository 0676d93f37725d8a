"""Freshness (rule 2): without a fresh telegram nothing runs, unless a person chose it to. Pure."""

from __future__ import annotations

from control.rules.facts import FOREVER, Condition, Plan, Said, Window
from control.rules.sight import Sight


def blind(sight: Sight) -> bool:
    """It may run without a telegram: a named person's override, or hours, plan and signal in a house without a meter as its owner said."""
    if sight.override is not None:
        return sight.override.blind and sight.override.level > 0
    return not sight.snapshot.grid.exists and sight.load.blind and isinstance(sight.load.strategy, (Window, Plan, Condition))


def stop(sight: Sight) -> Said | None:
    grid = sight.snapshot.grid
    if grid.fresh and grid.net_w is not None:
        return None
    if blind(sight):
        return None
    if not grid.exists:
        return Said("no_meter")
    if grid.stale_s == FOREVER:
        return Said("stale_never", {"why": grid.stale})
    return Said("stale", {"why": grid.stale, "since_s": round(grid.stale_s)})
