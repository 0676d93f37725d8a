"""The times of a column, thousands at once: ISO 8601 with or without a zone, day-month-year, or seconds since 1970. Pure.

numpy is imported here and in the other modules of exchange: they run only in commands and child processes that end.
"""

import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

LONGEST = 40
TEMPLATES = 16  # ways to write a time in one block of rows; a row in yet another way is read by itself no more
_YEAR_FIRST = re.compile(
    rb"(?P<Y>\d{4})[-/.](?P<m>\d\d)[-/.](?P<d>\d\d)(?:[T ](?P<H>\d\d):(?P<M>\d\d)(?::(?P<S>\d\d)(?:[.,]\d{1,9})?)?)?"
    rb" ?(?:(?P<zulu>[Zz]|UTC)|(?P<sign>[+-])(?P<zh>\d\d)(?::?(?P<zm>\d\d))?)?"
)
_DAY_FIRST = re.compile(
    rb"(?P<d>\d\d)[-/.](?P<m>\d\d)[-/.](?P<Y>\d{4})(?:[T ](?P<H>\d\d):(?P<M>\d\d)(?::(?P<S>\d\d)(?:[.,]\d{1,9})?)?)?"
    rb"(?P<zulu>\b\B)?(?P<sign>\b\B)?(?P<zh>\b\B)?(?P<zm>\b\B)?"
)
_EPOCH = re.compile(rb"-?\d{9,16}(?:\.\d+)?")
_NUMBERS = "YmdHMS"
MILLI, MICRO = 10**11, 10**14  # from here on seconds would lie beyond the year 5000: milliseconds, microseconds


class Times(NamedTuple):
    """Whole seconds since 1970, fractions dropped; `naive`: a wall clock's, as if it were UTC; not `ok`: no time at all."""

    seconds: Ints
    naive: Bools
    ok: Bools


def parse(texts: NDArray[np.bytes_]) -> Times:
    """The times that a column of `S` strings says."""
    count = len(texts)
    found = Times(np.zeros(count, np.int64), np.zeros(count, np.bool_), np.zeros(count, np.bool_))
    width = texts.dtype.itemsize
    if not count or not width:
        return found
    matrix = np.ascontiguousarray(texts).view(np.uint8).reshape(count, width)
    lengths = np.where(matrix.any(axis=1), width - (matrix[:, ::-1] != 0).argmax(axis=1), 0)
    for length in np.unique(lengths):
        if 0 < length <= LONGEST:
            _parse_length(found, matrix[:, :length], np.flatnonzero(lengths == length))
    return found


def _parse_length(found: Times, matrix: NDArray[np.uint8], rows: Ints) -> None:
    """Rows of one length: the first one's way of writing is tried on all, then the first of those left, and so on."""
    for _i in range(TEMPLATES):
        if not len(rows):
            return
        first = matrix[rows[0]].tobytes()
        match = _YEAR_FIRST.fullmatch(first) or _DAY_FIRST.fullmatch(first)
        if match is not None:
            chosen = _alike(matrix, rows, first, match)
            seconds, ok = _calendar(matrix[rows[chosen]], match)
            found.naive[rows[chosen]] = match["zulu"] is None and match["sign"] is None
        elif _EPOCH.fullmatch(first):
            chosen = _alike(matrix, rows, first, None)
            seconds = _epoch(matrix[rows[chosen]], first)
            ok = np.ones(len(seconds), np.bool_)
        else:
            chosen = np.zeros(len(rows), np.bool_)
            chosen[0] = True
            seconds, ok = np.zeros(1, np.int64), np.zeros(1, np.bool_)
        found.seconds[rows[chosen]], found.ok[rows[chosen]] = seconds, ok
        rows = rows[~chosen]


def _alike(matrix: NDArray[np.uint8], rows: Ints, first: bytes, match: "re.Match[bytes] | None") -> Bools:
    """Which rows have digits where the first one has them, and its other characters; the sign of a zone is free."""
    alike = np.ones(len(rows), np.bool_)
    for i, byte in enumerate(first):
        column = matrix[rows, i]
        if 48 <= byte <= 57:
            alike &= (column >= 48) & (column <= 57)
        elif match is not None and match.start("sign") == i:
            alike &= (column == 43) | (column == 45)
        else:
            alike &= column == byte
    return alike


def _number(matrix: NDArray[np.uint8], match: "re.Match[bytes]", name: str) -> Ints:
    start, end = match.span(name)
    value = np.zeros(len(matrix), np.int64)
    for i in range(start, end):  # empty where the group is not there (-1, -1)
        value = value * 10 + (matrix[:, i].astype(np.int64) - 48)
    return value


def _calendar(matrix: NDArray[np.uint8], match: "re.Match[bytes]") -> tuple[Ints, Bools]:
    year, month, day, hour, minute, second = (_number(matrix, match, name) for name in _NUMBERS)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    longest = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)[np.clip(month, 0, 12)]
    ok = (month >= 1) & (month <= 12) & (day >= 1) & (day <= longest + (leap & (month == 2)))
    ok &= (hour < 24) & (minute < 60) & (second < 60)
    seconds = _days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second
    if match["sign"] is not None:
        sign = np.where(matrix[:, match.start("sign")] == 45, -1, 1)
        seconds = seconds - sign * (_number(matrix, match, "zh") * 3600 + _number(matrix, match, "zm") * 60)
    return seconds, ok


def _days(year: Ints, month: Ints, day: Ints) -> Ints:
    """Days since 1970-01-01 of the Gregorian calendar: years that begin in March, eras of 400 of them."""
    year = year - (month <= 2)
    era = year // 400
    of_era = year - era * 400
    of_year = (153 * (month + np.where(month > 2, -3, 9)) + 2) // 5 + day - 1
    days: Ints = era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468
    return days


def _epoch(matrix: NDArray[np.uint8], first: bytes) -> Ints:
    whole = first.split(b".")[0]
    negative = whole.startswith(b"-")
    value = np.zeros(len(matrix), np.int64)
    for i in range(int(negative), len(whole)):
        value = value * 10 + (matrix[:, i].astype(np.int64) - 48)
    value = np.where(value >= MICRO, value // 1_000_000, np.where(value >= MILLI, value // 1000, value))
    return -value if negative else value
