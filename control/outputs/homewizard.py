"""A HomeWizard socket by its local API v1. It has no timer of its own: if this machine dies, it stays as it is."""

import json
from typing import Any

from control.outputs import Reading
from control.outputs.switch import SwitchDevice, is_on
from energysite.errors import DeviceConfigError, DeviceUnavailable
from energysite.phrases import phrase as _
from meters.transports.answers import part

ENERGY = ("total_power_import_kwh", "total_power_import_t1_kwh")
STATE, DATA = "/api/v1/state", "/api/v1/data"


class HomeWizardSocket:
    family = "homewizard"
    has_timer = False

    def __init__(self, address: str) -> None:
        self._device = SwitchDevice(address)

    @property
    def heard(self) -> str:
        return self._device.heard

    def apply(self, level: float, lease_s: float, deadline: float) -> None:
        self._switch(is_on(level), deadline)

    def safe(self, deadline: float) -> None:
        self._switch(False, deadline)

    def read(self, deadline: float) -> Reading:
        state, data = self._device.json(STATE, deadline), self._device.json(DATA, deadline)
        figure = self._device.figure
        # Older firmware tells the one tariff that a socket has, and no sum of it.
        energy = next((part(data, name) for name in ENERGY if part(data, name) is not None), None)
        return Reading(
            level=float(self._device.flag(part(state, "power_on"))),
            power_w=figure(part(data, "active_power_w"), "active_power_w"),
            energy_wh=figure(energy, ENERGY[0], 1000),
        )

    def set_up_now(self, deadline: float) -> dict[str, Any]:
        """The lock of the HomeWizard app keeps the socket on, whatever we say."""
        return {"switch_lock": part(self._device.json(STATE, deadline), "switch_lock") is True}

    wanted = {"switch_lock": False}

    def set_up(self, deadline: float) -> None:
        self._device.json(STATE, deadline, method="PUT", body=json.dumps({"switch_lock": False}).encode())

    def close(self) -> None:
        self._device.close()

    def _switch(self, on: bool, deadline: float) -> None:
        answer = self._device.ask(STATE, deadline, method="PUT", body=json.dumps({"power_on": on}).encode())
        if answer.status != 200 and self.set_up_now(deadline)["switch_lock"]:
            raise DeviceConfigError(
                _("%(host)s is locked: its app keeps it on. Take the lock off: “Set up this device” does it.") % {"host": self._device.host}
            )
        if part(self._device.parsed(answer), "power_on") is on:
            return
        raise DeviceUnavailable(_("%(host)s was told to switch, and says that it did not.") % {"host": self._device.host})
