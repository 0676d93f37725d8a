"""What draws power in the demo house. Pure.

A load answers `runs(seed, day)`: everything it starts on that model day, in seconds from local midnight; a run may pass
midnight. Add a load by writing one and naming it in LOADS.
"""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar, NamedTuple, Protocol

from energysite.demo.calendar import STEP_S, chance

HOUR = 3600
MINUTE = 60


class Run(NamedTuple):
    """`watts` on one phase (0 to 2) from `start` for `length` seconds, both whole steps."""

    start: int
    length: int
    watts: int
    phase: int


class Load(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def all_day(self) -> bool:
        """True: its runs cover the day and end with it; those of others may pass midnight."""

    def runs(self, seed: object, day: date) -> list[Run]: ...


def _whole_steps(seconds: float) -> int:
    return int(seconds) // STEP_S * STEP_S


@dataclass(frozen=True, slots=True)
class Always:
    """Standby of everything that is plugged in."""

    all_day: ClassVar[bool] = True
    name: str
    watts: int
    phase: int

    def runs(self, seed: object, day: date) -> list[Run]:
        return [Run(0, 25 * HOUR, self.watts, self.phase)]


@dataclass(frozen=True, slots=True)
class Cooling:
    """A compressor that goes on and off all day: longer in summer."""

    all_day: ClassVar[bool] = True
    name: str
    watts: int
    phase: int
    on_s: int
    off_s: int

    def runs(self, seed: object, day: date) -> list[Run]:
        dice = chance(seed, self.name, day)
        summer = 1.25 if day.month in (6, 7, 8) else 1.0
        found, at = [], _whole_steps(dice.random() * self.off_s)
        while at < 25 * HOUR:
            on = _whole_steps(self.on_s * summer * (0.8 + 0.4 * dice.random()))
            found.append(Run(at, on, self.watts + int(6 * dice.random()), self.phase))
            at += on + _whole_steps(self.off_s * (0.8 + 0.4 * dice.random()))
        return found


class Use(NamedTuple):
    """Between these hours, with this chance on a working day and on a free one."""

    first_h: float
    last_h: float
    working: float
    free: float


@dataclass(frozen=True, slots=True)
class Appliance:
    """Runs a program of (seconds, watts) at each use; `water_l` is what it lets in at the start."""

    all_day: ClassVar[bool] = False
    name: str
    program: tuple[tuple[int, int], ...]
    uses: tuple[Use, ...]
    phase: int
    water_l: float = 0

    def starts(self, seed: object, day: date) -> list[int]:
        dice = chance(seed, self.name, day)
        found = []
        for use in self.uses:
            share, moment = dice.random(), dice.random()
            if share < (use.free if day.weekday() >= 5 else use.working):
                found.append(_whole_steps((use.first_h + (use.last_h - use.first_h) * moment) * HOUR))
        return found

    def runs(self, seed: object, day: date) -> list[Run]:
        found = []
        for at in self.starts(seed, day):
            for length, watts in self.program:
                if watts:
                    found.append(Run(at, length, watts, self.phase))
                at += length
        return found


@dataclass(frozen=True, slots=True)
class Evenings:
    """Lights and screens, from dusk (earlier in winter) to bedtime, and a while before work."""

    all_day: ClassVar[bool] = False
    name: str
    phase: int

    def runs(self, seed: object, day: date) -> list[Run]:
        dice = chance(seed, self.name, day)
        dark_half = day.month in (10, 11, 12, 1, 2, 3)
        dusk, bed = (17.0 if dark_half else 20.5) + 0.7 * dice.random(), 22.6 + 1.1 * dice.random()
        screen = 19.4 + 1.2 * dice.random()
        found = [
            Run(_whole_steps(dusk * HOUR), _whole_steps((bed - dusk) * HOUR), 90 + int(110 * dice.random()), self.phase),
            Run(_whole_steps(screen * HOUR), _whole_steps((bed - screen) * HOUR), 115 + int(50 * dice.random()), self.phase),
        ]
        if day.weekday() < 5 and dark_half:
            found.append(Run(_whole_steps((6.4 + 0.4 * dice.random()) * HOUR), 70 * MINUTE, 80 + int(60 * dice.random()), self.phase))
        return found


@dataclass(frozen=True, slots=True)
class Car:
    """A car of 11 kW that is set to `amps` a phase, so that the month peak stays payable."""

    all_day: ClassVar[bool] = False
    name: str
    amps: int

    def runs(self, seed: object, day: date) -> list[Run]:
        dice = chance(seed, self.name, day)
        comes, hour, full = dice.random(), dice.random(), dice.random()
        if day.weekday() < 5:
            if comes > 0.55:
                return []
            start = 17.8 + 3.6 * hour
        else:
            if comes > 0.4:
                return []
            start = 11.0 + 5.0 * hour
        watts = self.amps * 230
        at, length = _whole_steps(start * HOUR), _whole_steps((1.0 + 3.6 * full) * HOUR)
        taper = 8 * MINUTE
        return [
            Run(begin, seconds, drawn, phase)
            for phase in range(3)
            for begin, seconds, drawn in (
                (at, length, watts),
                (at + length, taper, watts * 2 // 3),
                (at + length + taper, taper, watts // 3),
            )
        ]


def _thermostat(first: tuple[int, int], on: tuple[int, int], off_s: int, times: int) -> tuple[tuple[int, int], ...]:
    return (first, *((off_s, 0), on) * times)


KETTLE = Appliance(
    "kettle", ((170, 2050),), (Use(6.6, 7.6, 0.95, 0.2), Use(8.5, 10, 0.2, 0.9), Use(15, 16.5, 0.2, 0.6), Use(19.5, 21, 0.6, 0.6)), phase=0
)
COFFEE = Appliance("coffee machine", ((60, 1350), (40, 0), (30, 1350)), (Use(6.7, 7.8, 0.9, 0.1), Use(8, 10.5, 0.1, 0.9)), phase=0)
HOB = Appliance("hob", _thermostat((300, 1850), (60, 1500), 50, 9), (Use(17.6, 18.8, 0.8, 0.75), Use(11.8, 12.5, 0, 0.5)), phase=1)
OVEN = Appliance("oven", _thermostat((540, 2350), (110, 2350), 150, 9), (Use(17.3, 18.6, 0.3, 0.5),), phase=2)
MICROWAVE = Appliance("microwave", ((180, 1250),), (Use(7, 7.8, 0.4, 0.2), Use(12, 13.2, 0.1, 0.5), Use(18.2, 19.5, 0.3, 0.3)), phase=0)
WASHER = Appliance(
    "washing machine",
    ((240, 90), (960, 1950), *((160, 210), (40, 60)) * 10, (300, 380), (420, 520)),
    (Use(18.5, 20.5, 0.3, 0.1), Use(9.5, 14, 0.1, 0.6)),
    phase=1,
    water_l=48,
)
DISHWASHER = Appliance(
    "dishwasher",
    ((300, 70), (840, 1850), (1500, 85), (720, 1850), (1200, 25)),
    (Use(19.8, 22.3, 0.75, 0.7), Use(13.2, 14.5, 0, 0.25)),
    phase=2,
    water_l=11,
)
VACUUM = Appliance("vacuum cleaner", ((900, 720),), (Use(10, 17, 0.08, 0.35),), phase=0)

LOADS: tuple[Load, ...] = (
    Always("standby below", 72, 0),
    Always("standby above", 41, 1),
    Always("router and alarm", 29, 2),
    Cooling("refrigerator", 82, 0, 16 * MINUTE, 31 * MINUTE),
    Cooling("freezer", 97, 2, 19 * MINUTE, 44 * MINUTE),
    Evenings("lights and screens", 1),
    KETTLE,
    COFFEE,
    HOB,
    OVEN,
    MICROWAVE,
    WASHER,
    DISHWASHER,
    VACUUM,
    Car("car", 8),
)
