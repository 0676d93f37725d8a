"""What switches have in common: on or off, asked over HTTP, every failure one of the two that a holder knows."""

from collections.abc import Iterable, Mapping
from typing import Any

from control.outputs.login import Login
from energysite.errors import BadReading, DeviceConfigError, DeviceUnavailable
from energysite.phrases import of_error
from energysite.phrases import phrase as _
from meters.transports.answers import JsonDevice, document, number
from meters.transports.http import Answer, HttpDevice

HALF = 0.5
# Asked and answered by the deadline or not at all: a switch that acts on an old question would be worse than one that does not.
JSON = {"Accept": "application/json"}


def is_on(level: float) -> bool:
    """Of a device that knows on and off alone. Raises ValueError for what is no level."""
    if not 0 <= level <= 1:
        raise ValueError(f"{level} is no level between 0 and 1")
    return level >= HALF


class SwitchDevice:
    """A device with HTTP, and who we are to it. `secrets`: what no error may show, should it echo them."""

    def __init__(self, address: str, *, login: Login | None = None, secrets: Iterable[str] = ()) -> None:
        self._device = JsonDevice(address, secrets=secrets)
        self._login = login or Login()

    @property
    def host(self) -> str:
        return self._device.host

    @property
    def http(self) -> HttpDevice:
        return self._device.http

    @property
    def heard(self) -> str:
        return self._device.heard

    def ask(self, path: str, deadline: float, *, method: str = "GET", body: bytes | None = None) -> Answer:
        """Whatever status it answers with, once we have said who we are. Raises DeviceUnavailable, DeviceConfigError."""
        answer = self._once(path, deadline, method, body)
        if answer.status == 401 and self._login.challenged(answer.headers.get("www-authenticate", "")):
            answer = self._once(path, deadline, method, body)
        return answer

    def json(self, path: str, deadline: float, *, method: str = "GET", body: bytes | None = None) -> Any:
        """The parsed body of a good answer. Raises DeviceUnavailable, DeviceConfigError."""
        return self.parsed(self.ask(path, deadline, method=method, body=body))

    def parsed(self, answer: Answer) -> Any:
        """As `json`, of an answer that is there."""
        try:
            return document(self.http, answer, self._device.secrets)
        except BadReading as error:  # a switch has no reading to set aside: asked again, it may answer
            raise DeviceUnavailable(of_error(error)) from error

    def figure(self, value: Any, what: str, factor: float = 1.0) -> int | None:
        """Rounded to the nearest; None for null, and for what is no number: power is worth less than knowing on from off."""
        try:
            found = number(value, what)
            return None if found is None else round(found * factor)
        except BadReading:
            return None

    def flag(self, value: Any) -> bool:
        """Raises DeviceConfigError where the device does not tell on from off: it is another one than we were told."""
        if not isinstance(value, bool):
            raise DeviceConfigError(
                _("%(host)s does not say whether it is on. Check the make you chose, and the channel.") % {"host": self.host}
            )
        return value

    def close(self) -> None:
        self._device.close()

    def _once(self, path: str, deadline: float, method: str, body: bytes | None) -> Answer:
        headers: Mapping[str, str] = {**JSON, **({"Content-Type": "application/json"} if body is not None else {})}
        return self._device.ask(path, deadline, method=method, headers={**headers, **self._login.header(method, path)}, body=body)
