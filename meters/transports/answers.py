"""An answer of a device as JSON, and numbers in it that can be trusted. What is wrong is told in words with the device's name."""

import html
import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus

from energysite.device_look import HEARD_SHOWN
from energysite.errors import BadReading, DeviceConfigError, DeviceUnavailable
from energysite.phrases import phrase as _
from energysite.text import excerpt, plain
from meters.transports.http import Answer, HttpDevice

SHOWN = 80
MOST = 2_000_000_000.0  # W or Wh, which the tables keep in 32 bits
MASK = b"***"
SHORTEST_KEY = 6


class JsonDevice:
    """A device on the home network that answers in JSON. `secrets`: what no error and no `heard` may show, should it echo them."""

    def __init__(self, address: str, *, secrets: Iterable[str] = ()) -> None:
        self.http = HttpDevice(address, self_signed=True)
        self.secrets = list(secrets)
        self._last = b""

    @property
    def host(self) -> str:
        return self.http.host

    @property
    def heard(self) -> str:
        return excerpt(masked(self._last, self.secrets), HEARD_SHOWN)

    def ask(
        self, path: str, deadline: float, *, method: str = "GET", headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """Whatever status it answers with. Raises DeviceUnavailable, DeviceConfigError."""
        self._last = b""
        answer = self.http.ask(path, deadline, method=method, headers=headers, body=body)
        self._last = answer.body
        return answer

    def json(
        self, path: str, deadline: float, *, method: str = "GET", headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Any:
        """The parsed body of a good answer. Raises DeviceUnavailable, DeviceConfigError, BadReading."""
        return document(self.http, self.ask(path, deadline, method=method, headers=headers, body=body), self.secrets)

    def close(self) -> None:
        self.http.close()


def document(device: HttpDevice, answer: Answer, secrets: Iterable[str] = ()) -> Any:
    """The parsed body of a good answer. Raises DeviceUnavailable, DeviceConfigError (a retry cannot help), BadReading."""
    check_status(device, answer)
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        start = plain(masked(answer.body, secrets)[:SHOWN].decode("utf-8", "replace"))
        raise BadReading(
            _("%(host)s answers, but not with numbers: “%(start)s…”. Check that the address is the device's own.")
            % {"host": device.host, "start": start}
        ) from error


def masked(body: bytes, secrets: Iterable[str]) -> bytes:
    """Without these, however the device writes them when it echoes what it was asked."""
    for secret in filter(None, secrets):
        for written in {secret, json.dumps(secret)[1:-1], quote(secret, safe=""), quote_plus(secret), html.escape(secret)}:
            body = body.replace(written.encode(), MASK)
    return body


def check_status(device: HttpDevice, answer: Answer) -> None:
    names = {"host": device.host, "status": answer.status}
    if answer.status == 200:
        return
    if answer.status in (401, 403):
        raise DeviceConfigError(
            _("%(host)s refuses (HTTP %(status)s). Check its password, and that its local access is switched on.") % names
        )
    if answer.status == 404:
        raise DeviceConfigError(_("%(host)s does not know this question (HTTP 404). Check the make you chose, and the address.") % names)
    if 300 <= answer.status < 400:
        raise DeviceConfigError(_("%(host)s sends us elsewhere (HTTP %(status)s), and we do not go. Use the address it leads to.") % names)
    if answer.status == 429:
        raise DeviceUnavailable(_("%(host)s says that it is asked too often (HTTP 429). Choose a longer period.") % names)
    raise DeviceUnavailable(_("%(host)s answers HTTP %(status)s. It is asked again.") % names)


def number(value: Any, what: str) -> float | None:
    """None for null; BadReading for text, true, NaN, infinity, or more than any house has."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= MOST:
        raise BadReading(_("%(what)s is %(value)s, which is no number.") % {"what": what, "value": plain(repr(value))[:SHOWN]})
    return float(value)


def whole(value: Any, what: str, factor: float = 1.0) -> int | None:
    """`number` times a factor as an integer, rounded to the nearest."""
    found = number(value, what)
    scaled = None if found is None else number(found * factor, what)
    return None if scaled is None else round(scaled)


def percent(value: float | None) -> float | None:
    """0 to 100; None for what cannot be a battery's charge."""
    return None if value is None or not 0 <= value <= 101 else min(100.0, value)


def part(given: Any, *path: str) -> Any:
    """What lies at a path of names; None where a step is missing or leads through something that has no names."""
    for name in path:
        if not isinstance(given, dict):
            return None
        given = given.get(name)
    return given


def at(given: Any, path: str) -> Any:
    """What stands at names and places joined by dots, such as `data.0.power`. Raises BadReading where that leads nowhere."""
    for step in path.split("."):
        if isinstance(given, list) and step.isascii() and step.isdigit() and int(step) < len(given):
            given = given[int(step)]
        elif isinstance(given, dict) and step in given:
            given = given[step]
        else:
            raise BadReading(_("The answer has nothing at “%(path)s”. Look at the answer that Test shows.") % {"path": path})
    return given


def in_query(path: str) -> list[str]:
    """Values behind the question mark may be keys; a short one is none, and would hide numbers."""
    query = path.partition("?")[2]
    return [query, *(value for _name, value in parse_qsl(query) if len(value) >= SHORTEST_KEY)]
