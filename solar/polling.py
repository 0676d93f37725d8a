"""One run of an inverter's agent: it is read, shown, kept, and how that went is told. From then on the balance of the house is new.

Unreachable between dusk and dawn is asleep, which is no fault, and stores nothing. By day it is an error, and what the sun makes is
unknown: its last frame grows old.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from energysite import agent_states, device_reads, house, live, place, sun
from energysite.database import give_back
from energysite.errors import DeviceUnavailable, EnergyError
from energysite.text import plain
from meters import device_readings
from meters.kinds import BATTERY
from solar import house_now
from solar.fleet import Fleet, Known, fleet
from solar.production import Condition, Production
from solar.readers import Reader, families
from solar.recording import Recorder, Told

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]

ERROR_SHOWN = 300
# Of a hundred inverters that are read at the same moment not each needs a balance of its own.
BALANCE_S = 1.0
STATUS = {Condition.ASLEEP: "asleep", Condition.STANDBY: "standby", Condition.FAULT: "error"}


@dataclass(slots=True)
class _Memory:
    """Of one inverter. `opened`: its reader, and the version of the settings that it was opened with."""

    turn: threading.Lock = field(default_factory=threading.Lock)
    reader: Reader | None = None
    opened: int = 0
    failures: int = 0
    error: str | None = None


class Poller:
    """Of one process, for any of its threads."""

    def __init__(self, configured: Fleet) -> None:
        self._fleet = configured
        self._recorder = Recorder(configured)
        self._memories: dict[int, _Memory] = {}
        self._lock = threading.Lock()
        self._running = 0
        self._balanced = float("-inf")

    def poll(self, pk: int, now: Clock) -> None:
        """Nothing where the inverter is switched off or gone, or is being read. What a device does is told in its state, never
        raised; raises DatabaseAway where the settings were never read."""
        device_readings.flush()
        known = self._fleet.of(pk)
        if known is None or not known.inverter.enabled:
            return
        with self._lock:
            memory = self._memories.setdefault(pk, _Memory())
        if not memory.turn.acquire(blocking=False):
            agent_states.count(known.inverter.name, "skipped")
            return
        try:
            language = house.current().language
            give_back()  # nobody's while the device is waited for
            with self._one_more(), translation.override(language):
                ran = _Run(known, memory, self._recorder, now).run()
        finally:
            memory.turn.release()
        if ran and self._is_balance_due():
            house_now.tell(now())

    @contextmanager
    def _one_more(self) -> Iterator[None]:
        with self._lock:
            self._running += 1
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1

    def _is_balance_due(self) -> bool:
        """After the last of a burst, and each second in it."""
        with self._lock:
            due = self._running == 0 or time.monotonic() - self._balanced >= BALANCE_S
            if due:
                self._balanced = time.monotonic()
            return due


class _Run:
    def __init__(self, known: Known, memory: _Memory, recorder: Recorder, now: Clock) -> None:
        self._known, self._inverter, self._memory, self._recorder, self._now = known, known.inverter, memory, recorder, now
        self._took_ms: int | None = None

    def run(self) -> bool:
        """False where this run is left out."""
        try:
            found = self._read()
            if found is None:
                return False
            at = self._now()
            told = self._recorder.told(self._known, found, at)
            self._show(found, told, at)
            device_readings.keep(told.readings)
        except DeviceUnavailable as error:
            if not self._sleeps(error):
                self._failed(str(error))
            else:
                self._slept()
        except EnergyError as error:
            self._failed(str(error))
        except Exception as error:
            self._failed(_("It failed: %(error)s It is tried again.") % {"error": f"{type(error).__name__}: {plain(str(error))}"})
            raise
        else:
            self._succeeded(found, at)
        return True

    def _read(self) -> Production | None:
        """None where this run is left out."""
        one = self._inverter
        with device_reads.reading(one.name, one.period_s, one.version) as deadline:
            if deadline is None:
                return None
            reader = self._reader()
            began = time.monotonic()
            try:
                return device_reads.once_more(reader.read, deadline)
            finally:
                self._took_ms = round(1000 * (time.monotonic() - began))
                reader.close()  # of its connection; what it learned of the device stays

    def _reader(self) -> Reader:
        if self._memory.reader is None or self._memory.opened != self._inverter.version:
            self._memory.reader = families.open_reader(self._inverter.family, self._inverter)
            self._memory.opened = self._inverter.version
        return self._memory.reader

    def _sleeps(self, error: DeviceUnavailable) -> bool:
        """Nothing answers and it is night. One with a battery has no reason to sleep."""
        if not device_reads.unreachable(error) or self._known.of_kind(BATTERY.name):
            return False
        spot = place.of(house.current())
        return spot is not None and sun.is_night(spot, self._now().timestamp())

    def _show(self, found: Production, told: Told, at: datetime) -> None:
        said = {
            "power_w": found.power_w,
            "day_wh": found.day_wh,
            "total_wh": found.total_wh,
            "battery_w": found.battery_w,
            "battery_pct": found.battery_pct,
            **told.counters,
        }
        self._frame(at, condition=found.condition.value, **{name: value for name, value in said.items() if value is not None})

    def _frame(self, at: datetime, **values: Any) -> None:
        name = self._inverter.name
        received = at.timestamp()
        frame: live.Frame = {"source": name, "kind": "inverter", "time": int(received), "received": round(received, 3)}
        live.publisher().frame(name, {**frame, "period_s": self._inverter.period_s, **values})

    # How it went

    def _succeeded(self, found: Production, at: datetime) -> None:
        error = None
        if found.condition is Condition.FAULT:
            code = plain(found.code)[:20]
            error = (
                _("The inverter reports a fault of its own, code %(code)s. Its manual says what it is.") % {"code": code}
                if code
                else _("The inverter reports a fault of its own. Its display or its own pages say what it is.")
            )
        self._said(error)
        self._memory.failures = 0
        self._report(STATUS.get(found.condition, "ok"), error, found.condition.value, last_success=at.timestamp())

    def _slept(self) -> None:
        self._said(None)
        self._memory.failures = 0
        at = self._now()
        self._frame(at, condition=Condition.ASLEEP.value)
        self._report("asleep", None, Condition.ASLEEP.value)

    def _failed(self, words: str) -> None:
        error = plain(words, ERROR_SHOWN)
        self._said(error)
        self._memory.failures += 1
        self._report("error", error, None)

    def _report(self, status: str, error: str | None, condition: str | None, **more: Any) -> None:
        failures, took_ms = self._memory.failures, self._took_ms
        agent_states.report(
            self._inverter.name, status=status, error=error, condition=condition, response_ms=took_ms, failures=failures, **more
        )

    def _said(self, error: str | None) -> None:
        """In the log once, not at each run."""
        before, self._memory.error = self._memory.error, error
        if error is not None and error != before:
            log.warning("trouble with an inverter", inverter=self._inverter.name, error=error)
        elif error is None and before is not None:
            log.info("the inverter is well again", inverter=self._inverter.name)


_poller: Poller | None = None
_poller_lock = threading.Lock()


def poller() -> Poller:
    """The process's own."""
    global _poller
    with _poller_lock:
        if _poller is None:
            _poller = Poller(fleet())
        return _poller


def poll(pk: int, now: Clock = timezone.now) -> None:
    """See Poller.poll."""
    poller().poll(pk, now)
