"""What a decision is made of, and what it is. Pure.

Two times stand in every snapshot: `at`, epoch seconds, for quarters, days and departures; `mono`, seconds of a clock that is never
set, for everything that lasts. A back-test gives the same number for both. Powers are W, import positive; energies are Wh.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

Param: TypeAlias = int | float | str
FOREVER = float("inf")


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence: a code of `control.words` and its parameters."""

    code: str
    params: Mapping[str, Param] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Grid:
    """What the meter says. `fresh`: rule 2 of today holds; `stale`: why it does not, a code.

    `quarter_w`: energy of the running clock quarter so far / 900 s, `quarter_own`: from the counters, since the meter tells none.
    `limit_w`: what a month peak below costs nothing more: max(2,500 W, month peak, own target). `phase_a`: of L1 to L3.
    """

    net_w: int | None = None
    fresh: bool = False
    stale: str = "never"
    stale_s: float = FOREVER
    quarter_w: int | None = None
    quarter_own: bool = False
    month_peak_w: int | None = None
    limit_w: int = 2500
    phase_w: tuple[int | None, ...] = ()
    phase_a: tuple[float | None, ...] = ()
    connection: str = "1x230"
    fuse_a: int | None = None
    exists: bool = True  # False: a house without a meter
    peak_eur_kw: float | None = None  # what a kW more of month peak costs a month; None: not known


@dataclass(frozen=True, slots=True)
class Device:
    """What hold_outputs tells of one output. `level`: commanded, `read`: what the device says itself, None where it cannot be read.

    `locked`: a code where only a person may release it (over_temperature, overpower, stuck); `changed_s`: since its last switch;
    `timer`: it switches itself off (class A).
    """

    level: float = 0.0
    read: float | None = None
    power_w: int | None = None
    reachable: bool = True
    locked: str = ""
    changed_s: float = FOREVER
    switches_today: int = 0
    safety_class: str = "B"
    told_s: float = 0.0  # how old this is
    paused: bool = False  # a person disagreed three times in ten minutes: nobody commands it until they say so


@dataclass(frozen=True, slots=True)
class Signal:
    """An analog value in its unit; `age_s`: since it was read."""

    value: float
    age_s: float


@dataclass(frozen=True, slots=True)
class Override:
    """A person's: `until` epoch. `button`: at the device itself. `blind`: on, without a meter, as this person chose."""

    level: float
    until: float
    by: str
    button: bool = False
    blind: bool = False


@dataclass(frozen=True, slots=True)
class Threshold:
    """The original's rule: on at a mean surplus >= upper_w, off at a mean < upper_w - deadband_w, changes min_change_s apart."""

    average_s: int = 300
    upper_w: int = 1200
    deadband_w: int = 600
    min_change_s: int = 300


@dataclass(frozen=True, slots=True)
class Budget:
    """Energy, not power: on when so many Wh of surplus were given away, off when as many were borrowed. None: of the load's power."""

    start_wh: int | None = None
    borrow_wh: int | None = None
    sun_pct: int = 80  # which share of the load the sun has to carry


@dataclass(frozen=True, slots=True)
class Window:
    """Minutes of the local day; one that passes midnight belongs to the day of its start. `days`: 1 is Monday."""

    start_min: int = 0
    end_min: int = 1440
    days: frozenset[int] = frozenset(range(1, 8))


@dataclass(frozen=True, slots=True)
class Departure:
    """`kwh` by `by_min` (minutes of the local day) on this day of the week, 1 to 7."""

    day: int
    by_min: int
    kwh: float


@dataclass(frozen=True, slots=True)
class Plan:
    """So many kWh by an hour: with the sun while there is time, with the grid from the latest start on."""

    departures: tuple[Departure, ...] = ()
    sun: Budget = Budget()


@dataclass(frozen=True, slots=True)
class Condition:
    """On while the analog value of `signal` is above (or below) `value`; off again `hysteresis` the other way. Old values: off."""

    signal: int
    above: bool = True
    value: float = 0.0
    hysteresis: float = 0.0
    longest_age_s: float = 300.0


Strategy: TypeAlias = Threshold | Budget | Window | Plan | Condition


@dataclass(frozen=True, slots=True)
class Load:
    """One controller's settings. `priority` 1 comes first. `mode`: auto, on or off. `kind`: ev, boiler, heat_pump, pump, other.

    `peak`: may it raise the month peak: never, up_to (to `peak_up_to_w` of import) or departure. `rated_w`: of its output.
    """

    id: int
    name: str
    kind: str = "other"
    priority: int = 10
    mode: str = "auto"
    load_w: int = 1000
    rated_w: int = 1800
    strategy: Strategy = Budget()
    period_s: int = 10
    min_on_s: int = 300
    min_off_s: int = 300
    switches_a_day: int = 12
    peak: str = "never"
    peak_up_to_w: int = 0
    battery_first: bool = True
    blind: bool = False  # may run in a house without a meter, the owner said
    dry_run: bool = False
    release: int = 0  # of its output: grows when a person releases what was locked

    @property
    def surplus(self) -> bool:
        """It lives on the sun: it needs a meter."""
        return isinstance(self.strategy, (Threshold, Budget, Plan))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One moment of the house. Keys of the mappings are Load.id; of `signals`, AnalogInput ids.

    `battery_w` > 0: it gives; None: the house has none, or with `battery_unread` one that nobody reads.
    """

    at: float
    mono: float
    grid: Grid
    zone: str = "Europe/Brussels"
    solar_w: int | None = None
    battery_w: int | None = None
    battery_unread: bool = False
    devices: Mapping[int, Device] = field(default_factory=dict)
    signals: Mapping[int, Signal] = field(default_factory=dict)
    overrides: Mapping[int, Override] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rejected:
    """What another rule would have done."""

    rule: str
    level: float
    said: Said


@dataclass(frozen=True, slots=True)
class Decision:
    """`rule` decided: fuse, device, fresh, override, times, peak, mode or strategy. `wish`: what mode or strategy wanted.

    `next_at`: epoch, when a wait that is told ends; None where nothing waits. `blind`: the lease needs no telegram.
    `surplus_w`: what was left for this load, its own power included; None: unknown. `reserved_w`: kept by loads before it.
    """

    load: int
    level: float
    rule: str
    said: Said
    wish: float = 0.0
    rejected: tuple[Rejected, ...] = ()
    next_at: float | None = None
    blind: bool = False
    surplus_w: int | None = None
    reserved_w: int = 0
    may_lease: bool = True  # False: rule 2 failed, so no lease is written or renewed


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something a person should know of. `load` 0: of the whole house."""

    load: int
    code: str
    params: Mapping[str, Param] = field(default_factory=dict)
    urgent: bool = False
