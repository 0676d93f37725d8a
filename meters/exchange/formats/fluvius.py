"""The quarter-hour volumes that a Belgian network operator gives: columns known by what they mean, in Dutch and in French.

A row is a volume of one register in [from, to) by the clock on the wall; a quarter whose volume is missing stays unknown.
"""

import csv
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from meters.clock import EARLIEST
from meters.exchange import cells, files, header, lines, times
from meters.exchange.batches import AHEAD_S
from meters.exchange.trouble import BadRows, Unreadable, shown
from meters.exchange.wall_clock import WallClock

MICRO = 1_000_000  # volumes are added up in millionths of a Wh or litre, so that no digit is lost
LONGEST_S = 3600
LIMIT = Decimal(100_000)  # kWh or m3 in one interval
PEAKS = re.compile(r"piek|pointe|peak")
NOTHING_USED = re.compile(r"geen verbruik|pas de consommation|aucune consommation|no consumption")

COLUMNS = {
    "from_date": r"(van|du|de|from|debut)\b.*\bdat[eu]m?",
    "from_time": r"(van|du|de|from|debut)\b.*\b(tijd|heure|time|tijdstip)",
    "to_date": r"(tot|au|a|to|jusqu|fin)\b.*\bdat[eu]m?",
    "to_time": r"(tot|au|a|to|jusqu|fin)\b.*\b(tijd|heure|time|tijdstip)",
    "meter": r"(meter|compteur|meternummer|numero (du|de) compteur)",
    "register": r"regist(er|re)",
    "volume": r"volume",
    "unit": r"(eenheid|unite|unit)",
    "status": r".*(validati|statut|status).*",
}
NEEDED = ("from_date", "from_time", "register", "volume")
REGISTERS = (
    (r"(afname|prelevement|consommation|offtake).*(dag|jour|day)", "import_t1_wh"),
    (r"(afname|prelevement|consommation|offtake).*(nacht|nuit|night)", "import_t2_wh"),
    (r"(injectie|injection).*(dag|jour|day)", "export_t1_wh"),
    (r"(injectie|injection).*(nacht|nuit|night)", "export_t2_wh"),
    (r"(afname|prelevement|consommation|offtake)\b.*", "import_t1_wh"),  # one register for all hours
    (r"(injectie|injection)\b.*", "export_t1_wh"),
)


@dataclass(slots=True)
class Volumes:
    """`known`: (start, end) -> register -> millionths of a Wh or litre; `missing`: intervals that the file has without a volume."""

    known: dict[tuple[int, int], dict[str, int]] = field(default_factory=dict)
    missing: set[tuple[int, int]] = field(default_factory=set)
    registers: set[str] = field(default_factory=set)
    rows: int = 0
    serial: str = ""

    def intervals(self) -> list[tuple[int, int]]:
        """In order, those without a missing register left out."""
        return sorted(one for one in self.known if one not in self.missing)


def plain(text: str) -> str:
    """Lower case without accents, brackets and underscores."""
    bare = "".join(char for char in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(char))
    return " ".join(re.sub(r"[^a-z0-9]+", " ", bare).split())


def columns(names: tuple[str, ...]) -> dict[str, int] | None:
    """Meaning -> place in the header; None where this is no such file."""
    found: dict[str, int] = {}
    for place, name in enumerate(names):
        for meaning, pattern in COLUMNS.items():
            if meaning not in found and re.fullmatch(pattern, plain(name)):
                found[meaning] = place
                break
    return found if all(name in found for name in NEEDED) else None


