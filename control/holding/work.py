"""What is done with a device in one call: read, judge, set, read back. It raises nothing: what went wrong is in the report."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from control.holding.people import SAME, Expected, booted_at, same, verdict
from control.outputs import Driver, Reading
from energysite.errors import DeviceUnavailable, EnergyError
from energysite.phrases import phrase as _

log = logging.getLogger(__name__)

SAFE, RENEW, LOOK = "safe", "renew", "look"
NOT_FOLLOWED = _("It does not do what it is told: it says that it is %(state)s. Switch it by hand, and see whether it hangs.")


@dataclass(slots=True)
class Report:
    """`commanded`: the level that was sent, arrived or not; None: nothing was sent. `arrived`: without an error, read back where it
    can be read. Times are monotonic."""

    kind: str
    verdict: str = SAME
    reading: Reading | None = None
    read_at: float = 0.0
    booted: float | None = None
    commanded: float | None = None
    arrived: bool = False
    armed_until: float | None = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """`level` None: read only. `timer_s`: for the device's own timer."""

    kind: str
    expected: Expected
    level: float | None = None
    timer_s: float = 0.0


@dataclass(slots=True)
class Work:
    """`run(task, deadline)` in a thread; the driver is opened by the first call, so that nothing that opens slowly holds up others."""

    name: str
    open_driver: Callable[[], Driver]
    mono: Callable[[], float]
    driver: Driver | None = field(default=None)

    def run(self, task: Task, deadline: float) -> Report:
        report = Report(task.kind)
        try:
            driver = self.driver = self.driver or self.open_driver()
            if task.kind == SAFE:
                report.commanded = 0.0
                driver.safe(deadline)
                self._read(driver, report, deadline)
            else:
                self._read(driver, report, deadline)
                self._judge(driver, task, report, deadline)
            self._check(report)
        except EnergyError as error:
            report.error = error
        except Exception as error:
            log.exception("the output %s failed by a fault in this program", self.name)
            report.error = error
        report.arrived = report.commanded is not None and report.error is None
        return report

    def close(self) -> None:
        driver, self.driver = self.driver, None
        if driver is not None:
            try:
                driver.close()
            except Exception:
                log.exception("the output %s could not be closed", self.name)

    def _read(self, driver: Driver, report: Report, deadline: float) -> None:
        report.reading = driver.read(deadline)
        report.read_at = self.mono()
        report.booted = booted_at(report.reading, report.read_at)

    def _judge(self, driver: Driver, task: Task, report: Report, deadline: float) -> None:
        """Rule 7: it is read before each renewal, and what a person did is not undone."""
        assert report.reading is not None
        report.verdict = verdict(task.expected, report.reading, report.read_at)
        if report.verdict != SAME or report.reading.trouble or task.level is None:
            return
        is_so = report.reading.level is not None and same(report.reading.level, task.level)
        if is_so and (task.level == 0 or not driver.has_timer):
            report.commanded = task.level
            return
        report.commanded = task.level
        sent = self.mono()
        driver.apply(task.level, task.timer_s, deadline)
        self._read(driver, report, deadline)
        if driver.has_timer and task.level > 0:
            # As the device itself counts, where it tells: some know one length only.
            told_s = report.reading.timer_s
            report.armed_until = sent + task.timer_s if told_s is None else min(sent + task.timer_s, report.read_at + told_s)

    def _check(self, report: Report) -> None:
        """Raises DeviceUnavailable where the device says something else than it was told."""
        said = None if report.reading is None else report.reading.level
        if report.commanded is not None and said is not None and not same(said, report.commanded):
            raise DeviceUnavailable(NOT_FOLLOWED % {"state": _("on") if said > 0 else _("off")})
