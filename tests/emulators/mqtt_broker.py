"""An MQTT 3.1.1 broker for one device: it acknowledges, hands on, and writes down what it heard. Written from the standard, apart from
the site's own client."""

import socket
import struct
import threading
from typing import Any

CONNECT, PUBLISH, PUBACK, SUBSCRIBE, PINGREQ, DISCONNECT = 1, 3, 4, 8, 12, 14


class Broker:
    """`login`: the only user and password that it takes, None for anybody. `code`: what CONNACK says otherwise. `device`: a topic of
    commands and one of states: what is commanded is told there, as a device that listens does. `retained`: (topic, text) told to who
    subscribes. `mute`: it takes everything and answers nothing."""

    def __init__(self, *, login: tuple[str, str] | None = None, device: tuple[str, str] | None = None) -> None:
        self.login, self.device = login, device
        self.code, self.mute, self.greeting = 4, False, b""
        self.retained: tuple[str, str] | None = None
        self.forbidden: set[str] = set()
        self.connects = 0
        self.published: list[dict[str, Any]] = []
        self.acknowledged: list[bytes] = []
        self._clients: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"socket://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def tell(self, topic: str, text: str) -> None:
        """A device tells its state, to everybody here."""
        for client in self._clients:
            client.sendall(_packet(0x30, _text(topic) + text.encode()))

    def cut(self) -> None:
        """All connections end, as when a broker is restarted."""
        clients, self._clients = self._clients, []
        for client in clients:
            client.shutdown(socket.SHUT_RDWR)
            client.close()

    def __enter__(self) -> "Broker":
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._server.accept()
            except OSError:
                return
            self._clients.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            with client.makefile("rb") as heard:
                client.sendall(self.greeting)
                while (first := heard.read(1)) and self._answer(client, first[0], heard.read(_length(heard))):
                    pass
        except OSError:
            pass  # cut by the test

    def _answer(self, client: socket.socket, first: int, body: bytes) -> bool:
        kind = first >> 4
        if self.mute:
            return True
        if kind == CONNECT:
            self.connects += 1
            taken = self.login is None or _login(body) == self.login
            client.sendall(bytes((0x20, 2, 0, 0 if taken else self.code)))
            return taken
        if kind == SUBSCRIBE:
            topic = _read(body, 2)[0]
            client.sendall(bytes((0x90, 3)) + body[:2] + bytes((0x80 if topic in self.forbidden else 1,)))
            if self.retained is not None and self.retained[0] == topic:
                client.sendall(_packet(0x31, _text(topic) + self.retained[1].encode()))
        if kind == PUBLISH:
            self._published(client, first, body)
        if kind == PUBACK:
            self.acknowledged.append(body)
        if kind == PINGREQ:
            client.sendall(bytes((0xD0, 0)))
        return kind != DISCONNECT

    def _published(self, client: socket.socket, first: int, body: bytes) -> None:
        topic, rest = _read(body, 0)
        quality = first >> 1 & 3
        text = body[rest + (2 if quality else 0) :].decode()
        self.published.append({"topic": topic, "text": text, "qos": quality, "retain": bool(first & 1)})
        if self.device is not None and topic == self.device[0]:
            # With QoS 1, so that the client has to acknowledge it.
            client.sendall(_packet(0x32, _text(self.device[1]) + b"\x00\x07" + text.encode()))
        if quality:
            client.sendall(bytes((0x40, 2)) + body[rest : rest + 2])


def _login(body: bytes) -> tuple[str, str]:
    protocol, at = _read(body, 0)
    assert (protocol, body[at]) == ("MQTT", 4)
    flags, at = body[at + 1], at + 4
    assert flags & 0x02, "a clean session"
    assert not flags & 0x04, "no last will"
    _client, at = _read(body, at)
    user, at = _read(body, at) if flags & 0x80 else ("", at)
    password, at = _read(body, at) if flags & 0x40 else ("", at)
    assert at == len(body)
    return user, password


def _read(body: bytes, at: int) -> tuple[str, int]:
    size = struct.unpack_from(">H", body, at)[0]
    return body[at + 2 : at + 2 + size].decode(), at + 2 + size


def _length(heard: Any) -> int:
    size, shift = 0, 0
    while True:
        byte = heard.read(1)[0]
        size |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return size


def _text(text: str) -> bytes:
    return struct.pack(">H", len(text.encode())) + text.encode()


def _packet(first: int, body: bytes) -> bytes:
    assert len(body) < 128 * 128
    return bytes((first,)) + (bytes((len(body),)) if len(body) < 128 else bytes((len(body) & 127 | 128, len(body) >> 7))) + body
