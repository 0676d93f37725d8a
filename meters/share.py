"""The raw stream of one port for other programs on this machine: a TCP server on 127.0.0.1."""

import contextlib
import socket
import threading

import structlog
from django.utils.translation import gettext as _

from energysite.errors import DeviceConfigError

log = structlog.get_logger(__name__)

MOST_CLIENTS = 16
# What a client may lag behind, besides its own receive buffer: about a minute of telegrams.
BACKLOG_BYTES = 64 * 1024
# After a failed accept (no file descriptors left, say).
RETRY_S = 1.0


class Share:
    """Everyone who connects gets what is sent from then on. Nothing a client does or fails to do holds up the reader:
    one that does not keep up is disconnected. What clients send is never read."""

    def __init__(self, port: int) -> None:
        """Port 0: one that is free, told by `.port`. Raises DeviceConfigError when the port cannot be had."""
        self._clients: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listener.bind(("127.0.0.1", port))
            self._listener.listen(MOST_CLIENTS)
        except OSError as error:
            self._listener.close()
            raise DeviceConfigError(
                _("The raw telegrams cannot be shared on port %(port)s: %(why)s. Choose another port.")
                % {"port": port, "why": error.strerror}
            ) from error
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, name=f"share {self.port}", daemon=True)
        self._thread.start()

    @property
    def clients(self) -> int:
        with self._lock:
            return len(self._clients)

    def send(self, raw: bytes) -> None:
        """Give the bytes to every client. Never blocks, never raises."""
        with self._lock:
            for client in list(self._clients):
                try:
                    whole = client.send(raw, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL) == len(raw)
                except OSError:
                    whole = False
                if not whole:
                    self._clients.discard(client)
                    client.close()
                    log.info("share client dropped", port=self.port)

    def close(self) -> None:
        """Disconnect everyone and free the port."""
        self._closing.set()
        with contextlib.suppress(OSError):  # wakes accept(); it may have ended already
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        with self._lock:
            for client in self._clients:
                client.close()
            self._clients.clear()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                client, _peer = self._listener.accept()
            except OSError as error:
                if not self._closing.is_set():
                    log.warning("a share client could not be taken", port=self.port, error=str(error))
                    self._closing.wait(RETRY_S)
                continue
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BACKLOG_BYTES)
            with self._lock:
                if self._closing.is_set() or len(self._clients) >= MOST_CLIENTS:
                    client.close()
                else:
                    self._clients.add(client)
