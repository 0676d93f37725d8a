"""A device's own settings (rule 9 of safety): read, compared with what is safe, set, and read again."""

import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from control.models import Output
from control.outputs import families
from energysite.errors import DeviceUnavailable

DEADLINE_S = 5.0

WORDS: dict[str, Any] = {
    "initial_state": gettext_lazy("when its power returns"),
    "power_on_state": gettext_lazy("when its power returns"),
    "auto_off_s": gettext_lazy("switches itself off after"),
    "pulse_s": gettext_lazy("switches itself off after"),
    "switch_lock": gettext_lazy("locked by its app"),
}
VALUES: dict[tuple[str, Any], Any] = {
    ("initial_state", "off"): gettext_lazy("off"),
    ("initial_state", "on"): gettext_lazy("on"),
    ("initial_state", "last"): gettext_lazy("as it was"),
    ("initial_state", "restore_last"): gettext_lazy("as it was"),
    ("initial_state", "switch"): gettext_lazy("as its button stands"),
    ("initial_state", "match_input"): gettext_lazy("as its button stands"),
    ("power_on_state", 0): gettext_lazy("off"),
    ("power_on_state", 1): gettext_lazy("on"),
    ("power_on_state", 2): gettext_lazy("the opposite of what it was"),
    ("power_on_state", 3): gettext_lazy("as it was"),
    ("switch_lock", True): gettext_lazy("yes"),
    ("switch_lock", False): gettext_lazy("no"),
}


@runtime_checkable
class Settable(Protocol):
    """A driver of a device with such settings. `wanted`: the safe ones."""

    wanted: Mapping[str, Any]

    def set_up_now(self, deadline: float) -> dict[str, Any]: ...

    def set_up(self, deadline: float) -> None: ...


@dataclass(frozen=True, slots=True)
class SetUp:
    """What a device is set to, beside what is safe."""

    now: Mapping[str, Any]
    wanted: Mapping[str, Any]

    @property
    def good(self) -> bool:
        return all(self.now.get(name) == value for name, value in self.wanted.items())

    def lines(self) -> list[tuple[str, str, str, bool]]:
        """(what, as it is, as it should be, whether that is the same), in words."""
        return [
            (str(WORDS[name]), value_words(name, self.now.get(name)), value_words(name, value), self.now.get(name) == value)
            for name, value in self.wanted.items()
        ]


def value_words(name: str, value: Any) -> str:
    if name.endswith("_s"):
        return _("%(seconds)s s") % {"seconds": f"{value:g}"} if isinstance(value, (int, float)) and value else _("never")
    return str(VALUES.get((name, value), value))


def has_settings(output: Any) -> bool:
    """Of its make; asks nobody."""
    return output.family in families.SETTABLE


def find(output: Any) -> SetUp | None:
    """None for a make without such settings. Raises DeviceUnavailable, DeviceConfigError."""
    with closing(families.open_output(output)) as driver:
        if not isinstance(driver, Settable):
            return None
        return SetUp(driver.set_up_now(time.monotonic() + DEADLINE_S), driver.wanted)


def make_safe(output: Output, now: datetime) -> SetUp | None:
    """Set what differs, read it again and keep what was found with the output.

    Raises DeviceUnavailable, also for a device that took the settings and did not keep them; DeviceConfigError.
    """
    with closing(families.open_output(output)) as driver:
        if not isinstance(driver, Settable):
            return None
        deadline = time.monotonic() + DEADLINE_S
        driver.set_up(deadline)
        found = SetUp(driver.set_up_now(deadline), driver.wanted)
    keep(output, found, now)
    if not found.good:
        raise DeviceUnavailable(_("The device took the settings, and tells others when it is asked: try again."))
    return found


def keep(output: Output, found: SetUp, now: datetime) -> None:
    output.set_up = {"now": dict(found.now), "good": found.good, "at": now.isoformat(timespec="seconds")}
    output.save(update_fields=["set_up"])
