"""Collections as `mongoexport` writes them: one object a line, or all in one array."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from meters.exchange import cells, files, lines
from meters.exchange.batches import Maker
from meters.exchange.fields import time_column
from meters.exchange.header import text
from meters.exchange.steps import Place, Step
from meters.exchange.trouble import BadRows, Unreadable

BATCH = 20_000
DEPTH = 12
SPACE = " \t\r\n"

Document = dict[str, Any]


def steps(reader: files.Counted, maker: Maker, bad: BadRows, place: Place) -> Iterator[Step]:
    """The batches of one file. Raises Unreadable."""
    maker.clock.restore(place.clock)
    skipped = place.line
    given = documents(reader, bad)
    while chosen := list(islice(given, BATCH)):
        last = chosen[-1][0]
        if last <= skipped:
            continue  # done before the import was cut off
        before = bad.count
        batch = maker.make(_cells(chosen, [field.column for field in maker.fields], bad), bad)
        yield Step(batch, Place(place.part, 0, last, maker.clock.state()), len(batch) + bad.count - before, reader.share)


def documents(reader: files.Reader, bad: BadRows) -> Iterator[tuple[int, Document]]:
    """(line, or number in the array; flat object). An object with a list of readings is as many of them. Raises Unreadable."""
    first = b""
    while data := reader.read(lines.BLOCK):
        first = (first + data).removeprefix(b"\xef\xbb\xbf").lstrip()
        if first:
            break
    rest = _Rest(first, reader)
    for number, found in _array(rest, bad) if first.startswith(b"[") else _by_line(rest, bad):
        if not isinstance(found, dict):
            bad.add(number, _("This is no JSON object."))
            continue
        for flat in flattened(found):
            yield number, flat


class _Rest:
    """A reader that gives back what was looked at."""

    def __init__(self, first: bytes, reader: files.Reader) -> None:
        self._first, self._reader = first, reader

    def read(self, size: int, /) -> bytes:
        first, self._first = self._first, b""
        return first or self._reader.read(size)


def _by_line(reader: files.Reader, bad: BadRows) -> Iterator[tuple[int, Any]]:
    for block in lines.blocks(reader, bad):
        for number, raw in enumerate(block.data.split(b"\n"), block.number):
            line = raw.strip()
            if line:
                try:
                    yield number, json.loads(text(line))
                except (ValueError, RecursionError) as error:
                    bad.add(number, _("This is no JSON: %(why)s.") % {"why": str(error)[:80]})


def _array(reader: files.Reader, bad: BadRows) -> Iterator[tuple[int, Any]]:
    """The objects of one array, however it is broken into lines. What follows damage is lost, and that is said."""
    decoder, held, at, number = json.JSONDecoder(), "", 0, 0
    opened = False
    while True:
        data = reader.read(lines.LONGEST)
        held, at = held[at:] + data.decode("utf-8", "replace"), 0
        if not opened:
            held, opened = held.lstrip()[1:], True
        while True:
            while at < len(held) and held[at] in SPACE + ",":
                at += 1
            if at >= len(held) or held[at] == "]":
                break
            try:
                found, at = decoder.raw_decode(held, at)
            except (ValueError, RecursionError) as error:
                if data and len(held) - at <= lines.LONGEST:
                    break  # it goes on in the next piece
                bad.add(number + 1, _("From here on this is no JSON: %(why)s.") % {"why": str(error)[:80]})
                return
            number += 1
            yield number, found
        if not data or (at < len(held) and held[at] == "]"):
            return


def flattened(document: Document) -> Iterator[Document]:
    """Names in lower case to plain values: nested objects are opened, lists of objects are rows that share what stands around them."""
    plain: Document = {}
    nested: list[list[Document]] = []
    _open(document, plain, nested, 0)
    if not nested:
        yield plain
    for rows in nested:
        for row in rows:
            for inner in flattened(row):
                yield {**plain, **inner}


def _open(document: Document, plain: Document, nested: list[list[Document]], depth: int) -> None:
    for key, value in document.items():
        if isinstance(value, dict) and not any(name.startswith("$") for name in value):
            if depth < DEPTH:
                _open(value, plain, nested, depth + 1)
        elif isinstance(value, list):
            rows = [row for row in value if isinstance(row, dict)]
            if rows and depth < DEPTH:
                nested.append(rows)
        elif key != "_id":
            plain[key.lower()] = scalar(value)


def scalar(value: Any) -> Any:
    """MongoDB's extended JSON, canonical and relaxed: {"$date": ...}, {"$numberLong": "..."} and their like."""
    while isinstance(value, dict) and len(value) == 1:
        [(name, inner)] = value.items()
        if name == "$date" and isinstance(inner, dict):
            inner = scalar(inner)
        if name == "$date" and isinstance(inner, (int, str)) and str(inner).lstrip("-").isdigit():
            return f"{int(inner) // 1000}"  # always milliseconds
        value = inner
    return None if isinstance(value, (dict, list)) else value


def _cells(chosen: list[tuple[int, Document]], wanted: list[str], bad: BadRows) -> cells.Cells:
    times, unread = [], dict[int, str]()
    columns = {name: np.full(len(chosen), np.nan) for name in wanted}
    for i, (_number, document) in enumerate(chosen):
        name = time_column(document)
        value = None if name is None else document[name]
        times.append("" if value is None else str(value))
        for column in wanted:
            cell = document.get(column)
            if cell is None:
                continue
            found = cells.number(cell)
            if found is None:
                unread.setdefault(i, _("%(column)s: %(text)s is no number.") % {"column": column, "text": str(cell)[:60]})
            else:
                columns[column][i] = found
    return cells.Cells(np.array([number for number, _document in chosen], np.int64), cells.strings(times), columns, unread)


def names(head: bytes) -> set[str]:
    """The names in the first objects of a file. Raises Unreadable where there is no object."""
    found: set[str] = set()
    head = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    quiet = BadRows()
    given = _array(_Rest(head, _Nothing()), quiet) if head.startswith(b"[") else _by_line(_Rest(head, _Nothing()), quiet)
    for _number, document in islice(given, 50):
        if isinstance(document, dict):
            for flat in islice(flattened(document), 50):
                found |= flat.keys()
    if not found:
        raise Unreadable(_("The file begins like JSON and holds no object that can be read."))
    return found


class _Nothing:
    def read(self, size: int, /) -> bytes:
        return b""
