"""The demo house's relay board for gpiozero: pins at the end of a Unix socket. Imported late, as it imports gpiozero.

Each question is three bytes, an operation, the number of the GPIO and a level; the answer is one byte, the level that the pin has then,
or 255. `o`: an output that drives this level, `w`: drive it, `i`: an input, `r`: read. A pin stays driven when the connection ends, as
a Pi's does.
"""

import os
import socket
import time
from pathlib import Path
from typing import Any

from gpiozero.pins import Factory, Pin

from energysite.errors import DeviceUnavailable
from energysite.phrases import phrase as _

PULL_NONE = 2


class SocketPins(Factory):
    """`deadline`: when a question is given up, time.monotonic()."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._socket: socket.socket | None = None
        self._pins: dict[int, SocketPin] = {}
        self.deadline = 0.0

    def reserve_pins(self, requester: Any, *names: Any) -> None:
        """Each output has a factory of its own; that no two have one pin the database sees to."""

    def release_pins(self, reserver: Any, *names: Any) -> None:
        """As above."""

    def pin(self, name: Any) -> "SocketPin":
        return self._pins.setdefault(int(name), SocketPin(self, int(name)))

    def ask(self, operation: str, pin: int, level: int = 0) -> int:
        """Raises DeviceUnavailable, in words, where nobody answers by the deadline."""
        reused = self._socket is not None
        try:
            try:
                return self._ask(bytes((ord(operation), pin, level)))
            except ConnectionError:
                if not reused:
                    raise
                self.close()  # the demo house was started anew
                return self._ask(bytes((ord(operation), pin, level)))
        except (OSError, ValueError) as error:
            self.close()
            raise DeviceUnavailable(_("The demo house's relay board does not answer. Check that the demo house runs.")) from error

    def close(self) -> None:
        connection, self._socket = self._socket, None
        if connection is not None:
            connection.close()

    def _ask(self, question: bytes) -> int:
        if self._socket is None:
            self._socket = self._connected()
        self._armed(self._socket).sendall(question)
        answer = self._armed(self._socket).recv(1)
        if not answer:
            raise ConnectionResetError
        if answer[0] not in (0, 1):
            raise ValueError("the board refuses")
        return answer[0]

    def _connected(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        # Through its folder: a path of more than 107 bytes does not fit into an address.
        folder = -1
        try:
            folder = os.open(self._path.parent, os.O_PATH | os.O_DIRECTORY)
            self._armed(connection).connect(f"/proc/self/fd/{folder}/{self._path.name}")
        except BaseException:
            connection.close()
            raise
        finally:
            if folder >= 0:
                os.close(folder)
        return connection

    def _armed(self, connection: socket.socket) -> socket.socket:
        left_s = self.deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the relay board took too long")
        connection.settimeout(left_s)
        return connection


class SocketPin(Pin):
    """As gpiozero's output devices use a pin."""

    def __init__(self, factory: SocketPins, number: int) -> None:
        super().__init__()
        self._factory, self._number = factory, number
        self.name = f"GPIO{number}"
        self._output = False

    def output_with_state(self, state: Any) -> None:
        self._output = True
        self._factory.ask("o", self._number, int(bool(state)))

    def close(self) -> None:
        """Left as it is driven, as a pin of a Pi whose program was killed."""

    def _get_function(self) -> str:
        return "output" if self._output else "input"

    def _set_function(self, value: str) -> None:
        self._output = value == "output"
        self._factory.ask("o" if self._output else "i", self._number, 0 if self._output else PULL_NONE)

    def _get_state(self) -> int:
        return self._factory.ask("r", self._number)

    def _set_state(self, value: Any) -> None:
        self._factory.ask("w", self._number, int(bool(value)))

    def _get_info(self) -> "SocketPin":
        return self  # of which gpiozero wants the name
