"""A Shelly 1PM of the first generation in the demo house: `/relay/0`, `/meter/0`, `/status`, `/settings/relay/0`.

Its counter tells watt-minutes. `timer` flips the relay after so many seconds, from on to off and from off to on. With a password it
asks for HTTP basic on all but `/shelly`.
"""

from typing import Any

from energysite.demo.contacts import OVERHEATED, OVERPOWER
from energysite.demo.devices.http import Question, Reply, as_json, not_found
from energysite.demo.devices.switch import SwitchDevice, basic, number

HOST = "shelly1pm-84cca8a1b2c3"
MOST_W = 3500


class Shelly1(SwitchDevice):
    power_limit_w = MOST_W

    def asked(self, question: Question) -> Reply:
        if question.path == "/shelly":
            told = {"type": "SHSW-PM", "mac": HOST[-12:].upper(), "auth": bool(self.password), "fw": "20230913-112234/v1.14.0-gcb84623"}
            return as_json(told | {"discoverable": True, "num_outputs": 1, "num_meters": 1})
        if self.password and not basic(question, self.user, self.password):
            return Reply(b"401 Unauthorized", 401, "text/html", {"WWW-Authenticate": f'Basic realm="{HOST}"'})
        try:
            if question.path == "/relay/0":
                return self._relay_asked(question)
            if question.path == "/settings/relay/0":
                return self._settings_asked(question)
        except ValueError:
            return Reply(b"Bad timer!", 400, "text/plain")
        if question.path == "/meter/0":
            return as_json(self._meter())
        if question.path == "/status":
            return as_json(self._status())
        if question.path == "/reboot":
            self.contact.restart()
            return as_json({"ok": True})
        return not_found()

    def _relay_asked(self, question: Question) -> Reply:
        turn = question.query.get("turn")
        if turn not in (None, "on", "off", "toggle"):
            return Reply(b"Bad turn!", 400, "text/plain")
        if turn is not None:
            on = not self.contact.on if turn == "toggle" else turn == "on"
            self.contact.switch(on, "http", number(question.query.get("timer")))
        return as_json(self._relay())

    def _relay(self) -> dict[str, Any]:
        on, timer = self.contact.on, self.contact.timer
        ran, of = timer or (0.0, 0.0)
        return {
            "ison": on,
            "has_timer": timer is not None,
            "timer_started": int(self.now() - ran) if timer else 0,
            "timer_duration": int(of),
            "timer_remaining": int(of - ran),
            "overpower": self.contact.ailment == OVERPOWER,
            "source": {"button": "input", "init": "init"}.get(self.contact.source, self.contact.source),
        }

    def _settings_asked(self, question: Question) -> Reply:
        ask = question.query
        if ask.get("default_state", "off") not in ("off", "on", "last", "switch"):
            return Reply(b"Bad default_state!", 400, "text/plain")
        if "auto_off" in ask:
            self.contact.auto_off_s = number(ask["auto_off"])
        if "max_power" in ask:
            self.power_limit_w = int(number(ask["max_power"]))
        self.contact.at_start = ask.get("default_state", self.contact.at_start)
        told: dict[str, Any] = {
            "name": None,
            "appliance_type": "General",
            "ison": self.contact.on,
            "has_timer": self.contact.timer is not None,
        }
        told |= {"default_state": self.contact.at_start, "btn_type": "toggle", "btn_reverse": 0, "auto_on": 0.0}
        told |= {"auto_off": self.contact.auto_off_s, "max_power": self.power_limit_w, "schedule": False, "schedule_rules": []}
        return as_json(told)

    def _meter(self) -> dict[str, Any]:
        minutes = [float(self.power_w)] * 3
        told: dict[str, Any] = {"power": float(self.power_w), "overpower": 0.0, "is_valid": self.mode.name != "fault"}
        return told | {"timestamp": int(self.now()), "counters": minutes, "total": int(self.energy_wh * 60)}

    def _status(self) -> dict[str, Any]:
        celsius = self.temperature_c
        told: dict[str, Any] = {"wifi_sta": {"connected": True, "ssid": "Demo house", "ip": self.host, "rssi": -61}}
        told |= {"mqtt": {"connected": False}, "unixtime": int(self.now()), "has_update": False, "mac": HOST[-12:].upper()}
        told |= {"relays": [self._relay()], "meters": [self._meter()], "inputs": [{"input": 0, "event": "", "event_cnt": 0}]}
        told |= {"temperature": celsius, "overtemperature": self.contact.ailment == OVERHEATED}
        told |= {"tmp": {"tC": celsius, "tF": round(celsius * 1.8 + 32, 2), "is_valid": True}, "temperature_status": "Normal"}
        return told | {"ram_total": 51688, "ram_free": 39164, "fs_size": 233681, "fs_free": 150600, "uptime": int(self.contact.uptime_s)}
