"""One output in our hand: what it should be now, the call under way, what it said. Time and calls are passed in.

Order: a call that runs ends first (one at a time); then off where off is due, until the device confirms it; then a lease that has not
been answered; then a look now and then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from control.holding.calls import CALL_S, Call, Calls
from control.holding.leases import Kept, ends
from control.holding.people import MANY, PERSON, RESTART, SAME, TIMER, Expected, Presses, same
from control.holding.record import Record
from control.holding.work import LOOK, RENEW, SAFE, Report, Task, Work
from control.outputs import Reading
from energysite import phrases
from energysite.errors import DeviceUnavailable
from energysite.phrases import phrase as _

START, LEASED, REMOVED, STOPPED, LOCKED, WAITING = "start", "leased", "removed", "stopped", "locked", "waiting"
TIMER_MOST_S, TIMER_MORE_S = 40.0, 10.0
LOOK_S = 10.0
LOOK_LEASED_S = 15.0  # a renewal reads it every 10 s
# A lease first seen so long after something was told was decided by somebody who could know it.
KNOWS_S = 5.0
RETRY_S = 2.0
SOON_S, SOON_TIMES, LATER_S = 1.0, 10, 5.0  # rule 3: every 5 s where it stays away
HUNG_S = CALL_S + 2.0
STUCK_W, STUCK_S = 50, 60.0
STUCK = "stuck"
HUNG = _("It did not answer within 5 seconds.")


@dataclass(frozen=True, slots=True)
class Ground:
    """What all outputs stand on. Monotonic: `fresh_since` the last fresh telegram, `wait_until` nothing starts by itself after a start of
    ours, `locked_until` nothing at all, after three starts. `day`: the local date."""

    now: float
    wall: float
    day: str
    fresh_since: float
    wait_until: float
    locked_until: float


class Hand:
    """`leaving`: `removed` or `stopped` once it is only to be made safe. `dirty`: its record has to be kept."""

    def __init__(self, settings: Mapping[str, Any], work: Work, calls: Calls, record: Record, now: float, *, quiet: bool = False) -> None:
        self.settings, self.work, self.record = settings, work, record
        self.name: str = settings["name"]
        self._calls = calls
        self.leaving = ""
        self._replaced: Work | None = None
        self.dirty = False
        self.why = START
        self.expected = Expected(record.level, certain=False)
        self.reading: Reading | None = None
        self.read_wall = 0.0
        self.error: phrases.Phrase | None = None
        self._quiet = quiet  # another machine may hold it
        # Off is due, since then; "" once it is confirmed.
        self.safe_cause, self.unsafe_since = START if self._ours else "", now
        self._tries, self._next_try = 0, now
        self._looked = now
        self.answered: tuple[int, int] = (-1, -1)
        self.lease_ms: int | None = None
        self.deaf, self._told_at = "", None  # type: str, float | None
        self.person: dict[str, Any] | None = None
        self._presses = Presses()
        self._drawing_since: float | None = None
        self._call: Call | None = None
        self._began, self._task, self._kept = now, Task(SAFE, self.expected), None  # type: float, Task, Kept | None

    # What it should be

    @property
    def busy(self) -> bool:
        return self._call is not None

    @property
    def ended(self) -> bool:
        return self._call is not None and self._call.done()

    @property
    def _ours(self) -> bool:
        """Its controller may switch it, or we did. Who decides in dry-run switches nothing, not even off what a person has on."""
        if self._quiet:
            return False
        controller = self.settings.get("controller", {})
        switched_on = self.record.level > 0 and self.record.cause != PERSON
        return switched_on or (controller is not None and not controller.get("dry_run"))

    @property
    def is_safe(self) -> bool:
        return not self.safe_cause and not self.busy

    def make_safe(self, cause: str, now: float) -> None:
        if not self.safe_cause:
            self.safe_cause, self.unsafe_since = cause, now
            self._tries, self._next_try = 0, now

    def _aim(self, kept: Kept | None, ground: Ground) -> str:
        """`leased`, or why it is off."""
        if self.leaving or self.record.locked:
            return self.leaving or LOCKED
        if ground.now < ground.locked_until:
            return WAITING
        if kept is None:
            return START
        end, why = ends(kept, ground.fresh_since)
        if ground.now >= end:
            return why
        if kept.lease.level > 0 and not kept.lease.person and ground.now < ground.wait_until:
            return WAITING
        return LEASED

    def act(self, kept: Kept | None, ground: Ground) -> None:
        """Begin what is due."""
        now = ground.now
        aim = self._aim(kept, ground)
        if aim != LEASED and self.why == LEASED:
            self.make_safe(aim, now)
        self.why = aim
        if self._call is not None:
            return
        if self.safe_cause:
            if now >= self._next_try:
                self._begin(Task(SAFE, self.expected), None, now)
        elif aim == LEASED and kept is not None and kept.lease.number != self.answered:
            if now >= self._next_try:
                left_s = ends(kept, ground.fresh_since)[0] - now
                timer_s = min(TIMER_MOST_S, left_s + TIMER_MORE_S)
                self._begin(Task(RENEW, self.expected, self._command(kept), timer_s), kept, now)
        elif now - self._looked >= (LOOK_LEASED_S if aim == LEASED else LOOK_S):
            self._begin(Task(LOOK, self.expected), None, now)

    def _command(self, kept: Kept) -> float | None:
        """The lease's level; None while a person, a restart or its own timer was faster than who decided."""
        level = kept.lease.level
        agrees = same(level, self.expected.level)
        if self.deaf:
            if not agrees and (self._told_at is None or kept.seen < self._told_at + KNOWS_S):
                return None
            self.deaf, self.person = "", None
        return None if self.record.paused and level > 0 and not agrees else level

    def told(self, now: float) -> None:
        """What happened was told to who decides."""
        if self.deaf and self._told_at is None:
            self._told_at = now

    # Coming and going

    @property
    def tried(self) -> bool:
        """A call of it has ended since off was due."""
        return self._tries > 0

    def leave(self, why: str, now: float) -> None:
        """Off, at once, whatever is leased."""
        self.leaving = self.why = why
        if self._ours:
            self.make_safe(why, now)
        elif self.safe_cause == START:
            self.safe_cause = ""
        self._tries, self._next_try = 0, now

    def gone(self, now: float) -> bool:
        """Nothing more is to be done with one that left: it is off; or it is away, and nothing says that we left it on, or its own timer
        has switched it off by now."""
        if self.is_safe or self.busy:
            return self.is_safe
        driver = self.work.driver
        timer_did = driver is not None and driver.has_timer and now - self.unsafe_since > TIMER_MOST_S
        return self.tried and (self.record.level == 0 or timer_did)

    def take_over(self, now: float) -> None:
        """The installation was copied, and a person said that this machine goes on."""
        self._quiet = False
        if self._ours:
            self.make_safe(START, now)

    def reopen(self, work: Work) -> None:
        """The same device, reached with other settings: a password, a path. A driver that keeps its state itself begins anew: nobody is
        blamed for that."""
        self._replaced, self.work = self.work, work
        self.expected = replace(self.expected, certain=False)
        if not self.busy:
            self._close_replaced()

    def _close_replaced(self) -> None:
        if self._replaced is not None:
            self._replaced.close()
            self._replaced = None

    def renamed(self, settings: Mapping[str, Any]) -> None:
        """New settings of the same device; a person may have released it."""
        self.settings = settings
        if self.record.release(int(settings.get("release", 0))):
            self._presses.clear()
            self.dirty = True

    # Calls

    def _begin(self, task: Task, kept: Kept | None, now: float) -> None:
        work = self.work
        self._began, self._task, self._kept = now, task, kept
        self._call = self._calls.start(self.name, lambda deadline: work.run(task, deadline))

    def collect(self, ground: Ground, renewed: Callable[[], Work]) -> None:
        """Take what a call brought. `renewed` gives new work where a driver hangs: its thread is left alone."""
        if self._call is None:
            return
        if self._call.done():
            report: Report = self._call.result()
        elif ground.now - self._began < HUNG_S:
            return
        else:
            self.work = renewed()
            report = Report(self._task.kind, commanded=0.0 if self._task.kind == SAFE else self._task.level, error=DeviceUnavailable(HUNG))
        self._call = None
        self._close_replaced()
        self._looked = ground.now
        self._take(report, ground)

    def _take(self, report: Report, ground: Ground) -> None:
        if report.reading is not None:
            self.reading, self.read_wall = report.reading, ground.wall
            self._watch(report, ground)
        if report.error is not None:
            self._failed(report, ground)
            return
        self.error = None
        self.expected = self._now(report, gap=False)
        if report.kind == SAFE:
            self._reached(0.0, self.safe_cause, ground)
            self.safe_cause, self._tries = "", 0
        elif report.verdict == SAME:
            self._answered(report, ground)
        else:
            self._surprised(report, ground)

    def _now(self, report: Report, *, gap: bool, level: float | None = None) -> Expected:
        """What is expected from here on."""
        before = self.expected
        booted = report.booted if report.booted is not None else before.booted
        if report.commanded is not None:
            return Expected(report.commanded, report.arrived, gap, report.armed_until, booted)
        if level is not None:
            return Expected(level, True, gap, None, booted)
        return Expected(before.level, before.certain, gap, before.armed_until, booted)

    def _failed(self, report: Report, ground: Ground) -> None:
        assert report.error is not None
        self.error = phrases.of_error(report.error)
        answered = report.reading is not None
        sent_off = report.commanded == 0 and report.kind != SAFE
        self.expected = self._now(report, gap=not answered)
        self._tries += 1
        self._next_try = ground.now + RETRY_S
        if report.kind == SAFE:
            pause_s = 0.0 if self._tries == 1 else SOON_S if self._tries < SOON_TIMES else LATER_S
            self._next_try = ground.now + pause_s
        elif sent_off or self._owes_off():
            self.make_safe(LEASED, ground.now)

    def _owes_off(self) -> bool:
        """A lease that says off could not even be asked for."""
        kept = self._kept
        return kept is not None and kept.lease.level == 0 and not self.deaf and (self.expected.level > 0 or not self.expected.certain)

    def _answered(self, report: Report, ground: Ground) -> None:
        kept = self._kept
        if kept is None:
            return
        self.answered, self._next_try = kept.lease.number, ground.now
        if report.commanded is not None:
            self._reached(report.commanded, LEASED, ground)
            self.lease_ms = round(1000 * (ground.now - kept.seen))

    def _surprised(self, report: Report, ground: Ground) -> None:
        """It is not as we left it: nothing is commanded until who decides could know."""
        reading, kept = report.reading, self._kept
        assert reading is not None
        if kept is not None:
            self.answered = kept.lease.number
        self.deaf, self._told_at = report.verdict, None
        if report.verdict == RESTART:
            if self._ours:
                self.make_safe(RESTART, ground.now)
            elif reading.level is not None:
                self.expected = self._now(report, gap=False, level=reading.level)
        elif report.verdict == TIMER:
            self.expected = self._now(report, gap=False, level=0.0)
            self._reached(0.0, TIMER, ground)
        else:
            level = reading.level or 0.0
            self.expected = self._now(report, gap=False, level=level)
            self._reached(level, PERSON, ground)
            count = self._presses.add(ground.now)
            self.person = {"level": level, "at": ground.wall, "count": count}
            if count >= MANY:
                self._hold_back(paused=True)

    def _reached(self, level: float, cause: str, ground: Ground) -> None:
        self.dirty |= self.record.switched(level, cause, ground.wall, ground.day)

    # Rules 9 and 10: what only a person may release

    def _watch(self, report: Report, ground: Ground) -> None:
        assert report.reading is not None
        reading = report.reading
        if reading.trouble and self.record.locked != reading.trouble:
            self._lock(reading.trouble, ground.now)
        off = self._ours and self.expected.certain and self.expected.level == 0 and not reading.level
        if not off or (reading.power_w or 0) <= STUCK_W:
            self._drawing_since = None
        elif self._drawing_since is None:
            self._drawing_since = report.read_at
        elif report.read_at - self._drawing_since >= STUCK_S and not self.record.locked:
            self._lock(STUCK, ground.now)
        if self.record.locked and reading.level:
            self.make_safe(LOCKED, ground.now)

    def _lock(self, code: str, now: float) -> None:
        self._hold_back(locked=code)
        self.make_safe(LOCKED, now)

    def _hold_back(self, *, locked: str = "", paused: bool = False) -> None:
        self.record.locked = locked or self.record.locked
        self.record.paused |= paused
        self.record.released = int(self.settings.get("release", 0))
        self.dirty = True
