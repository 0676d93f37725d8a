"""What all devices of the demo house on the wire have in common: a house, a clock, a way to behave, a port that opens and closes."""

import asyncio
from collections.abc import Awaitable, Callable

from energysite.demo.devices.modes import Mode
from energysite.demo.model import House

LOOPBACK = "127.0.0.1"
GARBAGE = b"\x9a\x00\xff\x17\x80\x03\xfe\x42\xc3\x28\x00\x07\xf0\x9f\x92\x0d\x0a\x81\x5b\x7b" * 8
CHUNK = 65536

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Clock = Callable[[], float]


class Device:
    """One device. `now`: epoch seconds, as a device's own clock shows them. Its port stays the same when it goes off and on."""

    scheme = "http"

    def __init__(self, house: House, now: Clock, mode: Mode = Mode()) -> None:  # noqa: B008  frozen
        self.house, self.now = house, now
        self.mode = mode
        self.shift_s = mode.shift_s(int(now()))
        self.host, self.port = LOOPBACK, 0
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        """As the settings of an inverter take it."""
        return f"{self.scheme}://{self.host}:{self.port}"

    def at(self) -> int:
        """The epoch second that the device believes in."""
        return int(self.now()) + self.shift_s

    async def open(self, host: str = LOOPBACK, port: int = 0) -> None:
        """Raises OSError when the port is taken."""
        self.host = host
        self._server = await self._listen(host, port or self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        if self.mode.name == "off":
            await self._stop()

    async def _listen(self, host: str, port: int) -> asyncio.Server:
        return await asyncio.start_server(self._accepted, host, port)

    async def set_mode(self, mode: Mode) -> None:
        """From now on; connections of the mode before are cut."""
        await self._stop()
        self.mode, self.shift_s = mode, mode.shift_s(int(self.now()))
        if mode.name != "off":
            await self.open(self.host, self.port)

    async def close(self) -> None:
        await self._stop()

    async def _stop(self) -> None:
        serving, self._serving = self._serving, set()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            await self.serve(reader, writer)
        except (OSError, EOFError, asyncio.CancelledError):
            pass  # the other end went away, or the device is switched off: the same as closing
        finally:
            self._serving.discard(task)
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until it ends."""
        raise NotImplementedError

    async def send(self, writer: asyncio.StreamWriter, answer: bytes) -> None:
        """The answer, as this mode lets it out."""
        if self.mode.name == "silent":
            await asyncio.Event().wait()
        if self.mode.name == "slow":
            for byte in answer:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(self.mode.number)
            return
        writer.write(answer)
        await writer.drain()
