"""A history from a CSV file: `time,house_w,solar_w`, a row a minute. Pure.

Columns may stand in any order and others beside them; `;` separates as well, decimals may have a comma then. Times are ISO 8601 with an
offset, or epoch seconds, or what the clock of the house showed: then the doubled hour of an autumn night is told by the file's order.
Rows up to 15 minutes apart are held until the next one; before a longer gap, and at the end, as long as the last one was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from control.backtest.history import QUARTER_MIN, STEP_S, History

NAMES = ("time", "house_w", "solar_w")
# The longest step between two rows that is still one.
LONGEST_S = 900
MOST_MINUTES = 20 * 366 * 1440
MOST_W = 1_000_000.0


class BadHistory(Exception):
    """What is wrong with the file, in words that name the line."""


def read(path: Path, zone: str, tell: Callable[[int], None] = lambda rows: None) -> History:
    """Raises BadHistory, also where the file cannot be read. `tell` hears how many rows were read."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return of_lines(lines, zone, tell)
    except OSError as error:
        raise BadHistory(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadHistory(f"{path} is no text: byte {error.start} is not UTF-8.") from error


def of_lines(lines: Iterable[str], zone: str, tell: Callable[[int], None] = lambda rows: None) -> History:
    numbered = enumerate(lines, 1)
    _number, header = next(numbered, (0, ""))
    separator = ";" if ";" in header else "\t" if "\t" in header else ","
    names = [name.strip().strip('"').lower() for name in header.split(separator)]
    missing = [name for name in NAMES if name not in names]
    if missing:
        raise BadHistory(f"The first line names the columns time,house_w,solar_w; {', '.join(missing)} is not among them.")
    rows = _rows(numbered, separator, [names.index(name) for name in NAMES], Clock(zone))
    return _history(rows, zone, tell)


class Clock:
    """Epoch seconds of the times of one file."""

    def __init__(self, zone: str) -> None:
        self.zone = ZoneInfo(zone)
        self.last = -1

    def epoch(self, text: str) -> int:
        """Raises ValueError."""
        try:
            when = datetime.fromisoformat(text)
        except ValueError:
            return int(float(text))
        if when.tzinfo is None:
            local = when.replace(tzinfo=self.zone)
            at = int(local.timestamp())
            if at <= self.last:  # the second of two hours of the same name
                at = int(local.replace(fold=1).timestamp())
        else:
            at = int(when.timestamp())
        self.last = at
        return at


def _rows(lines: Iterator[tuple[int, str]], separator: str, places: list[int], clock: Clock) -> Iterator[tuple[int, int, float, float]]:
    """(line, epoch, house W, solar W) of each row."""
    time_at, house_at, solar_at = places
    comma = separator != ","
    for number, line in lines:
        if line.isspace():
            continue
        cells = line.rstrip("\r\n").replace('"', "").split(separator)
        try:
            house, solar = cells[house_at], cells[solar_at]
            if comma:
                house, solar = house.replace(",", "."), solar.replace(",", ".")
            row = (number, clock.epoch(cells[time_at].strip()), float(house), float(solar))
        except (ValueError, IndexError, OverflowError, OSError) as error:
            raise BadHistory(f"Line {number} is no time and two numbers: {line.strip()[:80]!r}.") from error
        if not (abs(row[2]) <= MOST_W and abs(row[3]) <= MOST_W):
            raise BadHistory(f"Line {number} holds a power that no house has: {line.strip()[:80]!r}.")
        yield row


def _history(rows: Iterator[tuple[int, int, float, float]], zone: str, tell: Callable[[int], None]) -> History:
    """Each row holds from its minute on, up to the next row where that is at most LONGEST_S later."""
    house: list[float | None] = []
    solar: list[float | None] = []
    start = 0
    last_number, last_at, together = 0, -1, 1
    step_s = STEP_S
    for count, (number, at, house_w, solar_w) in enumerate(rows):
        if last_at < 0:
            start = at - at % (QUARTER_MIN * STEP_S)
        elif at <= last_at:
            raise BadHistory(f"Line {number} is not later than line {last_number}: rows stand in order of time, each time once.")
        minute = (at - start) // STEP_S
        if minute > MOST_MINUTES:
            raise BadHistory(f"Line {number} lies more than 20 years after the first one.")
        if count and at - last_at <= LONGEST_S:
            step_s = at - last_at
        missing = minute - len(house)
        if missing > 0:
            held = min(missing, (step_s - 1) // STEP_S) if count else 0
            house += [house[-1]] * held if held else []
            solar += [solar[-1]] * held if held else []
            house += [None] * (missing - held)
            solar += [None] * (missing - held)
        if minute < len(house):  # several rows in one minute: their mean
            together += 1
            house[minute] = (house[minute] or 0.0) * (together - 1) / together + house_w / together
            solar[minute] = (solar[minute] or 0.0) * (together - 1) / together + max(0.0, solar_w) / together
        else:
            together = 1
            house.append(house_w)
            solar.append(max(0.0, solar_w))
        last_number, last_at = number, at
        if count % 50_000 == 0:
            tell(count)
    if not house:
        raise BadHistory("There is no row below the names of the columns.")
    more = (step_s - 1) // STEP_S
    house += [house[-1]] * more
    solar += [solar[-1]] * more
    return History(start, house, solar, zone)


def rows_of(history: History) -> Iterator[str]:
    """The file that `read` reads, line by line."""
    yield ",".join(NAMES) + "\n"
    for i, (house, solar) in enumerate(zip(history.house_w, history.solar_w, strict=True)):
        if house is not None and solar is not None:
            yield f"{datetime.fromtimestamp(history.start + i * STEP_S, UTC):%Y-%m-%dT%H:%M:%SZ},{house:g},{solar:g}\n"
