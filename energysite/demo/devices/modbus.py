"""Modbus TCP as inverters serve it: holding registers of several units behind one address.

Modbus Messaging on TCP/IP, V1.0b; exceptions 1 (no such function), 2 (no such register), 11 (no such unit).
"""

import asyncio
import struct

from energysite.demo.devices.device import GARBAGE, Device

HEADER = struct.Struct(">HHHB")
READ_HOLDING = 3
NO_FUNCTION, NO_ADDRESS, NO_VALUE, FAILED, NO_UNIT = 1, 2, 3, 4, 11
MOST_REGISTERS = 125


class ModbusDevice(Device):
    scheme = "socket"

    def registers(self, unit: int) -> tuple[int, list[int]] | None:
        """The first address of a unit's registers and the registers, or None where there is no such unit."""
        raise NotImplementedError

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            number, protocol, length, unit = HEADER.unpack(await reader.readexactly(HEADER.size))
            if protocol or not 2 <= length <= 254:
                return
            question = await reader.readexactly(length - 1)
            if self.mode.name in ("garbage", "html", "redirect", "huge"):
                await self.send(writer, GARBAGE)
                return
            message = self._message(unit, question)
            await self.send(writer, HEADER.pack(number, 0, len(message) + 1, unit) + message)

    def _message(self, unit: int, question: bytes) -> bytes:
        function = question[0]
        if self.mode.name == "status":
            code = int(self.mode.number)
            return bytes((function | 0x80, code if 0 < code < 0x80 else FAILED))
        if function != READ_HOLDING or len(question) != 5:
            return bytes((function | 0x80, NO_FUNCTION))
        found = self.registers(unit)
        if found is None:
            return bytes((function | 0x80, NO_UNIT))
        start, count = struct.unpack(">HH", question[1:])
        if not 1 <= count <= MOST_REGISTERS:
            return bytes((function | 0x80, NO_VALUE))
        base, values = found
        if not base <= start <= start + count <= base + len(values):
            return bytes((function | 0x80, NO_ADDRESS))
        return struct.pack(f">BB{count}H", function, 2 * count, *values[start - base : start - base + count])
