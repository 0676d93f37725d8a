"""Shelly of the first generation: /relay, /status, /settings. It switches itself off by `timer`, which each renewal sets anew.

shelly-api-docs.shelly.cloud/gen1; energy is counted in watt-minutes; a password means HTTP Basic.
"""

import math
from typing import Any

from control.outputs import Reading
from control.outputs.login import Basic
from control.outputs.switch import SwitchDevice, is_on
from meters.transports.answers import part

USER = "admin"
MINUTES = 1 / 60  # Wh in a watt-minute
AUTO_OFF_S = 60


class Shelly1:
    family = "shelly1"
    has_timer = True

    def __init__(self, address: str, channel: int = 0, username: str = "", password: str = "") -> None:
        login = Basic(username or USER, password) if password else None
        self._device = SwitchDevice(address, login=login, secrets=[password])
        self._channel = channel

    @property
    def heard(self) -> str:
        return self._device.heard

    def apply(self, level: float, lease_s: float, deadline: float) -> None:
        if not is_on(level):
            self.safe(deadline)  # without a timer: off would be followed by on
            return
        self._device.json(f"/relay/{self._channel}?turn=on&timer={max(1, math.ceil(lease_s))}", deadline)

    def safe(self, deadline: float) -> None:
        self._device.json(f"/relay/{self._channel}?turn=off", deadline)

    def read(self, deadline: float) -> Reading:
        status = self._device.json("/status", deadline)
        relay, meter = self._of_channel(status, "relays"), self._of_channel(status, "meters")
        timer = part(relay, "timer_remaining") if part(relay, "has_timer") is True else None
        hot, over = part(status, "overtemperature") is True, part(relay, "overpower") is True
        figure = self._device.figure
        return Reading(
            level=float(self._device.flag(part(relay, "ison"))),
            power_w=figure(part(meter, "power"), "power"),
            energy_wh=figure(part(meter, "total"), "total", MINUTES),
            timer_s=figure(timer, "timer_remaining"),
            uptime_s=figure(part(status, "uptime"), "uptime"),
            trouble="over_temperature" if hot else "overpower" if over else "",
        )

    def set_up_now(self, deadline: float) -> dict[str, Any]:
        """What the device does when the power returns, and how long an on without a timer lasts."""
        found = self._device.json(f"/settings/relay/{self._channel}", deadline)
        return {"initial_state": part(found, "default_state"), "auto_off_s": part(found, "auto_off") or 0}

    wanted = {"initial_state": "off", "auto_off_s": AUTO_OFF_S}

    def set_up(self, deadline: float) -> None:
        self._device.json(f"/settings/relay/{self._channel}?default_state=off&auto_off={AUTO_OFF_S}", deadline)

    def close(self) -> None:
        self._device.close()

    def _of_channel(self, status: Any, name: str) -> Any:
        parts = part(status, name)
        return parts[self._channel] if isinstance(parts, list) and len(parts) > self._channel else None
