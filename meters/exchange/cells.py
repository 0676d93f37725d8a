"""From lines to columns of cells: by pandas where every row is in order, else row by row, so that what is wrong has a line and a reason."""

import csv
import io
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd  # 60 MB: only in commands and child processes that end
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from meters.exchange import header as headers
from meters.exchange.lines import Lines
from meters.exchange.times import Bools, Ints
from meters.exchange.trouble import BadRows, shown

Floats = NDArray[np.float64]


@dataclass(slots=True)
class Cells:
    """`times`: a column of `S` strings; `numbers`: NaN where a cell is empty; `unread`: (row, column) of what is no number."""

    lines: Ints
    times: NDArray[np.bytes_]
    numbers: dict[str, Floats]
    unread: dict[int, str]


def read(block: Lines, header: headers.Header, time: str, wanted: list[str], bad: BadRows) -> Cells:
    """The wanted columns of a block. Rows that are torn are told to `bad` and left out."""
    return _quick(block, header, time, wanted) or _exact(block, header, time, wanted, bad)


def _quick(block: Lines, header: headers.Header, time: str, wanted: list[str]) -> Cells | None:
    """None where any row is not plain numbers of the right count."""
    data = block.data
    if b"\0" in data:
        return None
    if b'"' in data:
        data = data.replace(b'"', b"")  # with a separator inside the quotes the count below is wrong
    numbers = block.numbers()
    if data.count(header.separator.encode()) != len(numbers) * (len(header.names) - 1) or not len(numbers):
        return None
    places = {header.names.index(name): name for name in (time, *wanted)}
    comma = header.separator != "," and b"," in data
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of columns whose types differ from one part to the next
            frame = pd.read_csv(
                io.BytesIO(data),
                sep=header.separator,
                header=None,
                usecols=list(places),
                dtype={header.names.index(time): object},
                decimal="," if comma else ".",
                keep_default_na=False,
                na_values=[""],
                quoting=csv.QUOTE_NONE,
                encoding="latin-1",
                engine="c",
                low_memory=False,
                index_col=False,
            )
    except (ValueError, Warning, OverflowError):
        return None
    frame.columns = pd.Index([places[int(str(place))] for place in frame.columns])
    times = frame.pop(time)
    if len(frame) != len(numbers) or times.isna().any() or any(column.dtype.kind not in "iuf" for _name, column in frame.items()):
        return None
    try:
        stripped = np.char.strip(times.to_numpy(object).astype("S"))
    except UnicodeEncodeError:
        return None
    columns = {str(name): column.to_numpy(np.float64) for name, column in frame.items()}
    if any(np.isinf(column).any() for column in columns.values()):
        return None
    return Cells(numbers, stripped, columns, {})


def _exact(block: Lines, header: headers.Header, time: str, wanted: list[str], bad: BadRows) -> Cells:
    lines, rows = [], []
    for number, raw in enumerate(block.data.split(b"\n"), block.number):
        row = _row(number, raw, header, bad)
        if row is not None:
            lines.append(number)
            rows.append(row)
    at = header.names.index(time)
    times = np.array([row[at].strip().encode("ascii", "replace")[:200] for row in rows] or [b""], "S")[: len(rows)]
    unread: dict[int, str] = {}
    numbers = {}
    for name in wanted:
        place = header.names.index(name)
        numbers[name] = _column([row[place] for row in rows], name, unread)
    return Cells(np.array(lines, np.int64), times, numbers, unread)


def _row(number: int, raw: bytes, header: headers.Header, bad: BadRows) -> list[str] | None:
    line = headers.text(raw.rstrip(b"\r"))
    if not line.strip():
        return None
    if "\0" in line:
        bad.add(number, _("The line holds a NUL byte: it was cut off or overwritten."))
        return None
    try:
        row = next(csv.reader([line], delimiter=header.separator))
    except (csv.Error, StopIteration) as error:
        bad.add(number, _("The line cannot be split into columns: %(why)s.") % {"why": error})
        return None
    if not any(cell.strip() for cell in row):
        return None  # a spreadsheet's empty row
    if len(row) != len(header.names):
        bad.add(
            number,
            _("The line has %(count)s columns, the header %(expected)s.") % {"count": len(row), "expected": len(header.names)},
        )
        return None
    return row


def _column(cells: list[str], name: str, unread: dict[int, str]) -> Floats:
    values = np.full(len(cells), np.nan)
    for i, cell in enumerate(cells):
        found = number(cell)
        if found is None:
            unread.setdefault(i, _("%(column)s: %(text)s is no number.") % {"column": name, "text": shown(cell)})
        else:
            values[i] = found
    return values


def number(cell: Any) -> float | None:
    """NaN where there is nothing, None where it is no number. A decimal point or comma, no thousands."""
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        return float(cell) if abs(cell) < 1e300 or cell != cell else None
    plain = str(cell).strip().replace(",", ".")
    if not plain or plain.lower() in ("nan", "null", "none", "nat"):
        return float("nan")
    if not set(plain) <= set("0123456789.+-eE"):
        return None
    try:
        value = float(plain)
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def strings(cells: list[str]) -> NDArray[np.bytes_]:
    return np.array([cell.strip().encode("ascii", "replace")[:200] for cell in cells] or [b""], "S")[: len(cells)]


def falses(count: int) -> Bools:
    return np.zeros(count, np.bool_)
