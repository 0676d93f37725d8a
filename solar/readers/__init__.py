"""One file for each family of inverters; `blueprint.py` is where the next one begins."""

from typing import Protocol

from solar.production import Production


class Reader(Protocol):
    """`family` is its name in the settings, `shortest_period_s` how often such a device may be asked."""

    family: str
    shortest_period_s: int

    @property
    def heard(self) -> str:
        """At most 500 characters of what the device answered last, without any secret; empty before the first answer."""

    def read(self, deadline: float) -> Production:
        """What the device says now, by `deadline` (time.monotonic()). Raises DeviceUnavailable (a retry can help),
        DeviceConfigError (it cannot), BadReading."""

    def close(self) -> None: ...