class Reading:
    """Reads one or more files into `volumes`. `serial`: of the source; empty: the first meter of the file is the one."""

    def __init__(self, medium: str, serial: str, zone: ZoneInfo, now: int) -> None:
        self.medium, self.now = medium, now
        self.clock = WallClock(zone)
        self.volumes = Volumes(serial=serial)

    def read(self, reader: files.Counted, head: header.Header, bad: BadRows) -> Iterator[float]:
        """Yields how much of the file has been read. Raises Unreadable."""
        places = columns(head.names)
        assert places is not None, "recognised by them"
        files.skip(reader, head.length)
        for block in lines.blocks(reader, bad, number=head.line + 1, offset=head.length):
            rows = []
            for number, raw in enumerate(block.data.split(b"\n"), block.number):
                row = self._row(number, raw, head, places, bad)
                if row is not None:
                    rows.append((number, row))
            self._take(rows, places, bad)
            yield reader.share

    def _row(self, number: int, raw: bytes, head: header.Header, places: dict[str, int], bad: BadRows) -> list[str] | None:
        line = header.text(raw.rstrip(b"\r"))
        if not line.strip(f"{head.separator} \t"):
            return None
        self.volumes.rows += 1
        if "\0" in line:
            bad.add(number, _("The line holds a NUL byte: it was cut off or overwritten."))
            return None
        row = [cell.strip().removeprefix("=").strip('"').strip() for cell in next(csv.reader([line], delimiter=head.separator), [])]
        if len(row) <= max(places.values()):
            bad.add(
                number,
                _("The line has %(count)s columns, the header %(expected)s.") % {"count": len(row), "expected": len(head.names)},
            )
            return None
        return row

    def _take(self, rows: list[tuple[int, list[str]]], places: dict[str, int], bad: BadRows) -> None:
        """Times are read for all rows at once, each register's in its own order of the doubled hour."""
        starts = self._times(rows, places["from_date"], places["from_time"])
        ends = self._times(rows, places["to_date"], places["to_time"]) if {"to_date", "to_time"} <= places.keys() else None
        by_register: dict[str, list[int]] = {}
        for i, (number, row) in enumerate(rows):
            try:
                if not starts.ok[i]:
                    when = f"{row[places['from_date']]} {row[places['from_time']]}"
                    raise ValueError(_("%(text)s is no time.") % {"text": shown(when)})
                self._check_meter(row[places["meter"]] if "meter" in places else "")
                by_register.setdefault(self._register(row[places["register"]]), []).append(i)
            except ValueError as error:
                bad.add(number, str(error))
        for register, chosen in by_register.items():
            utc, ok = self.clock.utc(starts.seconds[chosen], register)
            for i, start, exists in zip(chosen, utc.tolist(), ok.tolist(), strict=True):
                number, row = rows[i]
                length = 900 if ends is None or not ends.ok[i] else _length(int(starts.seconds[i]), int(ends.seconds[i]))
                try:
                    if not exists:
                        raise ValueError(_("The time was on no clock: the hour is left out when summer time begins."))
                    self._keep(row, places, register, start, length)
                except ValueError as error:
                    bad.add(number, str(error))

    def _check_meter(self, meter: str) -> None:
        """Raises ValueError."""
        self.volumes.serial = self.volumes.serial or meter
        if meter and meter != self.volumes.serial:
            words = _("Of another meter (%(serial)s; the source's is %(ours)s).")
            raise ValueError(words % {"serial": shown(meter), "ours": self.volumes.serial})

    def _times(self, rows: list[tuple[int, list[str]]], date: int, time: int) -> times.Times:
        return times.parse(cells.strings([f"{row[date]} {row[time]}" for _number, row in rows]))

    def _keep(self, row: list[str], places: dict[str, int], register: str, start: int, length: int) -> None:
        """Raises ValueError with a sentence."""
        interval = (start, start + length)
        if not 0 < length <= LONGEST_S:
            raise ValueError(_("The row is of more than an hour. Ask for quarter-hour values."))
        if not EARLIEST <= start <= start + length <= self.now + AHEAD_S:
            raise ValueError(_("The time lies before 2008 or in the future."))
        volume = _volume(row[places["volume"]], plain(row[places["unit"]]) if "unit" in places else "", self.medium)
        if volume is None and "status" in places and NOTHING_USED.search(plain(row[places["status"]])):
            volume = 0
        self.volumes.registers.add(register)
        if volume is None:
            self.volumes.missing.add(interval)
            return
        stored = self.volumes.known.setdefault(interval, {})
        if stored.get(register, volume) != volume:
            raise ValueError(_("The interval stands in the file twice, with another volume."))
        stored[register] = volume

    def _register(self, text: str) -> str:
        """Raises ValueError."""
        name = plain(text)
        if self.medium != "electricity":
            return "volume_l"
        if PEAKS.search(name):
            raise ValueError(_("A month peak is no volume. Ask for quarter-hour values."))
        for pattern, register in REGISTERS:
            if re.fullmatch(pattern, name):
                return register
        raise ValueError(_("The register %(name)s is not known.") % {"name": shown(text) or "?"})


def _length(start: int, end: int) -> int:
    """Seconds by the wall clock, an hour more or less where it changes in between."""
    return next((length for length in (end - start, end - start + 3600, end - start - 3600) if 0 < length <= LONGEST_S), end - start)


def _volume(text: str, unit: str, medium: str) -> int | None:
    """Millionths of a Wh or litre; None where the cell is empty. Raises ValueError."""
    if not text:
        return None
    factor = {"kwh": 1000, "wh": 1, "mwh": 1_000_000, "": 1000} if medium == "electricity" else {"m3": 1000, "l": 1, "m": 1000}
    if unit not in factor:
        raise ValueError(_("The unit %(unit)s is not one of this source's.") % {"unit": shown(unit) or "?"})
    try:
        value = Decimal(text.replace(",", "."))
    except InvalidOperation:
        raise ValueError(_("%(column)s: %(text)s is no number.") % {"column": "Volume", "text": shown(text)}) from None
    if not value.is_finite() or not 0 <= value <= LIMIT:
        raise ValueError(_("A volume of %(text)s cannot be true.") % {"text": shown(text)})
    return int(value * factor[unit] * MICRO)


def refuse_peaks(volumes: Volumes, bad: BadRows) -> None:
    """Raises Unreadable where nothing in the file is a volume in a quarter."""
    if not volumes.known and not volumes.missing:
        why = bad.rows[0].reason if bad.rows else _("It has a header and no rows.")
        raise Unreadable(_("The file holds no quarter-hour volumes. %(why)s") % {"why": why})
