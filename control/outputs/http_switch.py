"""Any switch with HTTP: the requests for on, off and the state, and where in its answer the state and the power stand, are configured.
Nothing is known of a timer of its own: if this machine dies, it stays as it is."""

import json
from typing import Any

from control.outputs import Reading
from control.outputs.login import Basic
from control.outputs.switch import SwitchDevice, is_on
from energysite.errors import BadReading, DeviceConfigError, DeviceUnavailable
from energysite.phrases import of_error
from energysite.phrases import phrase as _
from energysite.text import plain
from meters.transports.answers import at, check_status, in_query

SHOWN = 40
ON, OFF = ("on", "true", "1"), ("off", "false", "0")


class HttpSwitch:
    family = "http"
    has_timer = False

    def __init__(
        self,
        address: str,
        on_request: str,
        off_request: str,
        *,
        state: tuple[str, str] = ("", ""),
        power_path: str = "",
        texts: tuple[str, str] = ("ON", "OFF"),
        username: str = "",
        password: str = "",
    ) -> None:
        """`state`: the request for it, and where it stands in the answer. Without one, nothing can be read back."""
        login = Basic(username, password) if password else None
        hidden = [word for path in (on_request, off_request, state[0]) for word in in_query(path)]
        self._device = SwitchDevice(address, login=login, secrets=[password, *hidden])
        self._requests = {True: on_request, False: off_request}
        self._state_request, self._state_path = state
        self._power_path = power_path
        self._words = {True: (*ON, texts[0].lower()), False: (*OFF, texts[1].lower())}

    @property
    def heard(self) -> str:
        return self._device.heard

    def apply(self, level: float, lease_s: float, deadline: float) -> None:
        self._switch(is_on(level), deadline)

    def safe(self, deadline: float) -> None:
        self._switch(False, deadline)

    def read(self, deadline: float) -> Reading:
        if not self._state_request:
            return Reading(level=None)
        if not self._state_path:
            answer = self._device.ask(self._state_request, deadline)
            check_status(self._device.http, answer)
            return Reading(level=self._level(answer.body.decode("utf-8", "replace").strip()))
        given = self._device.json(self._state_request, deadline)
        power = self._device.figure(self._at(given, self._power_path), self._power_path) if self._power_path else None
        return Reading(level=self._level(self._at(given, self._state_path)), power_w=power)

    def close(self) -> None:
        self._device.close()

    def _switch(self, on: bool, deadline: float) -> None:
        answer = self._device.ask(self._requests[on], deadline)
        if answer.status not in (201, 202, 204):  # done, and nothing to say
            check_status(self._device.http, answer)

    def _at(self, given: Any, path: str) -> Any:
        try:
            return at(given, path)
        except BadReading as error:
            raise DeviceConfigError(of_error(error)) from error

    def _level(self, value: Any) -> float:
        word = (value if isinstance(value, str) else json.dumps(value)).lower()
        for on, words in self._words.items():
            if word in words:
                return float(on)
        raise DeviceUnavailable(
            _("%(host)s says “%(word)s”, which is neither on nor off. Set the texts for on and off.")
            % {"host": self._device.host, "word": plain(word, SHOWN)}
        )
