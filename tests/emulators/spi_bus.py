"""An MCP3008 on the socket that stands in for an SPI bus: a start bit, single-ended, the channel; ten bits come back."""

import contextlib
import socket
import socketserver
import threading
from pathlib import Path


class SpiLookalike:
    """`values`: raw, by channel. `silent`: no answer. `cut`: hangs up at a transfer. `asked`: the bytes of each transfer."""

    def __init__(self, path: Path, values: dict[int, int]) -> None:
        self.values = values
        self.silent = self.cut = False
        self.asked: list[bytes] = []
        self.connections = 0
        self._open: list[socket.socket] = []
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                outer.connections += 1
                outer._open.append(self.connection)
                while head := self.rfile.read(1):
                    given = self.rfile.read(head[0])
                    outer.asked.append(given)
                    if outer.cut:
                        return
                    if not outer.silent:
                        self.wfile.write(outer._answer(given))

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True
            block_on_close = False

        self._server = Server(str(path), Handler)
        self._path = path
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def _answer(self, given: bytes) -> bytes:
        """Two bytes hold the value; what comes before them, and the bits above it, are whatever lies on the wire."""
        question = int.from_bytes(given, "big")
        bits = question.bit_length()
        channel = question >> (bits - 5) & 7
        noise = b"\xff" * (len(given) - 2)
        return noise + (0xF800 | self.values[channel]).to_bytes(2, "big")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        for connection in self._open:
            with contextlib.suppress(OSError):  # the other end has gone already
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> "SpiLookalike":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()
