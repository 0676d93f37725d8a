"""A HomeWizard Energy Socket (HWE-SKT) in the demo house: `/api/v1/data` and `/api/v1/state`. It has no timer of its own.

`fault`: its local API is switched off in the app. `locked`: its switch lock, which keeps it on.
"""

import json
from typing import Any

from energysite.demo.contacts import Contact
from energysite.demo.devices.device import Clock
from energysite.demo.devices.http import Question, Reply, as_json, not_found
from energysite.demo.devices.modes import Mode
from energysite.demo.devices.switch import VOLT, SwitchDevice
from energysite.demo.model import House

KNOWN = ("power_on", "switch_lock")


class HomeWizardSocket(SwitchDevice):
    def __init__(self, house: House, now: Clock, mode: Mode, contact: Contact) -> None:
        super().__init__(house, now, mode, contact)
        self.locked = False

    def asked(self, question: Question) -> Reply:
        if question.path == "/api":
            told = {"product_type": "HWE-SKT", "product_name": "Energy Socket", "serial": "5c2faf0d4e5f"}
            return as_json(told | {"firmware_version": "4.08", "api_version": "v1"})
        if question.path not in ("/api/v1/data", "/api/v1/state"):
            return not_found()
        if self.mode.name == "fault":
            return as_json({"error": {"id": 202, "description": "API not enabled"}}, 403)
        if question.path == "/api/v1/data":
            return as_json(self._data())
        return self._set(question) if question.method == "PUT" else as_json(self._state())

    def _state(self) -> dict[str, Any]:
        return {"power_on": self.contact.on, "switch_lock": self.locked, "brightness": 255}

    def _set(self, question: Question) -> Reply:
        try:
            given = json.loads(question.body)
        except ValueError:
            given = None
        if not isinstance(given, dict) or not given or not all(name in KNOWN and isinstance(value, bool) for name, value in given.items()):
            return as_json({"error": {"id": 5, "description": "body contains invalid data"}}, 400)
        if self.locked and given.get("power_on") is False:
            return as_json({"error": {"id": 401, "description": "switch is locked"}}, 403)
        self.locked = given.get("switch_lock", self.locked)
        if "power_on" in given:
            self.contact.switch(given["power_on"], "http")
        return as_json({name: self._state()[name] for name in given})

    def _data(self) -> dict[str, Any]:
        kwh, watts = round(self.energy_wh / 1000, 3), float(self.power_w)
        return {
            "wifi_ssid": "Demo house",
            "wifi_strength": 84,
            "total_power_import_kwh": kwh,
            "total_power_import_t1_kwh": kwh,
            "total_power_export_kwh": 0,
            "total_power_export_t1_kwh": 0,
            "active_power_w": watts,
            "active_power_l1_w": watts,
            "active_voltage_v": VOLT,
            "active_current_a": self.amps(),
            "active_reactive_power_var": 0,
            "active_apparent_power_va": watts,
            "active_power_factor": 1 if watts else 0,
            "active_frequency_hz": 50,
        }
