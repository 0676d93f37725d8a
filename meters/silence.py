"""Which meters are silent: nothing was received for five minutes, or for three of their periods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from energysite.notify import Trouble

SILENT_S = 300.0
PERIODS = 3


class Ears:
    """What was heard last, and when on a clock that is never set. One for each process; looked at about once a minute."""

    def __init__(self) -> None:
        self._heard: dict[str, tuple[Any, float]] = {}

    def silent_s(self, name: str, received: float | None, at: float, mono: float) -> float:
        """Seconds since the source `name` was heard. `received`: epoch of its last frame, None: never; `at`: epoch now, `mono`: monotonic.

        At the first look, and only then, by the clock of the day: later a clock that was set makes nobody silent.
        """
        before = self._heard.get(name)
        if before is None:
            since = mono - (max(0.0, at - received) if received is not None else 0.0)
            self._heard[name] = (received, since)
        elif before[0] != received:
            self._heard[name] = (received, mono)
        return mono - self._heard[name][1]

    def keep_only(self, names: Iterable[str]) -> None:
        self._heard = {name: self._heard[name] for name in names if name in self._heard}


def found(ears: Ears, meters: Mapping[str, int], frames: Mapping[str, Mapping[str, Any]], at: float, mono: float) -> dict[str, Trouble]:
    """`meters`: name -> period, s, of those that should speak. `frames`: the last one of each."""
    silent: dict[str, Trouble] = {}
    for name, period_s in meters.items():
        frame = frames.get(name)
        for_s = ears.silent_s(name, frame["received"] if frame else None, at, mono)
        if for_s >= max(SILENT_S, PERIODS * period_s):
            silent[name] = Trouble("meter_silent", {"name": name, "minutes": int(for_s // 60)})
    return silent
