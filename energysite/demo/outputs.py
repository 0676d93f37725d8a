"""Ways a telegram leaves the demo house: a pseudo-terminal in the place of a serial cable, and a TCP port.

`offer` never waits: what nobody reads is lost, as on a wire. `deliver` waits for a reader, for replays.
"""

import asyncio
import fcntl
import os
import select
import struct
import termios
import tty
from pathlib import Path
from typing import Protocol

CAP = 65536  # bytes held for a reader that is slow
STALLED_S = 3.0  # a reader that took nothing for so long has missed it
RETRY_S = 0.02
SETTLE_S = 3.0  # programs empty a port's buffer after opening it, and some never do
FLUSHED = 1  # TIOCPKT_FLUSHREAD


class Output(Protocol):
    def offer(self, data: bytes) -> None: ...

    async def deliver(self, data: bytes) -> None: ...

    async def close(self) -> None: ...


class Pty:
    """A pty in raw mode; `link` leads to its /dev/pts name and is replaced in one step, also where an older one stands."""

    def __init__(self, link: Path) -> None:
        self._master, slave = os.openpty()
        tty.setraw(slave)
        self.name = os.ttyname(slave)
        self.link = link
        # Left to its readers: while none has it open, the master's end says so, and the terminal stays raw.
        os.close(slave)
        os.set_blocking(self._master, False)
        # Packet mode: reading the master's end tells when a reader has emptied its buffer.
        fcntl.ioctl(self._master, termios.TIOCPKT, struct.pack("i", 1))
        self._poll = select.poll()
        self._poll.register(self._master, 0)
        self._pending = bytearray()
        self._progress = 0.0
        self._read_before = False
        self._settled = False  # the reader of now will not empty the port any more
        link.parent.mkdir(parents=True, exist_ok=True)
        fresh = link.with_name(f".{link.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(self.name)
        fresh.replace(link)

    def _is_open(self) -> bool:
        return not any(events & select.POLLHUP for _fd, events in self._poll.poll(0))

    def _emptied(self) -> bool:
        """True when a reader has emptied its buffer since the last call; what readers send is thrown away."""
        found = False
        while True:
            try:
                told = os.read(self._master, 4096)
            except OSError:  # nothing there, or nobody has the port open
                return found
            found = found or bool(told[0] & FLUSHED)

    def offer(self, data: bytes) -> None:
        self._emptied()
        if not self._is_open():
            self._forget()
            return
        self._read_before = True
        now = asyncio.get_running_loop().time()
        if self._pending and (now - self._progress > STALLED_S or len(self._pending) > CAP):
            self._pending.clear()
        if not self._pending:
            self._progress = now
        self._pending += data
        self._push()

    def _forget(self) -> None:
        """Nobody has the port open: the next reader must not find what was meant for the last one."""
        self._pending.clear()
        if not self._read_before:
            return
        self._read_before = False
        slave = os.open(self.name, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            termios.tcflush(slave, termios.TCIFLUSH)
        finally:
            os.close(slave)

    def _push(self) -> None:
        if not self._pending or self._master < 0:
            return
        try:
            written = os.write(self._master, self._pending)
        except BlockingIOError:
            written = 0
        loop = asyncio.get_running_loop()
        if written:
            self._progress = loop.time()
            del self._pending[:written]
        if self._pending:
            loop.call_later(RETRY_S, self._push)

    async def deliver(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            if not self._settled or not self._is_open():
                await self._reader()
            self._read_before = self._settled = True
            try:
                rest = rest[os.write(self._master, rest) :]
            except BlockingIOError:
                await asyncio.sleep(RETRY_S)

    async def _reader(self) -> None:
        """Until somebody has opened the port and will empty it no more."""
        if not self._is_open():
            self._forget()
            self._emptied()
        while not self._is_open():
            await asyncio.sleep(RETRY_S)
        deadline = asyncio.get_running_loop().time() + SETTLE_S
        while not self._emptied() and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(RETRY_S)

    async def close(self) -> None:
        if self.link.is_symlink() and str(self.link.readlink()) == self.name:
            self.link.unlink()
        os.close(self._master)
        self._master = -1


class Tcp:
    """A TCP port with any number of readers; one that falls 64 kB behind is cut off. What readers send is ignored."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.StreamWriter] = set()
        self._somebody = asyncio.Event()
        self.port = 0

    async def listen(self, host: str, port: int) -> None:
        """Raises OSError when the port is taken."""
        self._server = await asyncio.start_server(self._serve, host, port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        self._somebody.set()
        try:
            while await reader.read(4096):
                pass
        except (ConnectionError, asyncio.CancelledError):
            pass  # the reader went away, or the demo house ends: the same as closing
        finally:
            self._drop(writer)

    def _drop(self, writer: asyncio.StreamWriter) -> None:
        self._clients.discard(writer)
        if not self._clients:
            self._somebody.clear()
        writer.transport.abort()

    def offer(self, data: bytes) -> None:
        for writer in list(self._clients):
            if writer.transport.get_write_buffer_size() > CAP:
                self._drop(writer)
            else:
                writer.write(data)

    async def deliver(self, data: bytes) -> None:
        await self._somebody.wait()
        for writer in list(self._clients):
            writer.write(data)
            try:
                await writer.drain()
            except ConnectionError:
                self._drop(writer)

    async def close(self) -> None:
        for writer in list(self._clients):
            self._drop(writer)
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
