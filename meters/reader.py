"""One thread for each meter: connect, read, decode, publish, keep. It goes on for ever, and says why it cannot."""

import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import structlog
from django.utils.translation import gettext as _
from django.utils.translation import ngettext_lazy, override

from energysite import agents, live
from energysite.errors import DeviceConfigError, DeviceUnavailable
from meters import addresses, freshness, hints
from meters.clock import MeterClock, system_synchronised
from meters.configuration import MeterConfig
from meters.frames import frame_of
from meters.ingest import Intake, Keep
from meters.p1.decoder import decode
from meters.p1.framer import Framer
from meters.p1.telegram import Telegram
from meters.raw import LastRaw
from meters.share import Share
from meters.take import Taker
from meters.transports import Transport, connect

log = structlog.get_logger(__name__)

FAST, SLOW = 115200, 9600
READ_S = 0.5
REPORT_S = 5.0
SAMPLE = 200
RECENT = 100
MANY_DAMAGED = 5  # of the last 100 telegrams

Reject = Callable[[str, float, str, str, bytes], None]


@dataclass(frozen=True)
class Patience:
    """Seconds: without a byte until a hint, without a usable telegram until the port is opened anew, between two tries."""

    silent_s: float = 20.0
    reopen_s: float = 25.0
    first_pause_s: float = 1.0
    longest_pause_s: float = 60.0


@dataclass
class State:
    """What a person is told. Times in epoch seconds."""

    status: str = "connecting"
    error: str | None = None
    last_telegram: float | None = None
    connected_since: float | None = None
    telegrams: int = 0
    rejected: int = 0
    readings: int = 0
    duplicates: int = 0
    refused: int = 0
    damaged_pct: int = 0
    clock_offset_s: int | None = None
    dialect: str = ""
    baud: int | None = None
    shared_on: int | None = None


