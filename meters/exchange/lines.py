"""Blocks of whole lines with their numbers: no line is longer than 64 kB, whatever the file."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from django.utils.translation import gettext as _

from meters.exchange.files import Reader
from meters.exchange.times import Ints
from meters.exchange.trouble import BadRows

BLOCK = 1 << 21
LONGEST = 1 << 16


class Lines(NamedTuple):
    """`data`: whole lines, each with its end; `number`: of the first one; `offset`: of the byte after the last one, from the start."""

    data: bytes
    number: int
    offset: int

    @property
    def length(self) -> int:
        """In lines, blank ones included."""
        return self.data.count(b"\n")

    def numbers(self) -> Ints:
        """Of the lines that are not blank."""
        data = np.frombuffer(self.data, np.uint8)
        ends = np.flatnonzero(data == 10)
        starts = np.concatenate((np.zeros(1, np.int64), ends[:-1] + 1))
        blank = (ends == starts) | ((ends == starts + 1) & (data[starts] == 13))
        return np.flatnonzero(~blank) + self.number


def blocks(reader: Reader, bad: BadRows, *, number: int = 1, offset: int = 0, size: int = BLOCK) -> Iterator[Lines]:
    """Lines that end in LF, CRLF or CR. One that is too long is told and left out. Raises Unreadable."""
    held = b""
    skipping, old_mac = False, None
    while True:
        data = reader.read(size)
        if not data:
            break
        if old_mac is None:
            old_mac = b"\r" in data and b"\n" not in data
        if old_mac:
            data = data.replace(b"\r", b"\n")
        if skipping:
            end = data.find(b"\n")
            offset += len(data) if end < 0 else end + 1
            if end < 0:
                continue
            data, skipping, number = data[end + 1 :], False, number + 1
        held += data
        end = held.rfind(b"\n") + 1
        if end:
            whole, held = held[:end], held[end:]
            offset += len(whole)
            lines = Lines(_short(whole, number, bad), number, offset)
            number += lines.length
            yield lines
        if len(held) > LONGEST:
            _too_long(number, bad)
            offset += len(held)
            held, skipping = b"", True
    if held:
        yield Lines(_short(held + b"\n", number, bad), number, offset + len(held))


def _short(data: bytes, number: int, bad: BadRows) -> bytes:
    """The same lines; those that are too long are blank now."""
    if len(data) <= LONGEST:
        return data
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == 10)
    long = np.flatnonzero(np.diff(ends, prepend=-1) > LONGEST)
    if not len(long):
        return data
    lines = data.split(b"\n")
    for i in long.tolist():
        _too_long(number + i, bad)
        lines[i] = b""
    return b"\n".join(lines)


def _too_long(number: int, bad: BadRows) -> None:
    bad.add(number, _("The line is longer than 64 kB."))
