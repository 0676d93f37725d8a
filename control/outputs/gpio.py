"""A relay on a pin of this machine, through gpiozero (11 MB, imported late: only who has one pays for it); in the demo house a board at
the end of a socket. Opening a pin switches it off. Class B: the kernel keeps a pin as it is when this program dies; its successor
switches it off.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from control.outputs import Reading
from control.outputs.switch import is_on
from energysite.errors import DeviceConfigError, DeviceUnavailable
from energysite.phrases import phrase as _

SOCKET = "pins.sock"


class Gpio:
    family = "gpio"
    has_timer = False
    heard = ""

    def __init__(self, pin: int, active_high: bool = True, *, folder: str = "", demo: bool = False) -> None:
        """`folder`: where the site keeps its files, the demo's socket among them."""
        self._number, self._active_high, self._folder, self._demo = pin, active_high, folder, demo
        self._pin: Any = None
        self._factory: Any = None
        self._lock = threading.Lock()

    def apply(self, level: float, lease_s: float, deadline: float) -> None:
        on = is_on(level)
        with self._opened(deadline) as pin:
            pin.value = on

    def read(self, deadline: float) -> Reading:
        with self._opened(deadline) as pin:
            return Reading(level=float(pin.value))

    def safe(self, deadline: float) -> None:
        with self._opened(deadline) as pin:
            pin.off()

    def close(self) -> None:
        """A closed pin floats: the board's own resistor keeps it off. Who closes it has switched it off before."""
        pin, self._pin = self._pin, None
        factory, self._factory = self._factory, None
        if pin is not None:
            pin.close()
        if factory is not None:
            factory.close()

    @contextmanager
    def _opened(self, deadline: float) -> Iterator[Any]:
        if not self._lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise DeviceUnavailable(_("GPIO %(pin)s is busy.") % {"pin": self._number})
        try:
            if self._pin is None:
                self._pin = self._open(deadline)
            if self._factory is not None:
                self._factory.deadline = deadline
            yield self._pin
        except BaseException:
            self._drop()
            raise
        finally:
            self._lock.release()

    def _open(self, deadline: float) -> Any:
        """Driven to off from the first moment: never with `initial_value=None`, which would be on for a board that is on when low."""
        import gpiozero

        if self._demo:
            from control.outputs.pin_socket import SocketPins

            self._factory = SocketPins(Path(self._folder) / SOCKET)
            self._factory.deadline = deadline
        elif self._folder:
            os.environ.setdefault("LG_WD", self._folder)  # lgpio leaves its files in the working folder otherwise
        try:
            return gpiozero.OutputDevice(self._number, active_high=self._active_high, initial_value=False, pin_factory=self._factory)
        except gpiozero.GPIOPinInUse as error:
            raise DeviceUnavailable(_("GPIO %(pin)s is in use by another output.") % {"pin": self._number}) from error
        except (gpiozero.GPIOZeroError, OSError, RuntimeError, ImportError) as error:
            raise DeviceConfigError(
                _("GPIO %(pin)s cannot be opened: %(why)s. Check that this is a Raspberry Pi and that requirements-pi.txt is installed.")
                % {"pin": self._number, "why": type(error).__name__}
            ) from error

    def _drop(self) -> None:
        """The demo's connection is made anew after an error; a pin of this machine stays open, and driven."""
        if self._demo:
            self.close()
