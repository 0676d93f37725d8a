"""An SPI bus that is a Unix socket, for gpiozero: the demo house's chip speaks the same bytes as a real one.

Each transfer is one message: one byte says how many follow, then the bytes out; the answer is as many bytes. Imported late, as it
imports gpiozero.
"""

import os
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from gpiozero.pins import SPI, Factory

from energysite.errors import DeviceUnavailable


class SocketFactory(Factory):
    """Gives one bus to all that ask; has no pins. `deadline`: when a transfer is given up, time.monotonic()."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.deadline = 0.0

    def spi(self, **_arguments: Any) -> "SocketSpi":
        return SocketSpi(self)


class SocketSpi(SPI):
    """Raises DeviceUnavailable, in words, where nobody answers a transfer by the factory's deadline."""

    def __init__(self, factory: SocketFactory) -> None:
        super().__init__(pin_factory=factory)
        self._factory = factory
        self._socket: socket.socket | None = None

    def transfer(self, data: Sequence[int]) -> list[int]:
        reused = self._socket is not None
        try:
            try:
                return self._transfer(data)
            except ConnectionError:
                if not reused:
                    raise
                self.close()  # the demo house was started anew
                return self._transfer(data)
        except OSError as error:
            self.close()
            raise DeviceUnavailable(_("The demo house's analog inputs do not answer. Check that the demo house runs.")) from error

    def _transfer(self, data: Sequence[int]) -> list[int]:
        if self._socket is None:
            self._socket = self._connected()
        self._arm(self._socket).sendall(bytes((len(data), *data)))
        return list(self._exactly(self._socket, len(data)))

    def close(self) -> None:
        connection, self._socket = getattr(self, "_socket", None), None
        if connection is not None:
            connection.close()
        super().close()

    @property
    def closed(self) -> bool:
        return self._socket is None

    def _get_clock_mode(self) -> int:
        return 0

    def _connected(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        # Through its folder: a path of more than 107 bytes does not fit into an address.
        folder = os.open(self._factory.path.parent, os.O_PATH | os.O_DIRECTORY)
        try:
            self._arm(connection).connect(f"/proc/self/fd/{folder}/{self._factory.path.name}")
        except BaseException:
            connection.close()
            raise
        finally:
            os.close(folder)
        return connection

    def _arm(self, connection: socket.socket) -> socket.socket:
        left_s = self._factory.deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the transfer took too long")
        connection.settimeout(left_s)
        return connection

    def _exactly(self, connection: socket.socket, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self._arm(connection).recv(size - len(data))
            if not more:
                raise ConnectionResetError
            data += more
        return data
