"""Bytes in, whole telegrams out. Pure; linear in the bytes fed, whatever they are."""

import re

CAP = 65536
# A line end, `!`, four digits and a line end, with room for noise that is worth telling about.
LONGEST_END = 20

_START = b"\n/"
_NEXT = re.compile(rb"\n[/!]")
_CLOSED = re.compile(rb"\n!(?:[0-9A-Fa-f]{4})?\Z")


class Framer:
    """Cuts a stream into telegrams: from `/` at the start of a line to the end of the line that starts with `!`.

    Line ends are CRLF or LF. A telegram that outgrows `cap` bytes, or into which another one begins, is dropped.
    `discarded` counts the bytes (line ends apart) that belonged to no whole telegram, `cut` the telegrams that began
    and never ended.
    """

    def __init__(self, cap: int = CAP) -> None:
        self.discarded = 0
        self.cut = 0
        self._cap = cap
        # The stream's begin counts as the start of a line: the buffer always opens with a line end, or with
        # anything else while the line under way is being skipped.
        self._buffer = bytearray(b"\n")
        self._inside = False
        self._scan = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Whole telegrams completed by `data`, in order, with their line ends as they came."""
        self._buffer += data
        telegrams: list[bytes] = []
        begin = 0
        while True:
            if not self._inside:
                found = self._buffer.find(_START, begin)
                if found < 0:
                    begin = self._skip(begin)
                    break
                self._drop(begin, found)
                begin, self._inside, self._scan = found, True, found + 1
            event = _NEXT.search(self._buffer, self._scan)
            if event is None:
                self._scan = max(len(self._buffer) - 1, begin + 1)
                break
            at = event.start()
            if event.group() == _START:
                self.cut += 1
                self._drop(begin, at)
                begin, self._scan = at, at + 1
                continue
            end = self._buffer.find(b"\n", at + 1, at + LONGEST_END)
            if end < 0 and len(self._buffer) < at + LONGEST_END:
                self._scan = at
                break
            if 0 <= end <= begin + self._cap:
                telegrams.append(bytes(self._buffer[begin + 1 : end + 1]))
            else:  # no end line but noise, or too much of it
                end = max(end, at + 1)
                self.cut += 1
                self._drop(begin, end)
            begin, self._inside = end, False
        self._shrink(begin)
        return telegrams

    def flush(self) -> list[bytes]:
        """The stream has ended: a last telegram that lacks only its line end, if there is one. What else was held is discarded."""
        held = bytes(self._buffer).rstrip(b"\r")
        whole = self._inside and _CLOSED.search(held) is not None
        if not whole:
            self.cut += self._inside
            self._drop(0, len(self._buffer))
        self._buffer = bytearray(b"\n")
        self._inside, self._scan = False, 0
        return [held[1:] + b"\r\n"] if whole else []

    def _skip(self, begin: int) -> int:
        """Outside a telegram nothing is kept but the last byte: it may be the line end before the next one."""
        last = max(begin, len(self._buffer) - 1)
        self._drop(begin, last)
        return last

    def _shrink(self, begin: int) -> None:
        if self._inside and len(self._buffer) - begin > self._cap:
            self.cut += 1
            self._inside = False
            begin = self._skip(begin)
        del self._buffer[:begin]
        self._scan = max(0, self._scan - begin)

    def _drop(self, begin: int, end: int) -> None:
        dropped = self._buffer[begin:end]
        self.discarded += len(dropped) - dropped.count(b"\n") - dropped.count(b"\r")
