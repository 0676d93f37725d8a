"""Nothing: what is commanded is remembered, and no device hears of it."""

from control.outputs import Reading


class DryRun:
    family = "dry_run"
    has_timer = False
    heard = ""

    def __init__(self) -> None:
        self._level = 0.0

    def apply(self, level: float, lease_s: float, deadline: float) -> None:
        self._level = level

    def read(self, deadline: float) -> Reading:
        return Reading(level=self._level)

    def safe(self, deadline: float) -> None:
        self._level = 0.0

    def close(self) -> None:
        self._level = 0.0
