"""A Shelly Plus 1PM (second generation and later) in the demo house: RPC over GET with a query and over POST, as its manual tells.

`toggle_after` flips the output after so many seconds, from on to off and from off to on: nobody should send it with on=false. With a
password it asks for HTTP digest with SHA-256 on all but `/shelly`.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from energysite.demo.contacts import OVERHEATED, OVERPOWER, Contact
from energysite.demo.devices.device import Clock
from energysite.demo.devices.http import Question, Reply, as_json, not_found
from energysite.demo.devices.modes import Mode
from energysite.demo.devices.switch import VOLT, Digest, SwitchDevice, flag
from energysite.demo.model import House

ID = "shellyplus1pm-a8032ab63d4c"
INVALID, UNAVAILABLE, NO_HANDLER = -103, -109, 404
ERRORS = {OVERHEATED: "overtemp", OVERPOWER: "overpower"}
START = {"off": "off", "on": "on", "restore_last": "last", "match_input": "last"}
USUAL_DELAY_S = 60.0


class RpcError(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Shelly2(SwitchDevice):
    def __init__(self, house: House, now: Clock, mode: Mode, contact: Contact) -> None:
        super().__init__(house, now, mode, contact)
        self.digest = Digest(ID)
        self.methods: dict[str, Callable[[Mapping[str, Any]], Any]] = {
            "Switch.Set": self._set,
            "Switch.Toggle": self._toggle,
            "Switch.GetStatus": lambda asked: self._status(_channel(asked)),
            "Switch.GetConfig": lambda asked: self._config(_channel(asked)),
            "Switch.SetConfig": self._set_config,
            "Sys.GetStatus": lambda _asked: self._system(),
            "Shelly.GetStatus": lambda _asked: {"switch:0": self._status(0), "sys": self._system()},
            "Shelly.GetDeviceInfo": lambda _asked: self._info(),
            "Shelly.Reboot": lambda _asked: self.contact.restart(),
        }

    def asked(self, question: Question) -> Reply:
        if question.path == "/shelly":
            return as_json(self._info())
        if question.path != "/rpc" and not question.path.startswith("/rpc/"):
            return not_found()
        if self.password and not self.digest.accepts(question, self.user, self.password):
            return Reply(b"", 401, "application/json", {"WWW-Authenticate": self.digest.challenge()})
        if question.path == "/rpc":
            return self._framed(question.body)
        try:
            given = json.loads(question.body) if question.method == "POST" and question.body else dict(question.query)
            return as_json(self._called(question.path.removeprefix("/rpc/"), given))
        except ValueError:
            return as_json({"code": INVALID, "message": "Request is no JSON!"}, 400)
        except RpcError as error:
            return as_json({"code": error.code, "message": str(error)}, 404 if error.code == NO_HANDLER else 500)

    def _framed(self, body: bytes) -> Reply:
        """{"id", "method", "params"} of JSON-RPC; an error is told with status 200."""
        try:
            asked = json.loads(body)
            frame = {"id": asked["id"], "src": ID}
            method, given = asked["method"], asked.get("params") or {}
        except (ValueError, LookupError, TypeError):
            return as_json({"code": INVALID, "message": "Request is no frame!"}, 400)
        try:
            return as_json(frame | {"result": self._called(method, given)})
        except RpcError as error:
            return as_json(frame | {"error": {"code": error.code, "message": str(error)}})

    def _called(self, method: str, given: Mapping[str, Any]) -> Any:
        if method not in self.methods:
            raise RpcError(NO_HANDLER, f"No handler for {method}")
        return self.methods[method](given)

    def _set(self, given: Mapping[str, Any]) -> dict[str, bool]:
        _channel(given)
        on = _flag(given.get("on"))
        if on is None:
            raise RpcError(INVALID, "Missing or bad argument 'on'!")
        after_s = _number(given.get("toggle_after"))
        return {"was_on": self.contact.switch(on, "http", after_s)}

    def _toggle(self, given: Mapping[str, Any]) -> dict[str, bool]:
        _channel(given)
        return {"was_on": self.contact.switch(not self.contact.on, "http")}

    def _status(self, channel: int) -> dict[str, Any]:
        on, timer = self.contact.on, self.contact.timer
        told: dict[str, Any] = {
            "id": channel,
            "source": {"http": "HTTP_in", "button": "button"}.get(self.contact.source, self.contact.source),
        }
        told["output"] = on
        if timer is not None:
            told |= {"timer_started_at": round(self.now() - timer[0], 2), "timer_duration": timer[1]}
        celsius, wh = self.temperature_c, round(self.energy_wh, 3)
        if self.mode.name == "fault":
            told |= {"apower": None, "voltage": None, "current": None, "errors": ["power_meter_failure"]}
        else:
            told |= {"apower": float(self.power_w), "voltage": VOLT, "freq": 50.0, "current": self.amps()}
        told["aenergy"] = {"total": wh, "by_minute": [self.power_w * 1000 / 60] * 3, "minute_ts": int(self.now()) // 60 * 60}
        told["temperature"] = {"tC": celsius, "tF": round(celsius * 1.8 + 32, 1)}
        if self.contact.ailment in ERRORS:
            told["errors"] = [ERRORS[self.contact.ailment]]
        return told

    def _config(self, channel: int) -> dict[str, Any]:
        state = next(state for state, start in START.items() if start == self.contact.at_start)
        after_s = self.contact.auto_off_s
        told: dict[str, Any] = {"id": channel, "name": None, "in_mode": "follow", "initial_state": state}
        told |= {"auto_on": False, "auto_on_delay": 60.0, "auto_off": after_s > 0, "auto_off_delay": after_s or USUAL_DELAY_S}
        return told | {"power_limit": 4480, "voltage_limit": 280, "autorecover_voltage_errors": False, "current_limit": 16.0}

    def _set_config(self, given: Mapping[str, Any]) -> dict[str, bool]:
        _channel(given)
        try:
            config = json.loads(given["config"]) if isinstance(given["config"], str) else dict(given["config"])
        except (LookupError, ValueError, TypeError):
            raise RpcError(INVALID, "Missing or bad argument 'config'!") from None
        has = self._config(0)
        state = config.get("initial_state", has["initial_state"])
        if state not in START:
            raise RpcError(INVALID, "Invalid argument 'initial_state'!")
        delay_s = _number(config.get("auto_off_delay", has["auto_off_delay"]))
        self.contact.at_start = START[state]
        self.contact.auto_off_s = delay_s if config.get("auto_off", has["auto_off"]) else 0.0
        return {"restart_required": False}

    def _system(self) -> dict[str, Any]:
        told: dict[str, Any] = {"mac": ID[-12:].upper(), "restart_required": False, "unixtime": int(self.now())}
        return told | {"uptime": int(self.contact.uptime_s), "ram_size": 245016, "ram_free": 121556, "cfg_rev": 12, "reset_reason": 3}

    def _info(self) -> dict[str, Any]:
        told: dict[str, Any] = {"name": None, "id": ID, "mac": ID[-12:].upper(), "slot": 0, "model": "SNSW-001P16EU", "gen": 2}
        told |= {"fw_id": "20250924-062746/1.7.1-gd336f31", "ver": "1.7.1", "app": "Plus1PM"}
        return told | {"auth_en": bool(self.password), "auth_domain": ID if self.password else None}


def _channel(given: Mapping[str, Any]) -> int:
    """The only one, 0. Raises RpcError."""
    if str(given.get("id", "")) != "0":
        raise (
            RpcError(INVALID, "Missing required argument 'id'!")
            if "id" not in given
            else RpcError(INVALID, f"Argument 'id', value {given['id']} not found!")
        )
    return 0


def _flag(given: Any) -> bool | None:
    return given if isinstance(given, bool) or given is None else flag(str(given))


def _number(given: Any) -> float:
    try:
        return float(given or 0)
    except (TypeError, ValueError):
        raise RpcError(INVALID, "Argument is no number!") from None
