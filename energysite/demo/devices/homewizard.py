"""A HomeWizard kWh meter (HWE-KWH1) in the circuit of the demo house's large inverter: what that makes, the meter exports."""

from typing import Any

from energysite.demo.devices.fronius import HERTZ, PART, VOLT
from energysite.demo.devices.http import HttpDevice, Question, Reply, as_json, not_found
from energysite.demo.roof import Made

IMPORTED_KWH = 41.906  # by the inverter itself, in years of nights


class HomeWizard(HttpDevice):
    def answer(self, question: Question) -> Reply:
        if question.path == "/api":
            return as_json(
                {
                    "product_type": "HWE-KWH1",
                    "product_name": "kWh meter",
                    "serial": "5c2faf0a1b2c",
                    "firmware_version": "3.06",
                    "api_version": "v1",
                }
            )
        if question.path != "/api/v1/data":
            return not_found()
        if self.mode.name == "fault":
            return as_json({"error": {"id": 202, "description": "API not enabled"}}, 403)
        return as_json(_data(self.house.made((PART,), self.at())))


def _data(made: Made) -> dict[str, Any]:
    amps = made.power_w / VOLT
    return {
        "wifi_ssid": "Demo house",
        "wifi_strength": 82,
        "total_power_import_kwh": IMPORTED_KWH,
        "total_power_import_t1_kwh": IMPORTED_KWH,
        "total_power_export_kwh": made.total_wh / 1000,
        "total_power_export_t1_kwh": made.total_wh / 1000,
        "active_power_w": -float(made.power_w),
        "active_power_l1_w": -float(made.power_w),
        "active_voltage_v": VOLT,
        "active_current_a": round(amps, 3),
        "active_apparent_power_va": float(made.power_w),
        "active_power_factor": 1.0 if made.power_w else 0.0,
        "active_frequency_hz": HERTZ,
    }
