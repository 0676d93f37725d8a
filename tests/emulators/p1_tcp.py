"""A P1 port on the network: a TCP server that says what the test tells it to."""

import socket
import struct
import threading

from tests.waiting import until


class P1Server:
    def __init__(self, port: int = 0) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self.address = f"socket://127.0.0.1:{self.port}"
        self.connections = 0
        self._clients: list[socket.socket] = []
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _peer = self._listener.accept()
            except OSError:
                return
            with self._changed:
                self._clients.append(client)
                self.connections += 1
                self._changed.notify_all()

    def wait_for_client(self, timeout_s: float = 10) -> None:
        until(lambda: self._clients, timeout_s, "no client connected")

    def send(self, data: bytes) -> None:
        """To every client, once there is one."""
        self.wait_for_client()
        with self._changed:
            for client in self._clients:
                client.sendall(data)

    def hang_up(self, *, reset: bool = False) -> None:
        """End every connection; `reset`: as a device that lost power and came back."""
        with self._changed:
            for client in self._clients:
                if reset:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.close()
            self._clients.clear()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        self.hang_up()

    def __enter__(self) -> "P1Server":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()
