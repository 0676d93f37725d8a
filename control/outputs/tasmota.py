"""Tasmota by its commands over HTTP. Its timer, PulseTime, is kept in flash, which wears: it is set once, at set-up, and each Power On
starts it anew. Until it is set, the device cannot switch itself off.

tasmota.github.io/docs/Commands: Power, PulseTime (100 more than the seconds), PowerOnState, Status.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from control.outputs import Reading
from control.outputs.switch import SwitchDevice, is_on
from energysite.errors import DeviceConfigError
from energysite.phrases import phrase as _
from meters.transports.answers import part

USER = "admin"
PULSE_S = 40
OFFSET = 100  # PulseTime 112 to 64900 are 12 s to 18 h, what is below counts tenths of a second
SHORTEST = 112


class Tasmota:
    family = "tasmota"

    def __init__(self, address: str, channel: int = 0, username: str = "", password: str = "", *, has_timer: bool = False) -> None:
        """`has_timer`: it was found at set-up; each reading tells how it is now."""
        self._device = SwitchDevice(address, secrets=[password])
        self._number = channel + 1
        self._login = f"&user={quote(username or USER, safe='')}&password={quote(password, safe='')}" if password else ""
        self.has_timer = has_timer

    @property
    def heard(self) -> str:
        return self._device.heard

    def apply(self, level: float, lease_s: float, deadline: float) -> None:
        """The timer is the one that was set up, whatever the lease: setting it each time would wear out the flash."""
        self._switch(is_on(level), deadline)

    def safe(self, deadline: float) -> None:
        self._switch(False, deadline)

    def read(self, deadline: float) -> Reading:
        status = self._command("Status 0", deadline)
        state = self._power(part(status, "StatusSTS"))
        if state is None:
            raise DeviceConfigError(
                _("%(host)s does not say whether it is on. Check the make you chose, and the channel.") % {"host": self._device.host}
            )
        pulse, left = self._pulse(deadline)
        self.has_timer = is_timer(pulse)
        figure = self._device.figure
        return Reading(
            level=float(state),
            power_w=figure(part(status, "StatusSNS", "ENERGY", "Power"), "Power"),
            energy_wh=figure(part(status, "StatusSNS", "ENERGY", "Total"), "Total", 1000),
            timer_s=left if state and pulse else None,
            uptime_s=figure(part(status, "StatusSTS", "UptimeSec"), "UptimeSec"),
        )

    def set_up_now(self, deadline: float) -> dict[str, Any]:
        """What the device does when the power returns, and the timer that each Power On starts."""
        found = part(self._command("PowerOnState", deadline), "PowerOnState")
        return {"power_on_state": found, "pulse_s": self._pulse(deadline)[0]}

    wanted = {"power_on_state": 0, "pulse_s": PULSE_S}

    def set_up(self, deadline: float) -> None:
        """Writes to flash only what is not so yet."""
        now = self.set_up_now(deadline)
        if now["power_on_state"] != 0:
            self._command("PowerOnState 0", deadline)
        if now["pulse_s"] != PULSE_S:
            self._command(f"PulseTime{self._number} {PULSE_S + OFFSET}", deadline)
        self.has_timer = True

    def close(self) -> None:
        self._device.close()

    def _switch(self, on: bool, deadline: float) -> None:
        answer = self._command(f"Power{self._number} {'On' if on else 'Off'}", deadline)
        if self._power(answer) is not on:
            raise DeviceConfigError(_("%(host)s does not do what it is told. Check its channel.") % {"host": self._device.host})

    def _power(self, given: Any) -> bool | None:
        """With one relay its name has no number."""
        told = part(given, f"POWER{self._number}")
        if told is None and self._number == 1:
            told = part(given, "POWER")
        return {"ON": True, "OFF": False}.get(told) if isinstance(told, str) else None

    def _pulse(self, deadline: float) -> tuple[float, float]:
        """Seconds of the timer, 0 for none, and what is left of them. The oldest firmware answers with text."""
        name = f"PulseTime{self._number}"
        found = part(self._command(name, deadline), name)
        values = [part(found, key) for key in ("Set", "Remaining")]
        if not all(isinstance(value, int) for value in values):
            raise DeviceConfigError(_("%(host)s runs firmware that is too old to tell its timer. Update it.") % {"host": self._device.host})
        first, second = ((value - OFFSET if value >= SHORTEST else value / 10) for value in values)
        return first, second

    def _command(self, words: str, deadline: float) -> Any:
        answer = self._device.json(f"/cm?cmnd={quote(words)}{self._login}", deadline)
        if isinstance(answer, dict) and "WARNING" in answer:  # a wrong password, with status 200 in older firmware
            raise DeviceConfigError(_("%(host)s refuses the password. Check it.") % {"host": self._device.host})
        return answer


def is_timer(pulse_s: object) -> bool:
    """Short enough for class A."""
    return isinstance(pulse_s, (int, float)) and 0 < pulse_s <= PULSE_S


def timer_of(set_up: Mapping[str, Any]) -> bool:
    """As the device said at its set-up."""
    return is_timer(set_up.get("now", {}).get("pulse_s"))
