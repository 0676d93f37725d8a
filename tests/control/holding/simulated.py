"""The holder's surroundings under a clock that the test moves: bus, calls, devices, memory. Nothing here waits."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from control.holding.calls import Call, Clock
from control.holding.holder import Holder, Told
from control.outputs import Driver, Reading
from energysite.errors import DeviceUnavailable

CALL_S = 5.0


@dataclass
class Time:
    """`mono` and `wall` go on together; `wall_step` is a clock that somebody set."""

    mono: float = 1000.0
    wall_step: float = 0.0

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.mono, lambda: 1_800_000_000.0 + self.mono + self.wall_step)


@dataclass
class Plug:
    """A device: `timer` is its own, `latency_s` how long it takes to answer (5 or more: it hangs), `away`: nothing answers."""

    time: Time
    has_timer: bool = True
    level: float = 0.0
    latency_s: float = 0.0
    away: bool = False
    stuck: float | None = None  # says so, whatever it is told
    trouble: str = ""
    power_w: int | None = None
    booted: float = 0.0
    tells_uptime: bool = True
    until: float | None = None
    said: list[tuple[float, str]] = field(default_factory=list)

    def tick(self) -> None:
        if self.until is not None and self.time.mono >= self.until:
            self.level, self.until = 0.0, None

    def set(self, level: float, timer_s: float | None = None) -> None:
        self.said.append((self.time.mono, f"{level:g}"))
        self.level = level if self.stuck is None else self.stuck
        self.until = self.time.mono + timer_s if timer_s and level and self.has_timer else None

    def press(self, level: float) -> None:
        self.level, self.until = level, None

    def restart(self, level: float = 0.0) -> None:
        self.level, self.until, self.booted = level, None, self.time.mono


class PlugDriver:
    family = "simulated"

    def __init__(self, plug: Plug) -> None:
        self.plug, self.has_timer, self.closed = plug, plug.has_timer, False

    def _reach(self) -> Plug:
        self.plug.tick()
        if self.plug.away or self.plug.latency_s >= CALL_S:
            raise DeviceUnavailable("Nothing answers.")
        return self.plug

    def apply(self, level: float, lease_s: float, deadline: float) -> None:
        self._reach().set(level, lease_s)

    def safe(self, deadline: float) -> None:
        self._reach().set(0.0)

    def read(self, deadline: float) -> Reading:
        plug = self._reach()
        left_s = None if plug.until is None else plug.until - plug.time.mono
        uptime_s = plug.time.mono - plug.booted if plug.tells_uptime else None
        return Reading(plug.level, plug.power_w, None, left_s, uptime_s, plug.trouble)

    def close(self) -> None:
        self.closed = True

    @property
    def heard(self) -> str:
        return f"{self.plug.level:g}"


@dataclass
class Later:
    """A call whose end the clock decides; what it does with the device happens at its start."""

    time: Time
    at: float
    found: Any

    def done(self) -> bool:
        return self.time.mono >= self.at

    def result(self) -> Any:
        return self.found


@dataclass
class SimulatedCalls:
    """A call takes as long as its plug: at once without latency, 5 s where it hangs."""

    time: Time
    plugs: Mapping[str, Plug]

    def start(self, name: str, work: Callable[[float], Any]) -> Call:
        plug = self.plugs[name]
        return Later(self.time, self.time.mono + min(plug.latency_s, CALL_S), work(self.time.mono + CALL_S))


@dataclass
class SimulatedBus:
    """`away`: Valkey does not answer."""

    told: Told = field(default_factory=Told)
    away: bool = False
    held: dict[str, dict[str, Any]] = field(default_factory=dict)

    def exchange(self, rows: Mapping[str, dict[str, Any] | None]) -> Told | None:
        if self.away:
            return None
        for name, row in rows.items():
            if row is None:
                self.held.pop(name, None)
            else:
                self.held[name] = json.loads(json.dumps(row))
        return self.told


@dataclass
class Memory:
    """What survives a holder."""

    outputs: bytes | None = None
    kept: dict[str, Any] = field(default_factory=dict)
    starts: list[float] = field(default_factory=list)
    elsewhere: bool = False  # it was written by another machine

    def settings(self) -> bytes | None:
        return self.outputs

    def keep_settings(self, text: bytes) -> None:
        self.outputs = text

    def records(self) -> Mapping[str, Mapping[str, Any]]:
        return self.kept

    def keep_records(self, records: Mapping[str, Mapping[str, Any]]) -> None:
        self.kept = json.loads(json.dumps(records))

    def started(self, clock: Clock) -> float:
        now = clock.mono()
        self.starts = [at for at in self.starts if now - at < 600] + [now]
        return 600.0 if len(self.starts) >= 3 else 0.0

    def copied(self) -> bool:
        return self.elsewhere

    def sign(self) -> None:
        self.elsewhere = False


class World:
    """Outputs, a meter that speaks each second, a commander that renews every 10 s; `run` lets time pass, a second a step.

    `holder` None: killed. `lease[name]` None: nothing is leased; else (level, options).
    """

    def __init__(self, **plugs: Plug) -> None:
        first = next(iter(plugs.values()), None)
        self.time = first.time if first is not None else Time()
        self.plugs = plugs
        self.bus, self.past = SimulatedBus(), Memory()
        self.calls = SimulatedCalls(self.time, plugs)
        self.settings: dict[str, dict[str, Any]] = {
            name: {"name": name, "family": "shelly2" if plug.has_timer else "homewizard", "address": f"http://{name}"}
            for name, plug in plugs.items()
        }
        self.meters = ["meter"]
        self.lease: dict[str, tuple[float, dict[str, Any]] | None] = {}
        self.meter = self.commander = True
        self.fence, self.seq, self.number = 1, 0, 0
        self._leased = float("-inf")
        self.generation = 0
        self.publish()
        self.holder: Holder | None = None
        self.start()

    def start(self) -> None:
        self.holder = Holder(self.time.clock, self.bus, self._open, self.calls, self.past)

    def _open(self, settings: dict[str, Any]) -> Driver:
        return PlugDriver(self.plugs[settings["address"].removeprefix("http://")])

    def publish(self) -> None:
        self.generation += 1
        given = {"generation": str(self.generation), "zone": "UTC", "meters": self.meters, "outputs": list(self.settings.values())}
        self._write(outputs=json.dumps(given).encode())

    def _write(self, **changed: Any) -> None:
        told = self.bus.told
        self.bus.told = Told(**{"outputs": told.outputs, "leases": told.leases, "fresh": told.fresh, **changed})

    def renew(self) -> None:
        self._leased = self.time.mono
        leases = dict(self.bus.told.leases)
        for name, wanted in self.lease.items():
            if wanted is not None:
                self.seq += 1
                level, options = wanted
                given = {"fence": self.fence, "seq": self.seq, "level": level, "seconds": 30, "blind": False, **options}
                leases[name] = json.dumps(given).encode()
        self._write(leases=leases)

    def run(self, seconds: float, holder: bool = True) -> None:
        until = self.time.mono + seconds
        while self.time.mono < until:
            self.time.mono += 1.0
            for plug in self.plugs.values():
                plug.tick()
            if self.bus.away:
                pass
            else:
                if self.meter:
                    self.number += 1
                    self._write(fresh={"meter": str(self.number).encode()})
                if self.commander and self.time.mono - self._leased >= 10:
                    self.renew()
            if holder:
                self.holder_step()

    def holder_step(self) -> None:
        """Twice: calls that answered at once are taken at once, as their end wakes the process."""
        if self.holder is not None:
            self.holder.step()
            self.holder.step()

    def seconds_until(self, true: Callable[[], bool], most: float = 200) -> float:
        began = self.time.mono
        while not true():
            if self.time.mono - began > most:
                raise AssertionError(f"not within {most} s")
            self.run(1)
        return self.time.mono - began

    def on(self, name: str, level: float = 1.0, **options: Any) -> None:
        """Leased until it is on, past the wait after a start."""
        self.lease[name] = (level, {"person": True, **options})
        self.seconds_until(lambda: self.plugs[name].level == level, 30)

    def held(self, name: str) -> dict[str, Any]:
        return self.bus.held[name]


def world(has_timer: bool = True, **options: Any) -> tuple[World, Plug]:
    plug = Plug(Time(), has_timer=has_timer, **options)
    return World(plug=plug), plug
