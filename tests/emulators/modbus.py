"""A Modbus TCP server with registers of several units, and the faults that such devices have."""

import socket
import socketserver
import struct
import threading


class ModbusLookalike:
    """`units`: {unit: {register: value}}. `exception`: the code that every question is answered with. `silent`: no answer at all.

    `stale`: before each answer comes one to an older question. `trickle_s`: pause between two bytes.
    """

    def __init__(self, units: dict[int, dict[int, int]]) -> None:
        self.units = units
        self.exception: int | None = None
        self.silent = self.stale = self.garbage = False
        self.trickle_s: float | None = None
        self.connections = 0
        self.asked: list[tuple[int, int, int]] = []  # unit, first register, how many
        self._stopping = threading.Event()
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                outer.connections += 1
                while question := self._exactly(12):
                    number, _protocol, _length, unit, function, start, count = struct.unpack(">HHHBBHH", question)
                    outer.asked.append((unit, start, count))
                    outer._send(self.request, number, unit, outer._message(unit, function, start, count))

            def _exactly(self, size: int) -> bytes:
                data = b""
                while len(data) < size:
                    more = self.request.recv(size - len(data))
                    if not more:
                        return b""
                    data += more
                return data

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False
            allow_reuse_address = True

            def handle_error(self, request: object, client_address: object) -> None:
                """A client that went away."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.address = f"socket://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def _message(self, unit: int, function: int, start: int, count: int) -> bytes:
        if unit not in self.units:
            return bytes((function | 0x80, 11))
        if self.exception is not None:
            return bytes((function | 0x80, self.exception))
        found = [self.units[unit].get(start + i) for i in range(count)]
        if None in found or function != 3:
            return bytes((function | 0x80, 2))
        return struct.pack(f">BB{count}H", function, 2 * count, *(value or 0 for value in found))

    def _send(self, connection: socket.socket, number: int, unit: int, message: bytes) -> None:
        if self.silent:
            return
        if self.garbage:
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            return
        answer = struct.pack(">HHHB", number, 0, len(message) + 1, unit) + message
        if self.stale:
            connection.sendall(struct.pack(">HHHB", number - 1, 0, len(message) + 1, unit) + message)
        if self.trickle_s is None:
            connection.sendall(answer)
            return
        for byte in answer:
            if self._stopping.wait(self.trickle_s):
                return
            connection.sendall(bytes([byte]))

    def close(self) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> "ModbusLookalike":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()
