"""The MCP3008 through gpiozero, each chip opened once in a process. gpiozero (11 MB) is imported late: only who has such an input
pays for it."""

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from energysite.errors import BadReading, DeviceConfigError, DeviceUnavailable

DEMO = "demo"  # the demo house's chip, on a socket in place of a bus
FULL_SCALE = 1023
CHANNELS = 8

_chips: dict[str, "Chip"] = {}
_opening = threading.Lock()


def raw_value(device: str, channel: int, deadline: float) -> int:
    """0 to 1023 of a channel, now. `device`: bus and chip select, "0.0", or DEMO; `deadline`: time.monotonic().

    Raises DeviceUnavailable (a retry can help), DeviceConfigError (it cannot), BadReading, all in words.
    """
    with _opening:
        chip = _chips.setdefault(device, Chip(device))
    return chip.raw_value(channel, deadline)


class Chip:
    """Opened at the first question, and anew after an error. Threads take turns, each until its deadline."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._lock = threading.Lock()
        self._channels: dict[int, Any] = {}
        self._factory: Any = None

    def raw_value(self, channel: int, deadline: float) -> int:
        with self._turn(deadline):
            try:
                if channel not in self._channels:
                    self._channels[channel] = self._open(channel)
                if self._factory is not None:
                    self._factory.deadline = deadline
                value = self._channels[channel].raw_value
            except BaseException:
                self._close()
                raise
        if not isinstance(value, int) or not 0 <= value <= FULL_SCALE:
            raise BadReading(_("The MCP3008 at %(device)s answers %(value)s, which is outside 0 to 1023.") % self._names(value=value))
        return value

    @contextlib.contextmanager
    def _turn(self, deadline: float) -> Iterator[None]:
        if not self._lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise DeviceUnavailable(_("The MCP3008 at %(device)s is busy: other channels of it take too long.") % self._names())
        try:
            yield
        finally:
            self._lock.release()

    def _open(self, channel: int) -> Any:
        import gpiozero

        if self._device == DEMO:
            from meters.analog.socket_bus import SocketFactory

            self._factory = self._factory or SocketFactory(settings.MODE_DIR / "spi.sock")
            return gpiozero.MCP3008(channel, pin_factory=self._factory)
        bus, _dot, select = self._device.partition(".")
        self._look_for(Path(f"/dev/spidev{bus}.{select}"))
        os.environ.setdefault("LG_WD", str(settings.MODE_DIR))  # lgpio leaves its files in the working folder otherwise
        try:
            return gpiozero.MCP3008(channel, port=int(bus), device=int(select))
        except (gpiozero.GPIOZeroError, OSError, RuntimeError) as error:
            raise DeviceConfigError(
                _("The SPI bus at %(device)s cannot be opened: %(why)s. Check that requirements-pi.txt is installed.")
                % self._names(why=type(error).__name__)
            ) from error

    def _look_for(self, path: Path) -> None:
        """gpiozero would go on without the bus, by switching pins itself, and read nonsense."""
        if not path.exists():
            raise DeviceConfigError(
                _("There is no SPI bus at %(path)s. Switch SPI on: sudo raspi-config, Interface Options, SPI; then restart.")
                % {"path": path}
            )
        if not os.access(path, os.R_OK | os.W_OK):
            raise DeviceConfigError(
                _("%(path)s may not be read by this program. Add its account to the group spi: sudo usermod -aG spi …, then restart.")
                % {"path": path}
            )

    def _close(self) -> None:
        channels, self._channels, self._factory = self._channels, {}, None
        for one in channels.values():
            one.close()

    def _names(self, **more: object) -> dict[str, object]:
        return {"device": self._device, **more}
