"""From telegrams to records of the spool, and in bulk straight to the database.

A record is `[kind, meter, medium, serial, received, time, flags, {register: value}]`, times in epoch seconds: it names the
device by its serial number, because a device may be new while the database is away.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic, time
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from meters.clock import DAY_S, EARLIEST, MeterClock, Stamp
from meters.counting import judge
from meters.models import ElectricityReading, Meter
from meters.p1.decoder import PLAIN_DIALECTS, decode
from meters.p1.framer import Framer
from meters.p1.telegram import Telegram, Volume
from meters.segments import Record
from meters.sources import Rows
from meters.take import Sample, Taker
from meters.totals import meter_peaks

COUNTERS = ("import_t1_wh", "import_t2_wh", "export_t1_wh", "export_t2_wh")
STATE = ("quarter_w", "tariff")
MOMENTARY = ("power_w", "l1_w", "l2_w", "l3_w", "l1_dv", "l2_dv", "l3_dv", "l1_ca", "l2_ca", "l3_ca")
# Without a checksum a digit may be wrong: a serial number never seen before must come this often in a row.
SIGHTINGS = 3
BULK_ROWS = 10_000

Device = tuple[str, str]  # medium, serial
Keep = Callable[[list[Record]], bool]
Reject = Callable[[float, str, str, bytes], None]  # received, reason, detail, raw


def sample_of(telegram: Telegram, stamp: Stamp) -> Sample:
    """Raises AssertionError without a time."""
    assert stamp.time is not None
    imported, exported = telegram.import_w, telegram.export_w
    power = None if imported is None and exported is None else (imported or 0) - (exported or 0)
    return Sample(
        stamp.time,
        (telegram.import_t1_wh, telegram.import_t2_wh, telegram.export_t1_wh, telegram.export_t2_wh),
        (telegram.quarter_w, telegram.tariff),
        (power, *telegram.phase_w, *telegram.phase_dv, *telegram.phase_ca),
        ElectricityReading.CLOCK_CORRECTED if stamp.corrected else 0,
    )


def _electricity_record(meter: str, serial: str, received: float, sample: Sample) -> Record:
    registers = {
        name: value
        for names, given in ((COUNTERS, sample.counters), (STATE, sample.state), (MOMENTARY, sample.momentary))
        for name, value in zip(names, given, strict=True)
        if value is not None
    }
    return ["electricity", meter, "electricity", serial, round(received), sample.time, sample.flags, registers]


@dataclass
class Counts:
    """Since this meter's start. `refused`: accepted, but the spool was full."""

    readings: int = 0
    duplicates: int = 0
    rejected: int = 0
    refused: int = 0


@dataclass
class Intake:
    """One meter's valid telegrams, in order of arrival: `stamp`, then `accept`. `flush` at the end."""

    meter: str
    clock: MeterClock
    taker: Taker
    keep: Keep
    reject: Reject
    counts: Counts = field(default_factory=Counts)
    refusing: bool = False  # the spool took nothing the last time
    _last: tuple[str, int] | None = None  # serial, time
    _serial: str = ""
    _volumes: dict[Device, tuple[int, int]] = field(default_factory=dict)  # time (0: of its own none), litres
    _trusted: set[Device] = field(default_factory=set)
    _told: tuple[Any, ...] | None = None  # serial and month peaks
    _held: list[tuple[Telegram, Stamp, float]] = field(default_factory=list)

    def stamp(self, telegram: Telegram, wall: float, mono: float) -> Stamp:
        return self.clock.stamp(None if telegram.time is None else telegram.time.timestamp(), wall, mono)

    def accept(self, telegram: Telegram, stamp: Stamp, received: float) -> None:
        if stamp.time is None:
            self._refuse(telegram, received, "clock", _("The telegram's time cannot be true."))
            return
        devices = _devices(telegram)
        if telegram.dialect in PLAIN_DIALECTS and not devices <= self._trusted:
            self._hold(telegram, stamp, received, devices)
            return
        self._trusted |= devices
        self._take(telegram, stamp, received)

    def flush(self) -> None:
        """Keep the slot begun so far: nothing more comes."""
        self._keep_samples(self.taker.flush(), time())

    def _hold(self, telegram: Telegram, stamp: Stamp, received: float, devices: set[Device]) -> None:
        if self._held and _devices(self._held[-1][0]) != devices:
            for one, _stamp, at in self._held:
                self._refuse(one, at, "serial", _("A serial number without a checksum that did not come again."))
            self._held.clear()
        self._held.append((telegram, stamp, received))
        if len(self._held) < SIGHTINGS:
            return
        held, self._held = self._held, []
        self._trusted |= devices
        for kept in held:
            self._take(*kept)

    def _take(self, telegram: Telegram, stamp: Stamp, received: float) -> None:
        assert stamp.time is not None
        serial = telegram.serial or self._serial  # unreadable for once: it is still the same meter
        if self._last == (serial, stamp.time):
            self.counts.duplicates += 1
            return
        if serial != self._serial:
            self.flush()  # another meter: its counters belong to no slot of the old one
            self._serial = serial
        self._last = (serial, stamp.time)
        others = [*self._changed(telegram, stamp, received), *self._peaks(telegram, stamp, received)]
        self._keep_samples(self.taker.add(sample_of(telegram, stamp)), received, others)

    def _keep_samples(self, samples: list[Sample], received: float, others: list[Record] | None = None) -> None:
        records = [_electricity_record(self.meter, self._serial, received, sample) for sample in samples] + (others or [])
        if not records:
            return
        self.refusing = not self.keep(records)
        readings = sum(record[0] != meter_peaks.KIND for record in records)
        if not self.refusing:
            self.counts.readings += readings
        else:
            self.counts.refused += readings
            self._volumes.clear()  # a gas meter moves rarely: what was refused is offered again
            self._told = None

    def _changed(self, telegram: Telegram, stamp: Stamp, received: float) -> list[Record]:
        """Volumes with a time or value other than last time."""
        records = []
        for volume in telegram.volumes:
            device, now = (volume.medium, volume.serial), (0 if volume.time is None else int(volume.time.timestamp()), volume.volume_l)
            if self._volumes.get(device) == now:
                continue
            self._volumes[device] = now
            record = self._volume_record(volume, stamp, received, now[0])
            if record is None:
                self._refuse(telegram, received, "volume_time", _("%(medium)s meter: its time cannot be true.") % {"medium": volume.medium})
            else:
                records.append(record)
        return records

    def _volume_record(self, volume: Volume, stamp: Stamp, received: float, own_time: int) -> Record | None:
        assert stamp.time is not None
        time = own_time - stamp.offset_s if own_time else stamp.time
        if not EARLIEST <= time <= stamp.time + DAY_S:
            return None
        flags = ElectricityReading.CLOCK_CORRECTED if stamp.corrected else 0
        return ["volume", self.meter, volume.medium, volume.serial, round(received), time, flags, {"volume_l": volume.volume_l}]

    def _peaks(self, telegram: Telegram, stamp: Stamp, received: float) -> list[Record]:
        """The meter's month peaks, when they are others than last time: a few times a day at most."""
        told = (telegram.serial, telegram.month_peak_w, telegram.month_peak_time, telegram.peaks)
        if told == self._told or (telegram.month_peak_w is None and not telegram.peaks):
            return []
        self._told = told
        months = {peak.month: [peak.w, _epoch(peak.time, stamp)] for peak in telegram.peaks}
        if telegram.month_peak_w is not None:
            months[meter_peaks.RUNNING] = [telegram.month_peak_w, _epoch(telegram.month_peak_time, stamp)]
        return [[meter_peaks.KIND, self.meter, "electricity", self._serial, round(received), stamp.time, 0, months]]

    def _refuse(self, telegram: Telegram, received: float, reason: str, detail: str) -> None:
        self.counts.rejected += 1
        self.reject(received, reason, detail, telegram.raw)


