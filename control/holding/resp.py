"""As much of Valkey's protocol (RESP2) as the holder speaks: one pipeline a second, each within its time. The client that the site uses
elsewhere would double this process's memory and the time until a killed one is back.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from typing import TypeAlias
from urllib.parse import parse_qs, unquote, urlsplit

Reply: TypeAlias = bytes | int | list["Reply"] | None
Command: TypeAlias = Sequence[str | bytes]
LONGEST = 16_000_000


class Away(Exception):
    """Nothing, or nothing usable, came in time."""


class Valkey:
    """redis://[user:password@]host[:port][/number], rediss:// or unix:///path[?db=number]. Not for several threads."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._url, self._timeout_s = urlsplit(url), timeout_s
        self._socket: socket.socket | None = None
        self._read = b""
        self._deadline = 0.0

    def ask(self, commands: Sequence[Command]) -> list[Reply]:
        """Their answers, in order. Raises Away; the next call begins with a new connection."""
        self._deadline = time.monotonic() + self._timeout_s
        try:
            if self._socket is None:
                self._connect()
            return self._pipeline(commands)
        except (OSError, ValueError) as error:
            self.close()
            raise Away(str(error) or type(error).__name__) from error
        except Away:
            self.close()
            raise

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connect(self) -> None:
        url = self._url
        query = parse_qs(url.query)
        if url.scheme == "unix":
            number = query.get("db", ["0"])[0]
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.settimeout(self._timeout_s)
            self._socket.connect(url.path)
        else:
            number = url.path.strip("/") or query.get("db", ["0"])[0]
            self._socket = socket.create_connection((url.hostname or "localhost", url.port or 6379), self._timeout_s)
            if url.scheme == "rediss":
                import ssl  # 4 MB

                self._socket = ssl.create_default_context().wrap_socket(self._socket, server_hostname=url.hostname)
        self._read = b""
        first: list[Command] = []
        if url.password:
            first.append(["AUTH", *([unquote(url.username)] if url.username else []), unquote(url.password)])
        if int(number or 0):
            first.append(["SELECT", number])
        if first:
            self._pipeline(first)

    def _pipeline(self, commands: Sequence[Command]) -> list[Reply]:
        assert self._socket is not None
        self._socket.settimeout(max(0.001, self._deadline - time.monotonic()))
        self._socket.sendall(b"".join(_packed(command) for command in commands))
        replies = [self._reply() for _ in commands]
        for reply in replies:
            if isinstance(reply, _Refused):
                raise Away(str(reply))
        return replies

    def _more(self) -> None:
        assert self._socket is not None
        self._socket.settimeout(max(0.001, self._deadline - time.monotonic()))
        data = self._socket.recv(65536)
        if not data:
            raise Away("it closed the connection")
        self._read += data

    def _line(self) -> bytes:
        while (end := self._read.find(b"\r\n")) < 0:
            self._more()
        line, self._read = self._read[:end], self._read[end + 2 :]
        return line

    def _bytes(self, length: int) -> bytes:
        if length > LONGEST:
            raise Away(f"{length} bytes are too many")
        while len(self._read) < length + 2:
            self._more()
        found, self._read = self._read[:length], self._read[length + 2 :]
        return found

    def _reply(self) -> Reply:
        line = self._line()
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest
        if kind == b"-":
            return _Refused(rest)
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self._bytes(int(rest))
        if kind == b"*":
            return [self._reply() for _ in range(max(0, int(rest)))]
        raise Away(f"an answer that begins with {kind!r}")


class _Refused(bytes):
    """An error that the server answered with."""

    def __str__(self) -> str:
        return self.decode(errors="replace")


def _packed(command: Command) -> bytes:
    parts = [part.encode() if isinstance(part, str) else part for part in command]
    return b"".join([b"*%d\r\n" % len(parts), *(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)])
