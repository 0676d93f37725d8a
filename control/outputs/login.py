"""Who we are to a device with HTTP: nobody, by a password in the header (Basic), or by a digest of it (RFC 7616). Pure."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass

# name=value or name="value", with \" inside the quotes
PART = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))', re.ASCII)
HASHES: dict[str, Callable[[bytes], str]] = {
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
}


class Login:
    """Nobody in particular."""

    def header(self, method: str, path: str) -> dict[str, str]:
        return {}

    def challenged(self, header: str) -> bool:
        """The device wants to know. True when asking again can help."""
        return False


@dataclass
class Basic(Login):
    username: str
    password: str

    def header(self, method: str, path: str) -> dict[str, str]:
        return {"Authorization": f"Basic {base64.b64encode(f'{self.username}:{self.password}'.encode()).decode()}"}


@dataclass(frozen=True, slots=True)
class Challenge:
    realm: str
    nonce: str
    algorithm: str
    opaque: str = ""
    stale: bool = False


class Digest(Login):
    """Answers the newest challenge of the device, with a count that grows; without a password it answers none."""

    def __init__(self, username: str, password: str) -> None:
        self._username, self._password = username, password
        self._challenge: Challenge | None = None
        self._count = 0

    def challenged(self, header: str) -> bool:
        found = challenge(header)
        if found is None or not self._password:
            return False
        refused = self._challenge is not None and found.nonce == self._challenge.nonce
        self._challenge, self._count = found, 0
        return not refused

    def header(self, method: str, path: str) -> dict[str, str]:
        if self._challenge is None:
            return {}
        self._count += 1
        mine = secrets.token_hex(8)
        return {"Authorization": authorization(self._challenge, self._username, self._password, method, path, self._count, mine)}


def challenge(header: str) -> Challenge | None:
    """Of WWW-Authenticate; None for another scheme, an algorithm that we do not know, or without qop=auth."""
    scheme, _space, rest = header.strip().partition(" ")
    if scheme.lower() != "digest":
        return None
    parts = {name.lower(): re.sub(r"\\(.)", r"\1", quoted) or plain for name, quoted, plain in PART.findall(rest)}
    algorithm = parts.get("algorithm", "MD5").upper()
    if algorithm not in HASHES or "auth" not in [word.strip() for word in parts.get("qop", "").split(",")]:
        return None
    stale = parts.get("stale", "").lower() == "true"
    return Challenge(parts.get("realm", ""), parts.get("nonce", ""), algorithm, parts.get("opaque", ""), stale)


def authorization(asked: Challenge, username: str, password: str, method: str, path: str, count: int, mine: str) -> str:
    """RFC 7616, 3.4.1, with qop=auth. `count`: of questions with this nonce, `mine`: the client's own nonce."""
    digest = HASHES[asked.algorithm]
    secret = digest(f"{username}:{asked.realm}:{password}".encode())
    question = digest(f"{method}:{path}".encode())
    response = digest(f"{secret}:{asked.nonce}:{count:08x}:{mine}:auth:{question}".encode())
    parts = {"username": username, "realm": asked.realm, "nonce": asked.nonce, "uri": path, "cnonce": mine, "response": response}
    quoted = [f'{name}="{_quoted(value)}"' for name, value in parts.items()]
    opaque = [f'opaque="{_quoted(asked.opaque)}"'] if asked.opaque else []
    return "Digest " + ", ".join([*quoted, f"algorithm={asked.algorithm}", "qop=auth", f"nc={count:08x}", *opaque])


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
