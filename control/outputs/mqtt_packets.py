"""MQTT 3.1.1 packets, those that one switch needs: to bytes and back. Pure.

docs.oasis-open.org/mqtt/mqtt/v3.1.1: chapter 2 the fixed header, chapter 3 the packets.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

CONNACK, PUBLISH, PUBACK, SUBACK, PINGRESP = 2, 3, 4, 9, 13
PINGREQ = bytes((0xC0, 0))
DISCONNECT = bytes((0xE0, 0))
REFUSED_TOPIC = 0x80
MOST_BYTES = 64 * 1024


class Garbled(ValueError):
    """What came is no MQTT."""


@dataclass(frozen=True, slots=True)
class Packet:
    kind: int
    flags: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """`number`: to be acknowledged, 0 where nobody waits for that (QoS 0)."""

    topic: str
    text: str
    number: int
    retained: bool


def connect(client: str, username: str, password: str, keep_alive_s: int) -> bytes:
    """A clean session: nothing that was said to who stood here before is heard."""
    flags = 0x02 | (0x80 if username else 0) | (0x40 if username and password else 0)
    who = _text(client) + (_text(username) if username else b"") + (_text(password) if username and password else b"")
    return _packet(0x10, _text("MQTT") + bytes((4, flags)) + struct.pack(">H", keep_alive_s) + who)


def publish(topic: str, text: str, number: int, *, again: bool = False) -> bytes:
    """QoS 1, and never retained: a broker that restarts must not switch anything on."""
    return _packet(0x32 | (0x08 if again else 0), _text(topic) + struct.pack(">H", number) + text.encode())


def acknowledge(number: int) -> bytes:
    return _packet(0x40, struct.pack(">H", number))


def subscribe(topic: str, number: int) -> bytes:
    return _packet(0x82, struct.pack(">H", number) + _text(topic) + bytes((1,)))


def number_of(packet: Packet) -> int:
    """Of PUBACK and SUBACK. Raises Garbled."""
    if len(packet.body) < 2:
        raise Garbled
    return int(struct.unpack_from(">H", packet.body)[0])


def message(packet: Packet) -> Message:
    """Of PUBLISH. Raises Garbled."""
    body, quality = packet.body, packet.flags >> 1 & 3
    if len(body) < 2:
        raise Garbled
    end = 2 + struct.unpack_from(">H", body)[0]
    begin = end + (2 if quality else 0)
    if len(body) < begin or quality == 3:
        raise Garbled
    number = struct.unpack_from(">H", body, end)[0] if quality else 0
    return Message(body[2:end].decode("utf-8", "replace"), body[begin:].decode("utf-8", "replace"), number, bool(packet.flags & 1))


def take(buffer: bytearray) -> Iterator[Packet]:
    """Whole packets at the beginning of `buffer`, which are taken off it. Raises Garbled."""
    while (size := _size(buffer)) is not None:
        length, begin = size
        if len(buffer) < begin + length:
            return
        packet = Packet(buffer[0] >> 4, buffer[0] & 15, bytes(buffer[begin : begin + length]))
        del buffer[: begin + length]
        yield packet


def _size(buffer: bytearray) -> tuple[int, int] | None:
    """(length of the body, where it begins), None where that has not come yet."""
    length = 0
    for place in range(4):
        if len(buffer) < place + 2:
            return None
        length |= (buffer[place + 1] & 127) << 7 * place
        if buffer[place + 1] < 128:
            if length > MOST_BYTES:
                raise Garbled
            return length, place + 2
    raise Garbled


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">H", len(data)) + data


def _packet(first: int, body: bytes) -> bytes:
    left, size = len(body), b""
    while True:
        left, low = left >> 7, left & 127
        size += bytes((low | (128 if left else 0),))
        if not left:
            return bytes((first,)) + size + body
