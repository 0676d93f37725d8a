"""What all switches of the demo house have in common: a contact with an appliance, a button, an account.

Modes beside those of any device (devices.modes): `lying`: it says on, and nothing flows; `stuck`: it says off, and current flows;
`overheated`, `overpower`: it switched itself off and says why; `restart`: the current was away for a moment; `fault`: what it
measures is not told.
"""

import base64
import hashlib
import hmac
import secrets
import time
from urllib.request import parse_http_list, parse_keqv_list

from energysite.demo.contacts import LYING, OVERHEATED, OVERPOWER, STUCK, Contact
from energysite.demo.devices.device import Clock
from energysite.demo.devices.http import HttpDevice, Question, Reply
from energysite.demo.devices.modes import Mode
from energysite.demo.model import House

AILMENTS = (LYING, STUCK, OVERHEATED, OVERPOWER)
VOLT = 233.4
NONCES = 16


class SwitchDevice(HttpDevice):
    """`password`: empty, nobody is asked. `contact.mono` counts its timer."""

    user = "admin"

    def __init__(self, house: House, now: Clock, mode: Mode, contact: Contact) -> None:
        super().__init__(house, now, mode)
        self.contact = contact
        self.password = ""
        self.questions = 0  # how often it was asked anything
        self._behave()

    async def set_mode(self, mode: Mode) -> None:
        await super().set_mode(mode)
        self._behave()

    def press(self) -> None:
        """A person, at the button of the device."""
        self.contact.press()

    def _behave(self) -> None:
        self.contact.ail(self.mode.name if self.mode.name in AILMENTS else "")
        if self.mode.name == "restart":
            self.contact.restart()
            self.mode = Mode()

    def answer(self, question: Question) -> Reply:
        self.questions += 1
        return self.asked(question)

    def asked(self, question: Question) -> Reply:
        raise NotImplementedError

    @property
    def power_w(self) -> int:
        return self.contact.power_w(self.at())

    @property
    def energy_wh(self) -> float:
        return self.contact.energy_wh(self.at())

    @property
    def temperature_c(self) -> float:
        return self.contact.temperature_c(self.at())

    def amps(self) -> float:
        return round(self.power_w / VOLT, 3)


def flag(text: str | None) -> bool | None:
    """As devices read one in a query; None for what is none."""
    return {"true": True, "1": True, "on": True, "false": False, "0": False, "off": False}.get((text or "").lower())


def number(text: str | None) -> float:
    """Raises ValueError for what is none; nothing is 0."""
    return float(text or 0)


def basic(question: Question, user: str, password: str) -> bool:
    expected = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    return hmac.compare_digest(question.headers.get("authorization", "").encode(), expected.encode())


class Digest:
    """HTTP digest of RFC 7616 with SHA-256 and qop=auth. A nonce is good until NONCES newer ones were given."""

    def __init__(self, realm: str) -> None:
        self.realm = realm
        self._nonces: list[str] = []

    def challenge(self) -> str:
        nonce = f"{int(time.time()):x}{secrets.token_hex(4)}"
        self._nonces = [*self._nonces[1 - NONCES :], nonce]
        return f'Digest qop="auth", realm="{self.realm}", nonce="{nonce}", algorithm=SHA-256'

    def accepts(self, question: Question, user: str, password: str) -> bool:
        scheme, _space, rest = question.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "digest":
            return False
        told = parse_keqv_list([part for part in parse_http_list(rest) if "=" in part])
        if told.get("nonce") not in self._nonces or told.get("uri") != question.target or told.get("username") != user:
            return False
        if told.get("algorithm") != "SHA-256" or told.get("qop") != "auth":
            return False
        secret = _sha(f"{user}:{self.realm}:{password}")
        wanted = _sha(
            ":".join((secret, told["nonce"], told.get("nc", ""), told.get("cnonce", ""), "auth", _sha(f"{question.method}:{told['uri']}")))
        )
        return hmac.compare_digest(told.get("response", "").encode(), wanted.encode())


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
