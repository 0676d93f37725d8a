"""What hangs on the demo house's switches. Pure, whole watt-seconds.

An appliance answers `wants_w(at)`: what it draws in the second that ends at `at`, if current reaches it; and is told by
`passed(at, drew_w)` that this second has passed. `state` is what it must remember, a list of whole numbers. Seconds may be left
out: the house's program stood still, and nothing was drawn.
"""

from typing import Protocol

from energysite.demo.calendar import day_of, midnight

WH = 3600
KWH = 1000 * WH
HOUR = 3600


class Appliance(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def phase(self) -> int:
        """0 to 2."""

    @property
    def state(self) -> list[int]: ...

    def restore(self, state: list[int]) -> None:
        """Go on from an earlier run's `state`."""

    def wants_w(self, at: int) -> int: ...

    def passed(self, at: int, drew_w: int) -> None: ...


class Constant:
    """A pump, a heater: it draws whenever it can."""

    def __init__(self, name: str, watts: int, phase: int) -> None:
        self.name, self.watts, self.phase = name, watts, phase

    @property
    def state(self) -> list[int]:
        return []

    def restore(self, state: list[int]) -> None:
        """There is nothing to remember."""

    def wants_w(self, at: int) -> int:
        return self.watts

    def passed(self, at: int, drew_w: int) -> None:
        """It is the same before and after."""


class Boiler:
    """A tank with a thermostat: `missing_ws` is the heat that it lacks. Hot water is used in the morning and in the evening."""

    # W that are let out in each hour of the day: 6.1 kWh a day, standing losses of 60 W with it
    USED_W = (60,) * 6 + (900, 1200, 500, 200) + (100,) * 2 + (300,) + (100,) * 4 + (300, 700, 600, 300, 200, 100, 60)
    MOST_WS = 8 * KWH
    HEATS_FROM_WS = 400 * WH

    def __init__(self, name: str, watts: int, phase: int) -> None:
        self.name, self.watts, self.phase = name, watts, phase
        self.missing_ws, self.heats, self.at = 3 * KWH, True, 0

    @property
    def state(self) -> list[int]:
        return [self.missing_ws, int(self.heats), self.at]

    def restore(self, state: list[int]) -> None:
        self.missing_ws, self.heats, self.at = state[0], bool(state[1]), state[2]

    def wants_w(self, at: int) -> int:
        return self.watts if self.heats else 0

    def passed(self, at: int, drew_w: int) -> None:
        gap_s = min(max(0, at - self.at - 1), 24 * HOUR) if self.at else 0
        used = self.USED_W[_second_of_day(at) // HOUR % 24] + gap_s * 250
        self.at = at
        self.missing_ws = min(self.MOST_WS, max(0, self.missing_ws + used - drew_w))
        if self.missing_ws == 0:
            self.heats = False
        elif self.missing_ws >= self.HEATS_FROM_WS:
            self.heats = True


class Car:
    """A small electric car at an ordinary socket. It leaves twice a day, comes back with less, and is full some time."""

    CAPACITY_WS = 24 * KWH
    TRIP_WS = 3500 * WH
    SLOWS_WS = 600 * WH  # the last of a charge goes at half the power
    # Away, in seconds since local midnight; on working days and on others.
    AWAY = (((7 * HOUR + 1800, 9 * HOUR), (16 * HOUR, 17 * HOUR + 1800)), ((10 * HOUR, 11 * HOUR), (19 * HOUR, 22 * HOUR)))

    def __init__(self, name: str, watts: int, phase: int) -> None:
        self.name, self.watts, self.phase = name, watts, phase
        self.charge_ws, self.returns = 10 * KWH, -1
        self.unplugged = False  # somebody pulled the plug

    @property
    def state(self) -> list[int]:
        return [self.charge_ws, self.returns]

    def restore(self, state: list[int]) -> None:
        self.charge_ws, self.returns = state

    def is_home(self, at: int) -> bool:
        second = _second_of_day(at)
        return not any(first < second <= last for first, last in self._away(at))

    def _away(self, at: int) -> tuple[tuple[int, int], ...]:
        return self.AWAY[day_of(at - 1).weekday() >= 5]

    def _returns(self, at: int) -> int:
        """How often it has come back since the calendar's first day."""
        second = _second_of_day(at)
        return 2 * day_of(at - 1).toordinal() + sum(second > last for _first, last in self._away(at))

    def wants_w(self, at: int) -> int:
        left_ws = self.CAPACITY_WS - self.charge_ws
        if left_ws <= 0 or self.unplugged or not self.is_home(at):
            return 0
        return self.watts if left_ws > self.SLOWS_WS else self.watts // 2

    def passed(self, at: int, drew_w: int) -> None:
        returns = self._returns(at)
        if self.returns >= 0:
            self.charge_ws = max(0, self.charge_ws - max(0, returns - self.returns) * self.TRIP_WS)
        self.returns = returns
        self.charge_ws = min(self.CAPACITY_WS, self.charge_ws + drew_w)


def _second_of_day(at: int) -> int:
    """Of the second that ends at `at`: 1 to 86,400, an hour more or less when the clock is changed."""
    return at - midnight(day_of(at - 1))


def appliances() -> dict[str, Appliance]:
    """By the name of the device that switches it."""
    return {
        "shelly2": Car("small car", 1380, 0),
        "tasmota": Boiler("boiler", 2000, 1),
        "homewizard_socket": Constant("circulation pump", 370, 1),
        "relay": Constant("infrared heater", 600, 2),
        "shelly1": Constant("dehumidifier", 280, 0),
    }
