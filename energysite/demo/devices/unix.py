"""Devices that are a Unix socket in the house's folder: buses and pins."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from energysite.demo.devices.device import Clock, Device
from energysite.demo.devices.modes import Mode
from energysite.demo.model import House


@contextmanager
def short(path: Path) -> Iterator[str]:
    """The socket's path through its open folder: one of more than 107 bytes does not fit into an address."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


class UnixDevice(Device):
    scheme = "unix"

    def __init__(self, house: House, now: Clock, mode: Mode, path: Path) -> None:
        super().__init__(house, now, mode)
        self.path = path
        self._file = 0  # the socket's own inode: another house may have taken its place

    @property
    def address(self) -> str:
        return str(self.path)

    async def open(self, host: str = "", port: int = 0) -> None:
        """`host` and `port` are not used. Raises OSError."""
        if self.mode.name == "off":
            self.path.unlink(missing_ok=True)
            return
        with short(self.path) as path:
            self._server = await asyncio.start_unix_server(self._accepted, path)
        self.path.chmod(0o600)
        self._file = self.path.stat().st_ino

    async def close(self) -> None:
        await super().close()
        if self.path.exists() and self.path.stat().st_ino == self._file:
            self.path.unlink()