class Reader(threading.Thread):
    """`start`, `stop`, then `join`. `handle` is one telegram through the production path, also for a replay."""

    def __init__(
        self,
        config: MeterConfig,
        keep: Keep,
        reject: Reject,
        *,
        learned_s: int = 0,
        synchronised: Callable[[], bool] = system_synchronised,
        patience: Patience = Patience(),
    ) -> None:
        super().__init__(name=f"meter {config.name}", daemon=True)
        self.config = config
        self.state = State()
        # A file has the times of its own day: only a live port can be judged by today's clock.
        mode = "meter" if config.connection.startswith("replay:") else config.clock
        self.clock = MeterClock(mode, synchronised, learned_s)
        self._fresh = None if config.connection.startswith("replay:") else freshness.Teller()
        self._synchronised = synchronised
        self.intake = Intake(config.name, self.clock, Taker(config.take, config.slot_s), keep, self._rejected)
        self._reject = reject
        self._publisher = live.publisher()
        self._patience = patience
        self._last_raw = LastRaw(config.name)
        self._recent: deque[bool] = deque(maxlen=RECENT)
        self._last_error = ""
        self._share: Share | None = None
        self._share_trouble: str | None = None
        self._stopping = threading.Event()
        self._pause_s = patience.first_pause_s
        self._slow = False
        self._tried: set[int] = set()
        self._reported: tuple[float, str, str | None] = (float("-inf"), "", None)

    def stop(self) -> None:
        self._stopping.set()

    def run(self) -> None:
        with override(self.config.language):
            self._run()

    def _run(self) -> None:
        log.info("reading", meter=self.config.name, connection=self.config.connection)
        while not self._stopping.is_set():
            try:
                self._session()
            except Exception:
                # A fault of ours, not of the meter: said with its trace, and the meter is read again.
                log.exception("the reader failed", meter=self.config.name)
                self._tell("error", _("Reading failed by a fault in this program; it is tried again. The log has the details."))
                self._pause()
        self.intake.flush()
        self._close_share()

    # Connecting

    def _session(self) -> None:
        self._open_share()
        baud = self._baud()
        self._report()
        try:
            transport = connect(self.config.connection, baud=baud, period_s=self.config.period_s)
        except (DeviceUnavailable, DeviceConfigError) as error:
            self._lost(str(error))
            self._pause(self._patience.longest_pause_s if isinstance(error, DeviceConfigError) else None)
            return
        self.state.connected_since = time.time()
        self.state.baud = baud if addresses.is_serial(self.config.connection) else None
        self._tried.add(baud)
        try:
            self._listen(transport, baud)
        except DeviceUnavailable as error:
            self._lost(str(error))
            self._pause()
        except DeviceConfigError as error:  # trying again cannot help: a change of the configuration brings a new reader
            self._lost(str(error))
            self.intake.flush()
            self._wait()
        finally:
            transport.close()
            self.state.connected_since = None

    def _baud(self) -> int:
        return self.config.baud or (SLOW if self._slow else FAST)

    def _lost(self, why: str) -> None:
        if self.state.error != why:
            log.warning("the meter cannot be read", meter=self.config.name, why=why)
        self._tell("error", why)

    def _pause(self, longest_s: float | None = None) -> None:
        """Longer each time, with jitter so that two programs do not knock in step; short again after a telegram."""
        wait_s = longest_s or self._pause_s * random.uniform(0.75, 1.25)  # noqa: S311
        self._pause_s = min(self._pause_s * 2, self._patience.longest_pause_s)
        until = time.monotonic() + wait_s
        while not self._stopping.is_set() and (left_s := until - time.monotonic()) > 0:
            self._stopping.wait(min(left_s, REPORT_S))
            self._report()

    def _wait(self) -> None:
        while not self._stopping.wait(REPORT_S):
            self._report()

    def _open_share(self) -> None:
        if self.config.share_port is None or self._share is not None:
            return
        try:
            self._share = Share(self.config.share_port)
        except DeviceConfigError as error:  # the meter is read all the same
            self._share_trouble = str(error)
            log.warning("the raw stream is not shared", meter=self.config.name, why=str(error))
        else:
            self._share_trouble, self.state.shared_on = None, self._share.port

    def _close_share(self) -> None:
        if self._share is not None:
            self._share.close()
            self._share = None

    # Reading

    def _listen(self, transport: Transport, baud: int) -> None:
        """Until the meter is to be stopped, or nothing usable came for a while: then the other speed may be the right one."""
        framer = Framer()
        begin = heard = usable = time.monotonic()
        sample = b""
        whole = 0
        while not self._stopping.is_set():
            data = transport.read(time.monotonic() + READ_S)
            wall, mono = time.time(), time.monotonic()
            if data:
                heard = mono
                sample = (sample + data)[-SAMPLE:]
                if self._share is not None:
                    self._share.send(data)
                for raw in framer.feed(data):
                    whole += 1
                    if self.handle(raw, wall, mono):
                        usable, self._pause_s, self._tried = mono, self._patience.first_pause_s, {baud}
            if mono - heard >= self._patience.silent_s:
                self._tell("silent", hints.silence(self.config.connection))
            elif mono - usable >= self._patience.silent_s:
                self._tell("unreadable", self._unreadable(sample, whole))
            if mono - usable >= self._patience.reopen_s:
                log.warning("nothing usable came: the port is opened anew", meter=self.config.name, after_s=round(mono - begin))
                self._slow = not self._slow if whole == 0 else self._slow
                return
            self._report()

    def _unreadable(self, sample: bytes, whole: int) -> str:
        if whole:
            return hints.checksum(self._last_error)
        both = len(self._tried) > 1 or not addresses.is_serial(self.config.connection)
        return hints.unreadable(sample, tried_both=both)

    def handle(self, raw: bytes, wall: float, mono: float) -> bool:
        """One whole telegram, received at these times of the system's and the monotonic clock. True when it could be used."""
        try:
            return self._use(raw, wall, mono)
        except Exception as error:
            # One telegram must not end the reading of the others: it is kept, with its trace in the log.
            log.exception("a telegram could not be handled", meter=self.config.name)
            self._rejected(wall, "fault", repr(error), raw)
            return False

    def _use(self, raw: bytes, wall: float, mono: float) -> bool:
        telegram = decode(raw, self.config.dialect)
        self.state.telegrams += 1
        self._recent.append(telegram.valid)
        self._last_raw.keep(raw)
        if not telegram.valid:
            self._last_error = telegram.error or ""
            self._rejected(wall, telegram.reason or "unknown", self._last_error, raw)
            return False
        stamp = self.intake.stamp(telegram, wall, mono)
        shown = stamp.time if stamp.time is not None else int(wall)
        self._publisher.frame(self.config.name, frame_of(self.config.name, telegram, shown, wall), self._freshness(telegram, wall, mono))
        self.intake.accept(telegram, stamp, wall)
        self.state.last_telegram, self.state.dialect = round(wall, 3), telegram.dialect
        self._tell("live", self._concern(telegram, impossible=stamp.time is None))
        return True

    def _freshness(self, telegram: Telegram, wall: float, mono: float) -> Callable[[Any], object] | None:
        """What control is told of this telegram (rule 2). A file's telegrams are never fresh."""
        if self._fresh is None:
            return None
        word = self._fresh.hear(freshness.sample_of(telegram, mono, wall if self._synchronised() else None), wall)
        return None if word is freshness.NOTHING else lambda pipe: freshness.write(pipe, self.config.name, word)

    def _rejected(self, received: float, reason: str, detail: str, raw: bytes) -> None:
        self.state.rejected += 1
        self._reject(self.config.name, received, reason, detail, raw)

    # Telling

    def _concern(self, telegram: Telegram, *, impossible: bool) -> str | None:
        """What a person should know of a meter that works."""
        if self.intake.refusing:
            return _("Live works, but nothing is stored: there is no room for it. Free some disk space, or bring the database back.")
        if impossible:
            return _(
                "The meter's time cannot be true, and this computer's clock is not synchronised: nothing is stored. "
                "Check that this computer sets its clock from the network."
            )
        if self.clock.offset_s:
            return _("The meter's clock is %(off)s %(way)s: readings are stored at the corrected time. Tell your network operator.") % {
                "off": duration(abs(self.clock.offset_s)),
                "way": _("ahead") if self.clock.offset_s > 0 else _("behind"),
            }
        damaged = self._damaged_pct()
        if damaged >= MANY_DAMAGED:
            words = _("More than %(share)s %% of the telegrams arrive damaged: check the cable, and that no other program reads the port.")
            return words % {"share": damaged // 5 * 5}
        return self._share_trouble or telegram.error

    def _damaged_pct(self) -> int:
        return round(100 * self._recent.count(False) / len(self._recent)) if len(self._recent) >= RECENT // 5 else 0

    def _tell(self, status: str, error: str | None) -> None:
        self.state.status, self.state.error = status, error
        self._report()

    def _report(self) -> None:
        """At once when status or error change, else every 5 s."""
        now, reported = time.monotonic(), self._reported
        if now - reported[0] < REPORT_S and reported[1:] == (self.state.status, self.state.error):
            return
        self._reported = (now, self.state.status, self.state.error)
        agents.report(self.config.name, **self.told())

    def told(self) -> dict[str, Any]:
        counts = self.intake.counts
        self.state.readings, self.state.duplicates, self.state.refused = counts.readings, counts.duplicates, counts.refused
        self.state.damaged_pct = self._damaged_pct()
        self.state.clock_offset_s = self.clock.measured_s
        return asdict(self.state)


UNITS = (
    (86_400, ngettext_lazy("%(n)s day", "%(n)s days", "n")),
    (3600, ngettext_lazy("%(n)s hour", "%(n)s hours", "n")),
    (60, ngettext_lazy("%(n)s minute", "%(n)s minutes", "n")),
    (1, ngettext_lazy("%(n)s second", "%(n)s seconds", "n")),
)


def duration(seconds: int) -> str:
    """About how long, in words; 1 s or more."""
    unit_s, words = next((unit_s, words) for unit_s, words in UNITS if seconds >= unit_s)
    return words % {"n": round(seconds / unit_s)}
