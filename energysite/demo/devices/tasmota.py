"""A plug with Tasmota in the demo house: `/cm?cmnd=...`, one command a question.

PulseTime1 N: 1 to 111 are tenths of a second, 112 to 64900 seconds plus 100; it is kept in flash, and runs anew at each `Power ON`,
whoever switches. `writes` counts what went into flash. With a password it asks for user and password in the query.
"""

from typing import Any

from energysite.demo.calendar import local
from energysite.demo.contacts import Contact
from energysite.demo.devices.device import Clock
from energysite.demo.devices.http import Question, Reply, as_json, not_found
from energysite.demo.devices.modes import Mode
from energysite.demo.devices.switch import VOLT, SwitchDevice, flag
from energysite.demo.model import House

MOST_PULSE = 64900
TENTHS_UNTIL_S = 11.1
START = {0: "off", 1: "on", 3: "last"}


class Tasmota(SwitchDevice):
    def __init__(self, house: House, now: Clock, mode: Mode, contact: Contact) -> None:
        super().__init__(house, now, mode, contact)
        self.writes = 0

    @property
    def pulse(self) -> int:
        seconds = self.contact.auto_off_s
        return int(seconds) + 100 if seconds > TENTHS_UNTIL_S else round(seconds * 10)

    @property
    def power_on_state(self) -> int:
        return next(number for number, start in START.items() if start == self.contact.at_start)

    def asked(self, question: Question) -> Reply:
        if question.path != "/cm":
            return not_found()
        ask = question.query.get
        if self.password and (ask("user"), ask("password")) != (self.user, self.password):
            return as_json({"WARNING": "Need user=<username>&password=<password>"}, 401)
        command, _space, value = ask("cmnd", "").strip().partition(" ")
        return as_json(self._done(command.lower(), value.strip()))

    def _done(self, command: str, value: str) -> dict[str, Any]:
        if command in ("power", "power1"):
            return self._power(value)
        if command in ("pulsetime", "pulsetime1"):
            return self._pulse(value)
        if command == "poweronstate":
            return self._start(value)
        if command == "status":
            return self._status(value)
        if command == "state":
            return self._state()
        if command == "restart":
            self.contact.restart()
            return {"Restart": "Restarting"}
        return {"Command": "Unknown" if command else "Error"}

    def _power(self, value: str) -> dict[str, Any]:
        wanted = not self.contact.on if value.lower() in ("2", "toggle") else flag(value)
        if wanted is not None:
            self.contact.switch(wanted, "http")
        return {"POWER": "ON" if self.contact.on else "OFF"}

    def _pulse(self, value: str) -> dict[str, Any]:
        """A new value runs from the next switch on."""
        if value.isdigit() and int(value) <= MOST_PULSE:
            self.writes += int(value) != self.pulse
            self.contact.auto_off_s = _seconds(int(value))
        left_s = self.contact.timer_left_s
        remaining = 0 if not left_s else int(left_s * 10) if left_s <= TENTHS_UNTIL_S else int(left_s) + 100
        return {"PulseTime1": {"Set": self.pulse, "Remaining": remaining}}

    def _start(self, value: str) -> dict[str, Any]:
        if value.isdigit() and int(value) in START:
            self.writes += int(value) != self.power_on_state
            self.contact.at_start = START[int(value)]
        return {"PowerOnState": self.power_on_state}

    def _status(self, value: str) -> dict[str, Any]:
        parts = {
            "": {"Status": self._basic()},
            "8": {"StatusSNS": self._sensors()},
            "10": {"StatusSNS": self._sensors()},
            "11": {"StatusSTS": self._state()},
            "2": {"StatusFWR": {"Version": "14.4.1(tasmota)", "BuildDateTime": "2024-12-15T12:38:03"}},
        }
        if value == "0":
            return {name: told for part in parts.values() for name, told in part.items()}
        return parts.get(value, parts[""])

    def _basic(self) -> dict[str, Any]:
        return {
            "Module": 0,
            "DeviceName": "Boiler",
            "FriendlyName": ["Boiler"],
            "Topic": "tasmota_3F2A1C",
            "Power": "1" if self.contact.on else "0",
            "PowerOnState": self.power_on_state,
        }

    def _sensors(self) -> dict[str, Any]:
        told: dict[str, Any] = {"Time": self._time()}
        if self.mode.name != "fault":
            kwh, watts = round(self.energy_wh / 1000, 3), self.power_w
            told["ENERGY"] = {"TotalStartTime": "2025-01-04T10:12:00", "Total": kwh, "Yesterday": 0.0, "Today": kwh, "Power": watts}
            told["ENERGY"] |= {"ApparentPower": watts, "ReactivePower": 0, "Factor": 1.0 if watts else 0.0}
            told["ENERGY"] |= {"Voltage": round(VOLT), "Current": self.amps()}
        return told | {"ANALOG": {"Temperature": self.temperature_c}, "TempUnit": "C"}

    def _state(self) -> dict[str, Any]:
        up = int(self.contact.uptime_s)
        clock = f"{up // 86400}T{up // 3600 % 24:02d}:{up // 60 % 60:02d}:{up % 60:02d}"
        told: dict[str, Any] = {"Time": self._time(), "Uptime": clock, "UptimeSec": up, "Heap": 26, "SleepMode": "Dynamic", "Sleep": 50}
        return told | {"LoadAvg": 19, "MqttCount": 0, "POWER": "ON" if self.contact.on else "OFF", "Wifi": {"RSSI": 78, "Signal": -61}}

    def _time(self) -> str:
        return f"{local(self.at()):%Y-%m-%dT%H:%M:%S}"


def _seconds(pulse: int) -> float:
    return pulse / 10 if pulse <= 111 else float(pulse - 100)
