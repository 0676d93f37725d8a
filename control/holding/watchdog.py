"""Saying that we live: a byte a second to the supervisor, and to systemd's watchdog where there is one. A full pipe loses nothing.

Without a supervisor a thread of our own ends the process when it hangs: whoever restarts it finds everything off.
"""

from __future__ import annotations

import os
import socket
import threading
import time

EVERY_S = 1.0
STILL_S = 10.0
EXIT_STILL = 70


class Watchdog:
    """`descriptor`: the supervisor's pipe, -1 for none. `address`: systemd's NOTIFY_SOCKET, empty for none."""

    def __init__(self, descriptor: int, address: str) -> None:
        self._descriptor, self._address = descriptor, address
        self.due()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) if address else None
        if descriptor >= 0:
            os.set_blocking(descriptor, False)
        if self._socket is not None:
            self._socket.setblocking(False)
        if descriptor < 0:
            threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def _watch(self) -> None:
        while time.monotonic() - self._last < STILL_S:
            time.sleep(STILL_S / 5)
        os._exit(EXIT_STILL)

    def due(self) -> None:
        """The next beat is not put off."""
        self._last = time.monotonic() - EVERY_S

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()

    def beat(self) -> bool:
        """At most once a second. False: the supervisor's end of the pipe is closed, so that nobody watches any more."""
        now = time.monotonic()
        if now - self._last < EVERY_S:
            return True
        self._last = now
        if self._socket is not None:
            try:
                self._socket.sendto(b"WATCHDOG=1", b"\0" + self._address[1:].encode() if self._address[0] == "@" else self._address)
            except OSError:
                pass  # systemd itself acts on what it does not hear
        if self._descriptor < 0:
            return True
        try:
            os.write(self._descriptor, b".")
        except BlockingIOError:
            return True  # it has not been read for a day
        except OSError:
            return False
        return True


def of_environment() -> Watchdog:
    """HEARTBEAT_FD is the supervisor's. systemd names its socket to all that it started, and wants to hear where it set a watchdog."""
    address = os.environ.get("NOTIFY_SOCKET", "") if os.environ.get("WATCHDOG_USEC") else ""
    return Watchdog(int(os.environ.get("HEARTBEAT_FD", "-1")), address)
