"""`manage.py agent NAME get_states | get_config | set_config KEY=VALUE...`: a client of /ws/agents/, on this machine or another."""

import json
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.sync.client import ClientConnection, connect

from energysite import env, sockets

TIMEOUT_S = 10.0
CLOSED = {
    sockets.LOGIN: "The token is not known here, or it has expired. Use --token with a file that holds a valid one.",
    sockets.UNKNOWN: "No agent there has this name. Pages, and the meters in the admin, show the names.",
    sockets.FORBIDDEN: "This token may not do that: its role is too small.",
    sockets.TOO_FAST: "Too many messages in a second.",
    sockets.TOO_MANY: "Too many connections are open with this token. Close some.",
    sockets.DATABASE_AWAY: "The site's database does not answer. Try again in a moment.",
}


class Command(BaseCommand):
    help = "Ask a running site for an agent's state or settings, or change its settings."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the agent's name, as pages show it")
        parser.add_argument("command", choices=["get_states", "get_config", "set_config"])
        parser.add_argument("values", nargs="*", metavar="KEY=VALUE", help='VALUE as JSON (5, true, null, "text") or plain text')
        parser.add_argument("--url", default="", help="of the site: ws://host:port or wss://host (default: the one running here)")
        parser.add_argument("--token", type=Path, default=None, help="file with the token (default: cli.token of the running house)")

    def handle(self, *args: Any, **options: Any) -> None:
        values = _values(options["values"])
        if bool(values) != (options["command"] == "set_config"):
            raise CommandError("set_config takes KEY=VALUE, one or more; the others take none.")
        url = f"{_site(options['url'])}/ws/agents/{quote(options['name'], safe='')}/"
        with _connected(url, _token(options["token"] or settings.MODE_DIR / "cli.token")) as site:
            try:
                message: dict[str, Any] = {"command": options["command"]}
                if values:
                    message |= {"values": values, "version": _asked(site, {"command": "get_config"})["version"]}
                reply = _asked(site, message)
            except TimeoutError:
                raise CommandError(f"{url} did not answer within {TIMEOUT_S:.0f} s.") from None
            except ConnectionClosed as error:
                code = error.rcvd.code if error.rcvd else 1006
                raise CommandError(CLOSED.get(code, f"The site closed the connection (code {code}). Try again.")) from None
        self.stdout.write(
            json.dumps({key: value for key, value in reply.items() if key not in ("ok", "command")}, indent=2, ensure_ascii=False)
        )


def _values(words: list[str]) -> dict[str, Any]:
    values = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not (key and equals):
            raise CommandError(f"{word!r} is not KEY=VALUE.")
        try:
            values[key] = json.loads(text)
        except ValueError:
            values[key] = text
    return values


def _site(url: str) -> str:
    """The site's address with the scheme of a websocket."""
    if not url:
        url = _running() or f"http://127.0.0.1:{env.integer('PORT', 8000, low=1, high=65535)}"
    scheme, separator, rest = url.rstrip("/").partition("://")
    schemes = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}
    if not separator or scheme not in schemes:
        raise CommandError(f"{url!r} is no address of a site. Use ws://host:port or wss://host.")
    return f"{schemes[scheme]}://{rest}"


def _running() -> str:
    """What the supervisor of this DATA_DIR wrote down, unless PORT says otherwise."""
    if "PORT" in os.environ:
        return ""
    try:
        rows = json.loads((settings.MODE_DIR / "processes.json").read_text())
    except FileNotFoundError:
        return ""
    return next((row.get("url", "") for row in rows if row["name"] == "web"), "")


def _token(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError as error:
        raise CommandError(f"No token in {path} ({error.strerror}). `manage.py up` writes it at its start; or use --token FILE.") from None


def _connected(url: str, token: str) -> ClientConnection:
    try:
        return connect(url, additional_headers={"Authorization": f"Bearer {token}"}, open_timeout=TIMEOUT_S, proxy=None)
    except InvalidStatus as error:
        raise CommandError(f"{url} refused the connection (HTTP {error.response.status_code}). Is it the right site?") from None
    except (InvalidHandshake, InvalidURI, OSError, TimeoutError) as error:
        raise CommandError(f"{url} does not answer ({error}). Is the site running? `manage.py up` starts it.") from None


def _asked(site: ClientConnection, message: dict[str, Any]) -> dict[str, Any]:
    """The answer; states that the site sends by itself meanwhile are left out. Raises CommandError with the site's own words."""
    site.send(json.dumps(message))
    while True:
        reply: dict[str, Any] = json.loads(site.recv(timeout=TIMEOUT_S))
        if reply.get("ok") is False:
            raise CommandError(reply["error"])
        if reply.get("ok"):
            return reply
