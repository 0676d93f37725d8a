"""The CRC16 at a telegram's end: over `/` up to and with `!`, poly 0xA001, start 0. Pure."""

import re

from fastcrc import crc16

_HEX = re.compile(rb"[0-9A-Fa-f]{1,4}")
_LF = re.compile(rb"\r?\n")


def ending(raw: bytes) -> tuple[int, bytes] | None:
    """Offset of the `!` that ends the telegram and the checksum text after it; None: the telegram has no end."""
    at = raw.rfind(b"\n!")
    return None if at < 0 else (at + 1, raw[at + 2 :].strip())


def is_checksum(text: bytes) -> bool:
    return _HEX.fullmatch(text) is not None


def matches(raw: bytes, end: int, given: bytes) -> bool:
    """True when `given` (hexadecimal, either case) is the checksum of raw[: end + 1].

    Adapters that turn CRLF into LF leave the meter's checksum, which counts the CRLF form, as it was.
    """
    expected = int(given, 16)
    covered = raw[: end + 1]
    return crc16.arc(covered) == expected or crc16.arc(_LF.sub(b"\r\n", covered)) == expected


def of(covered: bytes) -> bytes:
    """The checksum text of a telegram's bytes from `/` to `!`, for those who write telegrams."""
    return b"%04X" % crc16.arc(covered)