def _epoch(time: datetime | None, stamp: Stamp) -> int | None:
    """A stamp of the meter's clock, set right as the telegram's own time was."""
    return None if time is None else int(time.timestamp()) - stamp.offset_s


def _devices(telegram: Telegram) -> set[Device]:
    return {("electricity", telegram.serial), *((volume.medium, volume.serial) for volume in telegram.volumes)}


# In bulk


def bulk(
    meter: Meter, given: Iterable[Telegram | bytes] | bytes, progress: Callable[[dict[str, int]], None] = lambda _counts: None
) -> dict[str, int]:
    """Store telegrams, or the raw bytes of a port in pieces of any size; the file's times are trusted (2008 to tomorrow).
    A telegram without a time of its own (DSMR 2 and 3) is rejected: when it was sent only the port could tell.

    No spool: the caller still has its file. Returns {"telegrams", "rejected", "duplicates", "readings", "new", "suspects"}, also
    given to `progress` with every batch: readings are rows of any kind, `new` those that were not stored before, `suspects` those
    that broke a rule and lie aside. Raises django.db.Error.
    """
    records: list[Record] = []

    def keep(more: list[Record]) -> bool:
        records.extend(more)
        return True

    intake = Intake(meter.name, MeterClock("meter", lambda: True), Taker("all", 1), keep, lambda *_rejected: None)
    rows = Rows()
    counts = dict.fromkeys(("telegrams", "rejected", "duplicates", "readings", "new", "suspects"), 0)

    def store() -> None:
        chosen, peaks = rows.by_kind(records), rows.peaks(records)
        with transaction.atomic():
            meter_peaks.store(peaks)
            taken = judge.take_all(chosen, datetime.fromtimestamp(now, UTC))
        counts["new"] += taken.new
        counts["suspects"] += taken.suspects
        counts["readings"] += len(records) - len(peaks)
        counts["duplicates"], counts["rejected"] = intake.counts.duplicates, bad + intake.counts.rejected
        records.clear()
        progress(counts)

    bad, now = 0, time()
    for telegram in _telegrams(given, meter.dialect):
        counts["telegrams"] += 1
        if telegram.valid and telegram.time is not None:
            intake.accept(telegram, intake.stamp(telegram, now, monotonic()), now)
        else:
            bad += 1
        if len(records) >= BULK_ROWS:
            store()
    intake.flush()
    store()
    return counts


def _telegrams(given: Iterable[Telegram | bytes] | bytes, dialect: str) -> Iterable[Telegram]:
    framer = Framer()
    for piece in [given] if isinstance(given, bytes) else given:
        if isinstance(piece, Telegram):
            yield piece
        else:
            for raw in framer.feed(piece):
                yield decode(raw, dialect)
    for raw in framer.flush():
        yield decode(raw, dialect)
