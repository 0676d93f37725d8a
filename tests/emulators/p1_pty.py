"""A P1 cable: a pty whose far end speaks at one speed, vanishes and comes back."""

import os
import termios
import threading
import tty
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

SPEEDS = {115200: termios.B115200, 9600: termios.B9600}


class P1Cable:
    """`address` is a link in the pty folder of DATA_DIR, as a meter's connection takes it. At another speed than `baud`
    its bytes arrive as noise, as they would on a wire."""

    def __init__(self, name: str = "meter", baud: int = 115200) -> None:
        folder: Path = settings.MODE_DIR / "pty"
        folder.mkdir(parents=True, exist_ok=True)
        self._link = folder / name
        self.address = str(self._link)
        self._speed = SPEEDS[baud]
        self._speaker: threading.Thread | None = None
        self._quiet = threading.Event()
        self._plug()

    def _plug(self) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.device = os.ttyname(self._slave)
        self._link.unlink(missing_ok=True)
        self._link.symlink_to(self.device)

    def send(self, data: bytes) -> None:
        """What does not fit the wire's buffer is lost, as on a wire that nobody reads."""
        if termios.tcgetattr(self._master)[4] != self._speed:
            data = bytes((byte * 37 + 128) % 256 | 0x80 for byte in data)
        try:
            os.write(self._master, data)
        except BlockingIOError:
            return

    def pour(self, data: bytes) -> None:
        """All of it, as fast as the far end reads, as no wire would."""
        os.set_blocking(self._master, True)
        try:
            while data:
                data = data[os.write(self._master, data) :]
        finally:
            os.set_blocking(self._master, False)

    def speak(self, telegrams: Sequence[bytes], every_s: float) -> None:
        """Send them over and over in the background until `close` or `vanish`."""

        def run() -> None:
            i = 0
            while not self._quiet.wait(every_s):
                self.send(telegrams[i % len(telegrams)])
                i += 1

        self._quiet.clear()
        self._speaker = threading.Thread(target=run, daemon=True)
        self._speaker.start()

    def vanish(self) -> None:
        """Pull the plug: the device and its name are gone."""
        self._quiet.set()
        if self._speaker is not None:
            self._speaker.join()
            self._speaker = None
        self._link.unlink(missing_ok=True)
        os.close(self._slave)
        os.close(self._master)

    def come_back(self) -> None:
        self._plug()

    def close(self) -> None:
        if self._link.is_symlink():
            self.vanish()

    def __enter__(self) -> "P1Cable":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()
