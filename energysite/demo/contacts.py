"""A relay of the demo house with what hangs on it: what a switch of any make has in it. Pure, but for its clock.

Its timer runs on a clock that is never set, as the one in a device does; the energy on the house's seconds.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from energysite.demo.appliances import WH, Appliance

LONGEST_GAP_S = 7200  # nothing is drawn in seconds that nobody asked about for longer
AIR_C, PER_WATT_C = 24.0, 0.008  # a switch warms up with what passes through it

Mono = Callable[[], float]
# What ails a relay, by the mode of its device: its contact does not close; it does not open; what the device says of itself.
LYING, STUCK, OVERHEATED, OVERPOWER = "lying", "stuck", "overheated", "overpower"
TOO_HOT_C = 96.0


class Contact:
    """`on` is what the device says; whether current flows, `closed`, is another matter when it is lying or stuck.

    `at_start`: off, on or last, as the device is set up. `auto_off_s`: its own setting, each time that it goes on; 0 is none.
    """

    def __init__(self, appliance: Appliance, mono: Mono = time.monotonic) -> None:
        self.appliance, self.mono = appliance, mono
        self.ailment = ""
        self.at_start, self.auto_off_s = "last", 0.0
        self.source = "init"  # who switched it last: init, http, button, timer
        self.switches = 0
        self.energy_ws = 0
        self.driven = False  # the house tells it of each second; otherwise it asks the clock itself
        self._on = False
        self._timer: tuple[float, float] | None = None  # when it began and how long it runs
        self._started = mono()
        self._at = 0

    # The relay

    @property
    def on(self) -> bool:
        self._settle()
        return self._on

    @property
    def closed(self) -> bool:
        return {LYING: False, STUCK: True, OVERHEATED: False, OVERPOWER: False}.get(self.ailment, self.on)

    @property
    def timer(self) -> tuple[float, float] | None:
        """Seconds that it has run and seconds that it is set to; None where none runs."""
        self._settle()
        return None if self._timer is None else (self.mono() - self._timer[0], self._timer[1])

    @property
    def timer_left_s(self) -> float:
        timer = self.timer
        return 0.0 if timer is None else timer[1] - timer[0]

    @property
    def uptime_s(self) -> float:
        return self.mono() - self._started

    def switch(self, on: bool, source: str, flip_after_s: float = 0.0) -> bool:
        """Whether it was on. Any timer that ran is forgotten; a new one flips it after so many seconds, whichever way it is."""
        self._settle()
        was = self._on
        if self.ailment in (OVERHEATED, OVERPOWER) and on:
            return was
        self._set(on, source, self.mono())
        if flip_after_s:
            self._timer = (self.mono(), flip_after_s)
        return was

    def press(self) -> None:
        """A person, at the device itself."""
        self.switch(not self.on, "button")

    def restart(self) -> None:
        """The current was away for a moment: timers and uptime are lost, settings and counter are not."""
        last = self.on
        self._started, self._timer = self.mono(), None
        self._set({"off": False, "on": True}.get(self.at_start, last), "init", self.mono())

    def ail(self, ailment: str) -> None:
        """From now on; empty: it is well. What protects itself goes off, and says why."""
        self.ailment = ailment
        if ailment in (OVERHEATED, OVERPOWER):
            self._set(False, ailment, self.mono())

    def _set(self, on: bool, source: str, when: float) -> None:
        self.switches += on != self._on
        self._on, self.source = on, source
        self._timer = (when, self.auto_off_s) if on and self.auto_off_s else None

    def _settle(self) -> None:
        """The timer's end may have passed since anybody looked."""
        while self._timer is not None and self.mono() >= sum(self._timer):
            self._set(not self._on, "timer", sum(self._timer))

    # What survives the demo house's own end: its counter, its settings and its appliance's, not whether it is on

    def kept(self) -> dict[str, Any]:
        return {
            "energy_ws": self.energy_ws,
            "switches": self.switches,
            "at_start": self.at_start,
            "auto_off_s": self.auto_off_s,
            "appliance": self.appliance.state,
        }

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Of what `kept` told; empty: it is new. Goes on or stays off as `at_start` has it: `last` is off, as nothing was known of it."""
        if kept:
            self.energy_ws, self.switches = kept["energy_ws"], kept["switches"]
            self.at_start, self.auto_off_s = kept["at_start"], kept["auto_off_s"]
            self.appliance.restore(kept["appliance"])
            self.restart()

    # What passes through it

    def power_w(self, at: int) -> int:
        return self.appliance.wants_w(at) if self.closed else 0

    def energy_wh(self, at: int) -> float:
        if not self.driven:
            self.until(at)
        return self.energy_ws / WH

    def temperature_c(self, at: int) -> float:
        return TOO_HOT_C if self.ailment == OVERHEATED else round(AIR_C + PER_WATT_C * self.power_w(at), 1)

    def until(self, at: int) -> int:
        """Each second up to this one passes; Ws that were drawn in them. A second that has passed is not told again."""
        first = self._at + 1 if 0 < at - self._at <= LONGEST_GAP_S else at
        drawn_ws = 0
        if at > self._at:
            for second in range(first, at + 1):
                watts = self.power_w(second)
                self.appliance.passed(second, watts)
                drawn_ws += watts
            self._at = at
        self.energy_ws += drawn_ws
        return drawn_ws
