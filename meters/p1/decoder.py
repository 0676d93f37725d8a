"""One telegram's bytes to a Telegram. Pure, and never raises: what is wrong is said in the result."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from meters.p1 import checksum, lines, mbus
from meters.p1.telegram import PHASES, Peak, Telegram, Volume

AUTO, BELGIUM, V5, V4, V3, V2 = "auto", "belgium", "v5", "v4", "v3", "v2"
# Without a checksum, and without a time of its own.
PLAIN_DIALECTS = frozenset({V3, V2})
# A telegram that lacks one of these is no reading, whatever its checksum says.
REQUIRED = (("import_t1_wh", "1-0:1.8.1"), ("import_w", "1-0:1.7.0"))
SHOWN = 60
NAMED = 3


def decode(raw: bytes, dialect: str = AUTO) -> Telegram:
    """The telegram in `raw` (`/…!CRC`, CRLF or LF). `dialect`: one of the names above; auto recognises it by its lines."""
    end = checksum.ending(raw)
    if end is None or not raw.startswith(b"/"):
        return Telegram(raw, False, "This is no whole telegram: one begins with / and ends with a line that begins with !.", "truncated")
    text = raw[: end[0]].decode("ascii", "replace")
    if dialect == AUTO:
        dialect = recognise(text)
    error = _checksum_error(raw, *end, required=dialect not in PLAIN_DIALECTS)
    if error is not None:
        return Telegram(raw, False, error, "checksum", dialect=dialect)
    found = _Found()
    found.read(text)
    return found.telegram(raw, dialect)


def recognise(text: str) -> str:
    """Belgium has a version line of its own, DSMR 4 and 5 say 4x or 50 in 1-3:0.2.8; older ones say neither and have no time."""
    if "\n0-0:96.1.4(" in text:
        return BELGIUM
    at = text.find("\n1-3:0.2.8(")
    if at >= 0:
        return V4 if text[at + 11 : at + 12] == "4" else V5
    return V4 if "\n0-0:1.0.0(" in text else V3


def _checksum_error(raw: bytes, end: int, given: bytes, *, required: bool) -> str | None:
    if not given and not required:
        return None
    if not given:
        return "The checksum at the end is missing."
    if not checksum.is_checksum(given):
        return f"{_shown(given.decode('ascii', 'replace'))} at the end is no checksum."
    if not checksum.matches(raw, end, given):
        return "The checksum does not match: bytes were lost or changed on the way."
    return None


def _shown(text: str) -> str:
    """Text from a device, fit to be put into a sentence."""
    plain = "".join(char if " " <= char <= "~" else "?" for char in text[: SHOWN + 1])
    return plain if len(plain) <= SHOWN else f"{plain[:SHOWN]}…"


@dataclass(slots=True)
class _Found:
    """What the lines of one telegram held: numbers by field name, and what went wrong."""

    numbers: dict[str, int] = field(default_factory=dict)
    time: datetime | None = None
    serial: str = ""
    month_peak_time: datetime | None = None
    peaks: tuple[Peak, ...] = ()
    channels: dict[str, dict[str, str]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    error: str | None = None
    reason: str | None = None

    def read(self, text: str) -> None:
        rows = text.split("\n")
        seen: dict[str, str] = {}
        for i, row in enumerate(rows):
            line = row.rstrip("\r")
            obis = line.partition("(")[0]
            known = lines.FIELDS.get(obis)
            if known is not None:
                before = seen.setdefault(obis, line)
                if before is line:
                    self._take(obis, known, line)
                elif before != line and known.essential:
                    self._fail("repeated", f"{obis} stands in the telegram twice: {_shown(before)} and {_shown(line)}.")
            elif obis[:2] == "0-" and obis[4:] in mbus.CODES:
                # The number of an old gas line stands on the next one.
                whole = line + rows[i + 1].rstrip("\r") if obis[4:] == mbus.OLD_READING and i + 1 < len(rows) else line
                self.channels.setdefault(obis[2:3], {}).setdefault(obis[4:], whole)

    def _take(self, obis: str, known: lines.Field, line: str) -> None:
        try:
            if obis == lines.TIME:
                self.time = lines.time(line)
                if self.time is None:
                    self._fail("time", f"The telegram's own time is no time: {_shown(line)}.")
            elif obis == lines.SERIAL:
                self.serial = lines.serial(line)
            elif obis == lines.PEAKS:
                self.peaks = lines.peaks(line)
            elif obis == lines.MONTH_PEAK:
                self.month_peak_time, self.numbers[known.name] = lines.month_peak(line)
            else:
                value = lines.number(known, line)
                if value is not None:
                    self.numbers[known.name] = value
        except lines.OutOfRange:
            self._unreadable(known, "range", f"{_shown(line)} is more than any meter shows")
        except lines.UNREADABLE:
            self._unreadable(known, "time" if obis == lines.TIME else "number", f"{_shown(line)} cannot be read")

    def _unreadable(self, known: lines.Field, reason: str, words: str) -> None:
        if known.essential:
            self._fail(reason, f"{words}.")
        else:
            self.unread.add(known.name)
            self.left_out.append(words)

    def _fail(self, reason: str, error: str) -> None:
        """The first fault is the one that is told."""
        if self.reason is None:
            self.reason, self.error = reason, error

    def _check_required(self, dialect: str) -> None:
        if self.time is None and dialect not in PLAIN_DIALECTS:
            self._fail("missing", "The telegram has no time (0-0:1.0.0).")
        for name, obis in REQUIRED:
            if name not in self.numbers:
                self._fail("missing", f"The telegram has no line {obis}.")

    def _volumes(self) -> tuple[Volume, ...]:
        volumes = []
        for channel in sorted(self.channels):
            if channel in "123456789":
                volume, unreadable = mbus.volume(self.channels[channel])
                if volume is not None:
                    volumes.append(volume)
                elif unreadable is not None:
                    self.left_out.append(f"{_shown(unreadable)} cannot be read")
        return tuple(volumes)

    def _phase(self, phase: int) -> int | None:
        """Import - export; a meter without one of the two lines has nothing there, an unreadable one leaves the phase out."""
        names = (f"l{phase}_import_w", f"l{phase}_export_w")
        imported, exported = (self.numbers.get(name) for name in names)
        if (imported is None and exported is None) or not self.unread.isdisjoint(names):
            return None
        return (imported or 0) - (exported or 0)

    def telegram(self, raw: bytes, dialect: str) -> Telegram:
        volumes = self._volumes()
        self._check_required(dialect)
        error, reason = self.error, self.reason
        if reason is None and self.left_out:
            more = f"; and {len(self.left_out) - NAMED} more" if len(self.left_out) > NAMED else ""
            error, reason = f"Left out: {'; '.join(self.left_out[:NAMED])}{more}.", "left_out"
        get = self.numbers.get
        values: dict[str, Any] = {name: get(name) for name in _DIRECT}
        return Telegram(
            raw,
            self.reason is None,
            error,
            reason,
            time=self.time,
            serial=self.serial,
            dialect=dialect,
            phase_w=tuple(self._phase(phase) for phase in PHASES),  # type: ignore[arg-type]
            phase_dv=tuple(get(f"l{phase}_dv") for phase in PHASES),  # type: ignore[arg-type]
            phase_ca=tuple(get(f"l{phase}_ca") for phase in PHASES),  # type: ignore[arg-type]
            month_peak_time=self.month_peak_time,
            peaks=self.peaks,
            volumes=volumes,
            **values,
        )


_DIRECT = (
    "import_t1_wh",
    "import_t2_wh",
    "export_t1_wh",
    "export_t2_wh",
    "tariff",
    "import_w",
    "export_w",
    "quarter_w",
    "month_peak_w",
    "breaker",
    "limiter_w",
    "fuse_a",
)
