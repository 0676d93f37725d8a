"""The first line of a CSV file: its encoding, its separator, its columns."""

import csv
from dataclasses import dataclass

from django.utils.translation import gettext as _

from meters.exchange.trouble import Unreadable, shown

UTF8_BOM = b"\xef\xbb\xbf"
SEPARATORS = (";", ",", "\t")
MOST_COLUMNS = 500


@dataclass(frozen=True, slots=True)
class Header:
    """`line`: where the header stands; `length`: bytes up to the end of it; `names`: in lower case, stripped."""

    names: tuple[str, ...]
    separator: str
    line: int
    length: int


def text(data: bytes) -> str:
    """UTF-8, and what is not is read as Latin-1, as older spreadsheets write."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.removeprefix(UTF8_BOM).decode("latin-1")


def read(head: bytes) -> Header | None:
    """From the first bytes of a file; None where there is no line that could be a header. Raises Unreadable."""
    refuse_utf16(head)
    separator, position = "", 0
    plain = head.replace(b"\r", b"\n") if b"\n" not in head else head
    for number, raw in enumerate(plain.splitlines(keepends=True), 1):
        position += len(raw)
        line = text(raw).strip()
        if line.lower().startswith("sep=") and len(line) <= 5:
            separator = line[4:] or "\t"
        elif line:
            names = _names(line, separator or _separator(line))
            return Header(names, separator or _separator(line), number, position) if 1 < len(names) <= MOST_COLUMNS else None
    return None


def refuse_utf16(head: bytes) -> None:
    """Raises Unreadable."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or (head[1:2] == b"\0" and head[3:4] == b"\0"):
        raise Unreadable(_("The text is in UTF-16. Save it as CSV (UTF-8) and import that."))


def _separator(line: str) -> str:
    return max(SEPARATORS, key=line.count)


def _names(line: str, separator: str) -> tuple[str, ...]:
    return tuple(cell.strip().strip('"').lower() for cell in next(csv.reader([line.replace("\0", "")], delimiter=separator), []))


def refuse_doubles(header: Header, wanted: set[str]) -> None:
    """Raises Unreadable where a column that counts stands in the header twice."""
    double = next((name for name in header.names if name in wanted and header.names.count(name) > 1), None)
    if double is not None:
        raise Unreadable(
            _("Line %(line)s: the column %(name)s stands in the header twice. Remove one of them.")
            % {"line": header.line, "name": shown(double)}
        )
