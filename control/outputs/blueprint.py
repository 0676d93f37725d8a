"""Where the driver of another family of switches begins: a whole one, of a device that exists in its test only. Copy this file and
tests/control/outputs/test_blueprint.py, add a line to families.FAMILIES and a name to control.models.Output.Family.

The device answers PUT /relay with {"on": true, "for_s": 40} and GET /relay with {"on": true, "left_s": 31.5, "ac_w": 1234, "ever_kwh":
7890.1, "up_s": 86400, "alarm": ""}. Its name, its units and its alarms stand here, at the top: from the maker's description.
"""

import json
import math

from control.outputs import Reading
from control.outputs.login import Basic
from control.outputs.switch import SwitchDevice, is_on
from meters.transports.answers import part

PATH = "/relay"
TROUBLE = {"hot": "over_temperature", "overload": "overpower"}


class Blueprint:
    family = "blueprint"  # as in the settings
    # It switches itself off: class A. Say True only of a timer that every switch-on starts anew, and test it with a clock.
    has_timer = True

    def __init__(self, address: str, username: str = "", password: str = "") -> None:
        """Opens nothing yet. What must never be shown is told to the device: errors and `heard` leave it out."""
        self._device = SwitchDevice(address, login=Basic(username, password) if password else None, secrets=[password])

    @property
    def heard(self) -> str:
        return self._device.heard

    def apply(self, level: float, lease_s: float, deadline: float) -> None:
        """SwitchDevice keeps to the deadline, the size, the redirects and the words of a refusal; only what is the family's own is here."""
        body = {"on": True, "for_s": max(1, math.ceil(lease_s))} if is_on(level) else {"on": False}
        self._device.json(PATH, deadline, method="PUT", body=json.dumps(body).encode())

    def safe(self, deadline: float) -> None:
        self.apply(0.0, 0.0, deadline)

    def read(self, deadline: float) -> Reading:
        told = self._device.json(PATH, deadline)
        figure = self._device.figure
        return Reading(
            level=float(self._device.flag(part(told, "on"))),  # raises where the device does not say: unknown is not off
            power_w=figure(part(told, "ac_w"), "ac_w"),
            energy_wh=figure(part(told, "ever_kwh"), "ever_kwh", 1000),
            timer_s=figure(part(told, "left_s"), "left_s"),
            uptime_s=figure(part(told, "up_s"), "up_s"),
            trouble=TROUBLE.get(str(part(told, "alarm")), ""),
        )

    def close(self) -> None:
        self._device.close()
