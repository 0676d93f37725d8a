"""One file for each family of switches; `blueprint.py` is where the next one begins. No Django in them: hold_outputs is small.

With the database's side beside them: `checking` and `rating` (what may be configured), `set_up` (the device's own settings), `check` (one
look), `publishing` (what hold_outputs is told).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Reading:
    """What the device says of itself; None where it does not say. `level` 0 to 1. `timer_s`: until it switches itself off.

    `uptime_s`: since it started, so that a restart is seen. `trouble`: over_temperature, overpower, or empty.
    """

    level: float | None
    power_w: int | None = None
    energy_wh: int | None = None
    timer_s: float | None = None
    uptime_s: float | None = None
    trouble: str = ""


class Driver(Protocol):
    """One output. `deadline`: time.monotonic(), for all of a call. Each raises DeviceUnavailable (a retry can help) or
    DeviceConfigError (it cannot)."""

    family: str
    # It switches itself off by its own timer: class A. Otherwise B for a pin or what is always reachable, C for the rest.
    has_timer: bool

    def apply(self, level: float, lease_s: float, deadline: float) -> None:
        """Set, and arm the device's own timer to `lease_s` where it has one and the level is above 0."""

    def read(self, deadline: float) -> Reading: ...

    def safe(self, deadline: float) -> None:
        """Off, at once."""

    def close(self) -> None: ...

    @property
    def heard(self) -> str:
        """At most 500 characters of what the device sent last, without any secret."""
