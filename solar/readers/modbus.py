"""Modbus TCP, function 3 (read holding registers): all that reading SunSpec needs, with one deadline for a whole answer.

Modbus Messaging on TCP/IP, V1.0b: a header of transaction, protocol 0, length and unit before each message.
"""

import itertools
import socket
import struct
import time

from django.utils.translation import gettext as _

from energysite.device_look import HEARD_SHOWN
from energysite.errors import BadReading, DeviceConfigError, DeviceUnavailable
from meters.transports.network import open_socket

READ = 3
MOST_REGISTERS = 125
HEADER = struct.Struct(">HHHB")
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, NO_PATH, NO_ANSWER = 1, 2, 3, 10, 11


class IllegalAddress(BadReading):
    """The unit has no such register."""


class ModbusTcp:
    """One connection, which some devices give to one program only: `close` between two reads far apart."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._socket: socket.socket | None = None
        self._numbers = itertools.cycle(range(1, 65536))
        self.heard = ""  # the last answer: unit, first register, the words in hexadecimal

    def registers(self, unit: int, start: int, count: int, deadline: float) -> tuple[int, ...]:
        """`count` registers of 16 bit from `start` on. Raises DeviceUnavailable, DeviceConfigError, IllegalAddress, BadReading."""
        found: tuple[int, ...] = ()
        while count > 0:
            some = min(count, MOST_REGISTERS)
            found += self._read(unit, start, some, deadline)
            start, count = start + some, count - some
        return found

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _read(self, unit: int, start: int, count: int, deadline: float) -> tuple[int, ...]:
        number = next(self._numbers)
        try:
            if self._socket is None:
                self._socket = open_socket(self._host, self._port, deadline)
            self._arm(deadline).sendall(HEADER.pack(number, 0, 6, unit) + struct.pack(">BHH", READ, start, count))
            message = self._message(number, unit, deadline)
            self.heard = f"{unit}/{start}: {message[2:].hex(' ', 2)}"[:HEARD_SHOWN]
        except OSError as error:
            self.close()
            if isinstance(error, TimeoutError):
                why = _("%(host)s does not answer over Modbus as unit %(unit)s. Check the unit id, and that Modbus TCP is switched on.")
            else:
                why = _("%(host)s broke off the Modbus connection. Some inverters serve one program at a time: close the other one.")
            raise DeviceUnavailable(why % {"host": self._host, "unit": unit}) from error
        except (BadReading, DeviceUnavailable):
            self.close()
            raise
        return self._values(message, unit, count)

    def _arm(self, deadline: float) -> socket.socket:
        assert self._socket is not None
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        self._socket.settimeout(left_s)
        return self._socket

    def _message(self, number: int, unit: int, deadline: float) -> bytes:
        """The answer to this question; one to an earlier question that came too late is passed over."""
        while True:
            given, protocol, length, answering = HEADER.unpack(self._exactly(HEADER.size, deadline))
            if protocol != 0 or not 2 <= length <= 254:
                raise BadReading(_("%(host)s does not speak Modbus TCP on this port.") % {"host": self._host})
            message = self._exactly(length - 1, deadline)
            if given == number and answering == unit:
                return message

    def _exactly(self, size: int, deadline: float) -> bytes:
        data = b""
        while len(data) < size:
            more = self._arm(deadline).recv(size - len(data))
            if not more:
                raise ConnectionResetError
            data += more
        return data

    def _values(self, message: bytes, unit: int, count: int) -> tuple[int, ...]:
        if message[0] == READ | 0x80:
            self._refused(message[1], unit)
        if message[0] != READ or len(message) != 2 + 2 * count or message[1] != 2 * count:
            self.close()
            raise BadReading(_("%(host)s gave a Modbus answer of the wrong length.") % {"host": self._host})
        return struct.unpack(f">{count}H", message[2:])

    def _refused(self, code: int, unit: int) -> None:
        names = {"host": self._host, "unit": unit, "code": code}
        if code == ILLEGAL_ADDRESS:
            raise IllegalAddress(_("%(host)s has no such Modbus register in unit %(unit)s.") % names)
        if code in (NO_PATH, NO_ANSWER):
            raise DeviceConfigError(_("%(host)s has no unit %(unit)s. Check the unit id in the inverter's own pages.") % names)
        if code in (ILLEGAL_FUNCTION, ILLEGAL_VALUE):
            raise BadReading(_("%(host)s refuses to tell its registers (Modbus exception %(code)s). Check the make you chose.") % names)
        raise DeviceUnavailable(
            _("%(host)s, unit %(unit)s, answers with Modbus exception %(code)s. Check the unit id; it is asked again.") % names
        )
