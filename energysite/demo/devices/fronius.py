"""The large inverter of the demo house: a Fronius with Solar API v1, as its description tells (42,0410,2012): no login.

`GetAPIVersion`, the power flow, and real-time data of one inverter. At night the power flow's P_PV is null and the values of the
grid side are left out, while the energies stay.
"""

from typing import Any

from energysite.demo.calendar import local
from energysite.demo.devices.http import HttpDevice, Question, Reply, as_json, not_found
from energysite.demo.roof import Made

PART = 0
UNIT = "1"
DEVICE_TYPE = 105
VOLT, HERTZ = 233.4, 50.0
# Status codes of an answer.
OKAY, BAD_ARGUMENT, NOT_AVAILABLE = 0, 6, 12
# DeviceStatus.StatusCode and its ErrorCode.
RUNNING, STANDBY, FAULTY = 7, 8, 10
NIGHT_ERROR, FAULT_ERROR = 523, 475  # the panels give too little; insulation


class Fronius(HttpDevice):
    def answer(self, question: Question) -> Reply:
        ask = question.query.get
        if question.path == "/solar_api/GetAPIVersion.cgi":
            return as_json({"APIVersion": 1, "BaseURL": "/solar_api/v1/", "CompatibilityRange": "1.6-2"})
        made = self.house.made((PART,), self.at())
        if question.path == "/solar_api/v1/GetPowerFlowRealtimeData.fcgi":
            return as_json(_answered(made, {}, self._flow(made)))
        if question.path == "/solar_api/v1/GetInverterRealtimeData.cgi":
            arguments = {"DataCollection": ask("DataCollection", ""), "DeviceClass": "Inverter"}
            arguments |= {"DeviceId": ask("DeviceId", ""), "Scope": ask("Scope", "")}
            if ask("Scope") != "Device" or ask("DataCollection") != "CommonInverterData":
                return as_json(_answered(made, arguments, {}, BAD_ARGUMENT, "Argument is not known"))
            if ask("DeviceId") != UNIT:
                return as_json(_answered(made, arguments, {}, NOT_AVAILABLE, "Device is not available"))
            return as_json(_answered(made, arguments, self._common(made)))
        return not_found()

    def _flow(self, made: Made) -> dict[str, Any]:
        asleep = self._is_dark(made)
        day, year = (None, None) if self.mode.name == "gen24" else (made.day_wh, made.year_wh)
        watts = None if asleep else made.power_w
        site: dict[str, Any] = {"Mode": "produce-only", "Meter_Location": "unknown", "P_Grid": None, "P_Load": None, "P_Akku": None}
        site |= {"P_PV": watts, "rel_SelfConsumption": None, "rel_Autonomy": None, "E_Day": day, "E_Year": year}
        site["E_Total"] = made.total_wh
        inverter = {"DT": DEVICE_TYPE, "P": watts, "E_Day": day, "E_Year": year, "E_Total": made.total_wh}
        return {"Version": "12", "Site": site, "Inverters": {UNIT: inverter}}

    def _common(self, made: Made) -> dict[str, Any]:
        newer = self.mode.name == "gen24"
        told: dict[str, Any] = {
            "DAY_ENERGY": _value(None if newer else made.day_wh, "Wh"),
            "YEAR_ENERGY": _value(None if newer else made.year_wh, "Wh"),
            "TOTAL_ENERGY": _value(made.total_wh, "Wh"),
            "DeviceStatus": self._status(made),
        }
        if not self._is_dark(made):
            told["PAC"] = _value(made.power_w, "W")
            told["IAC"] = _value(round(made.power_w / VOLT, 2), "A")
            told["UAC"] = _value(VOLT, "V")
            told["FAC"] = _value(HERTZ, "Hz")
            told["IDC"] = _value(round(made.power_w / 380, 2), "A")
            told["UDC"] = _value(392.6, "V")
        return told

    def _is_dark(self, made: Made) -> bool:
        return not made.awake or self.mode.name == "fault"

    def _status(self, made: Made) -> dict[str, Any]:
        code, error = RUNNING, 0
        if self.mode.name == "fault":
            code, error = FAULTY, FAULT_ERROR
        elif not made.awake:
            code, error = 3, NIGHT_ERROR
        elif not made.power_w:
            code = STANDBY
        colour = 2 if code == RUNNING else 1
        return {
            "StatusCode": code,
            "MgmtTimerRemainingTime": -1,
            "ErrorCode": error,
            "LEDColor": colour,
            "LEDState": 0,
            "StateToReset": False,
        }


def _value(value: float | None, unit: str) -> dict[str, Any]:
    return {"Value": value, "Unit": unit}


def _answered(made: Made, arguments: dict[str, str], data: dict[str, Any], code: int = OKAY, reason: str = "") -> dict[str, Any]:
    status = {"Code": code, "Reason": reason, "UserMessage": ""}
    head = {"RequestArguments": arguments, "Status": status, "Timestamp": local(made.at).isoformat()}
    return {"Head": head, "Body": {"Data": data}}
