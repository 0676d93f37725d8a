"""The relay board of the demo house on pins that are a Unix socket.

Each question is three bytes, an operation, the number of the GPIO and a level; the answer is one byte, the level that the pin has
then. `o`: an output that drives this level. `w`: drive this level. `i`: an input, with pull 0 down, 1 up, 2 none (the board's own).
`r`: read. Anything else, and a pin that there is not, is answered by 255. As on a Pi, a pin keeps what it drives when the program that
set it ends; when the board starts, all are inputs, 0 to 8 pulled up and the others down. The relay is wired to PIN, and high is on.
"""

import asyncio
from pathlib import Path

from energysite.demo.contacts import LYING, STUCK, Contact
from energysite.demo.devices.device import Clock
from energysite.demo.devices.modes import Mode
from energysite.demo.devices.unix import UnixDevice
from energysite.demo.model import House

PIN = 17
PINS = 28
PULLED_UP = 9  # GPIO 0 to 8 are, at boot
DOWN, UP, NONE = 0, 1, 2
REFUSED = 255


class Relay(UnixDevice):
    def __init__(self, house: House, now: Clock, mode: Mode, path: Path, contact: Contact) -> None:
        super().__init__(house, now, mode, path)
        self.contact = contact
        self.levels: list[int] = []
        self.outputs: set[int] = set()
        self.boot()
        self._behave()

    def boot(self) -> None:
        """The machine started: whatever a program had set is gone."""
        self.levels = [int(pin < PULLED_UP) for pin in range(PINS)]
        self.outputs = set()
        self._wire()

    async def set_mode(self, mode: Mode) -> None:
        await super().set_mode(mode)
        self._behave()

    def _behave(self) -> None:
        self.contact.ail(self.mode.name if self.mode.name in (LYING, STUCK) else "")
        if self.mode.name == "restart":
            self.boot()
            self.mode = Mode()

    def _wire(self) -> None:
        """The relay follows its pin."""
        on = self.levels[PIN] == 1
        if on != self.contact.on:
            self.contact.switch(on, "pin")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            operation, pin, level = await reader.readexactly(3)
            await self.send(writer, bytes((self._done(chr(operation), pin, level),)))

    def _done(self, operation: str, pin: int, level: int) -> int:
        if pin >= PINS or level > NONE or self.mode.name == "fault":
            return REFUSED
        if operation == "i":
            self.outputs.discard(pin)
            self.levels[pin] = int(level == UP)
        elif operation == "o" or (operation == "w" and pin in self.outputs):
            self.outputs.add(pin)
            self.levels[pin] = int(level == 1)
        elif operation != "r":
            return REFUSED
        self._wire()
        return self.levels[pin]
