"""A file, a packed file or a folder as streams of bytes, within limits that a bomb cannot pass."""

import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from django.utils.translation import gettext as _

from meters.exchange.trouble import Unreadable, shown

TIMES = 20  # unpacked, a file may be so many times its size
MOST_BYTES = 2 << 30
SMALL = 1 << 20  # so many bytes are let through whatever the ratio: a few kB of equal rows pack very well
GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"


class Reader(Protocol):
    def read(self, size: int, /) -> bytes: ...


class Counted:
    """A stream that knows how far it is, and that ends with words where it grows out of proportion."""

    def __init__(self, inner: Reader, raw: BinaryIO, size: int, *, packed: bool) -> None:
        self._inner, self._raw, self.size, self._packed = inner, raw, size, packed
        self.given = 0

    @property
    def share(self) -> float:
        """How much of the file has been read, 0 to 1."""
        return min(1.0, self._raw.tell() / self.size) if self.size else 1.0

    def read(self, size: int, /) -> bytes:
        """Raises Unreadable."""
        try:
            data = self._inner.read(size)
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
            raise Unreadable(_("The file cannot be read to its end: %(why)s. Is the copy complete?") % {"why": error}) from error
        self.given += len(data)
        if self._packed and self.given > SMALL and self.given > TIMES * self.size:
            raise Unreadable(
                _("Unpacked, the file is more than %(times)s times its size: that is no file of readings. Unpack it yourself and look.")
                % {"times": TIMES}
            )
        if self.given > MOST_BYTES:
            raise Unreadable(_("The file holds more than 2 GB. Split it, by year for example, and import the parts."))
        return data


@contextmanager
def opened(path: Path) -> Iterator[Counted]:
    """Raises Unreadable: not there, no file, no archive that may be opened."""
    try:
        if not path.is_file():
            raise Unreadable(_("%(name)s is not a file.") % {"name": shown(path.name)})
        raw = path.open("rb")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise Unreadable(_("%(name)s cannot be opened: %(why)s.") % {"name": shown(path.name), "why": why}) from error
    with raw:
        size = path.stat().st_size
        magic = raw.read(4)
        raw.seek(0)
        if magic.startswith(GZIP):
            with gzip.GzipFile(fileobj=raw) as unpacked:
                yield Counted(unpacked, raw, size, packed=True)
        elif magic == ZIP:
            with _member(raw) as unpacked:
                yield Counted(unpacked, raw, size, packed=True)
        else:
            yield Counted(raw, raw, size, packed=False)


@contextmanager
def _member(raw: BinaryIO) -> Iterator[Reader]:
    """The one file in a zip archive. Raises Unreadable."""
    try:
        archive = zipfile.ZipFile(raw)
    except zipfile.BadZipFile as error:
        raise Unreadable(_("The archive is damaged: %(why)s.") % {"why": error}) from error
    with archive:
        members = archive.infolist()
        if any(one.filename == "[Content_Types].xml" for one in members):
            raise Unreadable(_("This is a workbook, not a text file. Open it in the spreadsheet and save it as CSV (UTF-8)."))
        if len(members) != 1 or members[0].is_dir():
            raise Unreadable(_("The archive has to hold exactly one file; it holds %(count)s.") % {"count": len(members)})
        name = members[0].filename
        if name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name) or ":" in name:
            raise Unreadable(_("The file in the archive has a path that leads elsewhere: %(name)s.") % {"name": shown(name)})
        if members[0].flag_bits & 1:
            raise Unreadable(_("The archive has a password. Unpack it first."))
        try:
            inner = archive.open(members[0])
        except (NotImplementedError, RuntimeError, zipfile.BadZipFile) as error:
            raise Unreadable(_("The archive cannot be unpacked: %(why)s. Unpack it first.") % {"why": error}) from error
        with inner:
            yield inner


def parts(path: Path) -> list[Path]:
    """The file itself; of a folder its files in the order of their names, numbers by value. Raises Unreadable."""
    try:
        if not path.exists():
            raise Unreadable(_("%(name)s does not exist.") % {"name": shown(str(path))})
        if not path.is_dir():
            return [path]
        found = [one for one in path.rglob("*") if one.is_file() and not any(part.startswith(".") for part in one.relative_to(path).parts)]
    except (OSError, ValueError) as error:
        raise Unreadable(_("%(name)s cannot be opened: %(why)s.") % {"name": shown(str(path)), "why": error}) from error
    found = [one for one in found if one.stat().st_size]
    if not found:
        raise Unreadable(_("The folder %(name)s holds no file with anything in it.") % {"name": shown(str(path))})
    return sorted(found, key=lambda one: [_natural(part) for part in one.relative_to(path).parts])


def _natural(name: str) -> list[tuple[int, int, str]]:
    """2021-9 before 2021-10."""
    return [(0, int(word), "") if word.isdigit() else (1, 0, word) for word in re.split(r"(\d+)", name) if word]


def skip(reader: Reader, count: int) -> None:
    while count > 0 and (data := reader.read(min(count, io.DEFAULT_BUFFER_SIZE * 16))):
        count -= len(data)
