"""The two small inverters of the demo house over SMA WebConnect, as one device: JSON over TLS with a certificate of its own,
behind the login of its user group. It has few sessions; who does not log out keeps one until it is forgotten.
"""

import asyncio
import json
import secrets
import ssl
from pathlib import Path
from typing import Any

from energysite.demo.devices.device import Clock
from energysite.demo.devices.http import HttpDevice, Question, Reply, as_json, not_found
from energysite.demo.devices.modes import Mode
from energysite.demo.model import House
from energysite.demo.roof import Made

PARTS = (1, 2)
PASSWORD = "sunny-demo-1"  # noqa: S105  of a device that does not exist
DEVICE = "0199-B38D6A75"
SESSIONS = 4
FORGOTTEN_S = 300
WRONG_LOGIN, NO_SESSION_FREE = 401, 503
POWER, DAY, TOTAL, STRINGS, CONDITION = "6100_40263F00", "6400_00262200", "6400_00260100", "6380_40251E00", "6180_08214800"
OK_TAG, FAULT_TAG, OFF_TAG = 307, 35, 303


class Sma(HttpDevice):
    scheme = "https"

    def __init__(self, house: House, now: Clock, mode: Mode, certificate: Path) -> None:
        """`certificate`: a PEM file with the key in it, see devices.certificate."""
        super().__init__(house, now, mode)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._sessions: dict[str, float] = {}

    async def _listen(self, host: str, port: int) -> asyncio.Server:
        return await asyncio.start_server(self._accepted, host, port, ssl=self._context)

    async def _stop(self) -> None:
        await super()._stop()
        self._sessions.clear()

    def answer(self, question: Question) -> Reply:
        if question.method != "POST" or not question.path.startswith("/dyn/"):
            return not_found()
        try:
            given = json.loads(question.body or b"{}")
        except ValueError:
            return Reply(b"Bad Request", 400, "text/plain")
        if not isinstance(given, dict):
            return Reply(b"Bad Request", 400, "text/plain")
        if question.path == "/dyn/login.json":
            return as_json(self._login(given))
        session = question.query.get("sid", "")
        if session not in self._sessions:
            return as_json({"err": WRONG_LOGIN})
        if question.path == "/dyn/logout.json":
            del self._sessions[session]
            return as_json({"result": {"isLogin": False}})
        if question.path == "/dyn/getValues.json":
            self._sessions[session] = self.now()
            return as_json({"result": {DEVICE: self._values(given.get("keys"))}})
        return not_found()

    def _login(self, given: dict[str, Any]) -> dict[str, Any]:
        if given.get("right") != "usr" or given.get("pass") != PASSWORD:
            return {"err": WRONG_LOGIN}
        now = self.now()
        self._sessions = {session: used for session, used in self._sessions.items() if now - used < FORGOTTEN_S}
        if len(self._sessions) >= SESSIONS:
            return {"err": NO_SESSION_FREE}
        session = secrets.token_hex(8)
        self._sessions[session] = now
        return {"result": {"sid": session}}

    def _values(self, keys: Any) -> dict[str, Any]:
        """Of the keys that it knows; null for what it does not measure in the dark."""
        at = self.at()
        made, strings = self.house.made(PARTS, at), [self.house.made((part,), at) for part in PARTS]
        lit = made.awake and self.mode.name != "fault"
        known: dict[str, list[Any]] = {
            POWER: [made.power_w if lit else None],
            DAY: [made.day_wh],
            TOTAL: [made.total_wh],
            STRINGS: [string.power_w if lit else None for string in strings],
            CONDITION: [[{"tag": self._tag(made)}]],
        }
        asked = keys if isinstance(keys, list) else []
        return {key: {"1": [{"val": value} for value in known[key]]} for key in asked if isinstance(key, str) and key in known}

    def _tag(self, made: Made) -> int:
        if self.mode.name == "fault":
            return FAULT_TAG
        return OK_TAG if made.awake else OFF_TAG
