"""Shelly Plus, Pro, Gen3 and Gen4 by their RPC over HTTP. They switch themselves off by `toggle_after`, which each renewal sets anew.

shelly-api-docs.shelly.cloud/gen2: Switch.Set, Switch.GetConfig, Shelly.GetStatus; a password means digest SHA-256 as "admin".
"""

import json
import math
from typing import Any
from urllib.parse import quote

from control.outputs import Reading
from control.outputs.login import Digest
from control.outputs.switch import SwitchDevice, is_on
from meters.transports.answers import part

USER = "admin"
TROUBLE = {"overtemp": "over_temperature", "overpower": "overpower"}
# What a switch-on without a timer, at the button or from an app, may last: longer than any lease.
AUTO_OFF_S = 60


class Shelly2:
    family = "shelly2"
    has_timer = True

    def __init__(self, address: str, channel: int = 0, password: str = "") -> None:
        self._device = SwitchDevice(address, login=Digest(USER, password), secrets=[password])
        self._channel = channel

    @property
    def heard(self) -> str:
        return self._device.heard

    def apply(self, level: float, lease_s: float, deadline: float) -> None:
        if not is_on(level):
            self.safe(deadline)  # never with toggle_after: off would be followed by on
            return
        self._rpc("Switch.Set", deadline, id=self._channel, on=True, toggle_after=max(1, math.ceil(lease_s)))

    def safe(self, deadline: float) -> None:
        self._rpc("Switch.Set", deadline, id=self._channel, on=False)

    def read(self, deadline: float) -> Reading:
        status = self._rpc("Shelly.GetStatus", deadline)
        switch = part(status, f"switch:{self._channel}")
        errors = part(switch, "errors") or []
        figure = self._device.figure
        return Reading(
            level=float(self._device.flag(part(switch, "output"))),
            power_w=figure(part(switch, "apower"), "apower"),
            energy_wh=figure(part(switch, "aenergy", "total"), "aenergy.total"),
            timer_s=timer_left_s(switch, part(status, "sys", "unixtime")),
            uptime_s=figure(part(status, "sys", "uptime"), "uptime"),
            trouble=next((TROUBLE[error] for error in errors if isinstance(error, str) and error in TROUBLE), ""),
        )

    def set_up_now(self, deadline: float) -> dict[str, Any]:
        """What the device does when the power returns, and how long an on without a timer lasts."""
        found = self._rpc("Switch.GetConfig", deadline, id=self._channel)
        return {
            "initial_state": part(found, "initial_state"),
            "auto_off_s": part(found, "auto_off_delay") if part(found, "auto_off") is True else 0,
        }

    wanted = {"initial_state": "off", "auto_off_s": AUTO_OFF_S}

    def set_up(self, deadline: float) -> None:
        config = {"initial_state": "off", "auto_off": True, "auto_off_delay": AUTO_OFF_S}
        body = json.dumps({"id": self._channel, "config": config}).encode()
        self._device.json("/rpc/Switch.SetConfig", deadline, method="POST", body=body)

    def close(self) -> None:
        self._device.close()

    def _rpc(self, method: str, deadline: float, **params: object) -> Any:
        query = "&".join(f"{name}={quote(json.dumps(value))}" for name, value in params.items())
        return self._device.json(f"/rpc/{method}{'?' if query else ''}{query}", deadline)


def timer_left_s(switch: Any, unixtime: Any) -> float | None:
    """By the device's own clock; None where no timer runs, or the device does not know the time."""
    began, lasts = part(switch, "timer_started_at"), part(switch, "timer_duration")
    numbers = [value for value in (began, lasts, unixtime) if isinstance(value, (int, float)) and not isinstance(value, bool)]
    if len(numbers) != 3:
        return None
    return max(0.0, numbers[0] + numbers[1] - numbers[2])
