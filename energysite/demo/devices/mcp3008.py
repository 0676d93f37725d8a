"""The MCP3008 of the demo house on an SPI bus that is a Unix socket: its clock and its two data lines, bit by bit.

Each transfer is one message: a byte that says how many follow, then what the master sends; the answer is as many bytes. As the
data sheet has it (figure 5-1): after the start bit come single/differential, D2, D1, D0; the bit that follows is not driven, then
a zero, then ten bits of the value, the highest first.
"""

import asyncio

from energysite.demo.devices.unix import UnixDevice
from energysite.demo.signals import STEPS, raw_value

CHANNEL_BITS = 4  # single or differential, and three of the channel
VALUE_BITS = 10


class Mcp3008(UnixDevice):
    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            (length,) = await reader.readexactly(1)
            sent = await reader.readexactly(length)
            await self.send(writer, self._garbled(length) if self.mode.name == "garbage" else self._answered(sent))

    def _answered(self, sent: bytes) -> bytes:
        bits = [byte >> place & 1 for byte in sent for place in range(7, -1, -1)]
        told = [0] * len(bits)
        start = next((place for place, bit in enumerate(bits) if bit), len(bits))
        asked = bits[start + 1 : start + 1 + CHANNEL_BITS]
        if len(asked) == CHANNEL_BITS:
            single, *channel = asked
            value = self._value(channel[0] << 2 | channel[1] << 1 | channel[2]) if single else 0
            first = start + 1 + CHANNEL_BITS + 2
            for place in range(min(VALUE_BITS, len(told) - first)):
                told[first + place] = value >> (VALUE_BITS - 1 - place) & 1
        return bytes(int("".join(map(str, told[at : at + 8])), 2) for at in range(0, len(told), 8))

    def _value(self, channel: int) -> int:
        """A broken wire leaves the input at its upper end."""
        return STEPS if self.mode.name == "fault" else raw_value(self.house, channel, self.at())

    def _garbled(self, length: int) -> bytes:
        return bytes((0x5A ^ 37 * place) & 0xFF for place in range(length))
