"""Which outputs somebody has to look at, from what hold_outputs tells of them.

Class C cannot switch itself off: unreachable is danger, told within 45 s (rule 3). Class A does; it is told when it lasts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from energysite.notify import Trouble

PATIENCE_S = 60.0
# Longer than a call and its repetition: a device that was just told to switch off may still be on.
OBEYS_S = 10.0
LOCKS = ("over_temperature", "overpower")


class Outputs:
    """Since when each output is as it is, on a clock that is never set. One for each process."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, str], float] = {}

    def found(self, held: Mapping[str, Mapping[str, Any]], mono: float, commanded: Collection[str] = frozenset()) -> dict[str, Trouble]:
        """`held`: control.keys.HELD, decoded. `commanded`: those with a controller, whose rules tell of a stuck contact themselves.
        Each by what is wrong and whose."""
        wrong: dict[str, Trouble] = {}
        states: set[tuple[str, str]] = set()
        for name, one in held.items():
            for state in _states(one, stuck=name not in commanded):
                states.add((name, state))
                lasted_s = mono - self._since.setdefault((name, state), mono)
                trouble = _trouble(name, state, one, lasted_s)
                if trouble is not None:
                    wrong[f"{state}:{name}"] = trouble
        self._since = {key: since for key, since in self._since.items() if key in states}
        return wrong


def _states(one: Mapping[str, Any], *, stuck: bool) -> list[str]:
    """What is not as it should be, the worst last."""
    states = []
    if not one.get("reachable", True):
        states.append("unreachable")
    elif not one.get("level") and (one.get("read") or 0) > 0 and not one.get("person"):
        states.append("disobeys")
    if one.get("locked") in LOCKS or (stuck and one.get("locked") == "stuck"):
        states.append("locked")
    return states


def _trouble(name: str, state: str, one: Mapping[str, Any], lasted_s: float) -> Trouble | None:
    if state == "locked":
        return Trouble(f"output_{one['locked']}", {"name": name}, urgent=True)
    if state == "disobeys":
        return Trouble("output_disobeys", {"name": name}, urgent=True) if lasted_s >= OBEYS_S else None
    if one.get("class") == "A":
        return Trouble("output_unreachable", {"name": name}) if lasted_s >= PATIENCE_S else None
    return Trouble("output_lost", {"name": name}, urgent=True)
