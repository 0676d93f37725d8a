"""The mail server as EMAIL_URL names it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from energysite.env import EnvError

# Encrypted from the start; encrypted by STARTTLS; not at all, for a server in the house.
PORTS = {"smtps": 465, "smtp": 587, "smtp+plain": 25}
SCHEMES = tuple(PORTS)


@dataclass(frozen=True, slots=True)
class MailServer:
    """`host` is empty where none is set. `sender`: whom messages are from, unless EMAIL_FROM says otherwise."""

    host: str = ""
    port: int = 25
    user: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    starttls: bool = False

    @property
    def sender(self) -> str:
        return self.user if "@" in self.user else f"energysite@{self.host or 'localhost'}"


def of(url: str) -> MailServer:
    """smtps://user:password@mail.example.org[:465], smtp:// (STARTTLS, 587) or smtp+plain:// (25); user and password are %-encoded.
    Raises EnvError, which never holds the password."""
    if not url:
        return MailServer()
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if not parts.hostname or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise EnvError("EMAIL_URL is written as smtps://user:password@host, with %40 for an @ in the user's name or password.")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return MailServer(
        parts.hostname, port or PORTS[parts.scheme], user, password, tls=parts.scheme == "smtps", starttls=parts.scheme == "smtp"
    )
