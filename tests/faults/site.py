"""A whole house under one clock: three outputs that matter, one of each class of rule 3, and others that may hang."""

from __future__ import annotations

import random
from typing import Any

from control.holding.holder import Holder
from control.holding.holder import Told as Held
from control.rules.facts import Load, Override
from tests.control.holding.simulated import Memory, Plug, PlugDriver, SimulatedBus, SimulatedCalls, Time
from tests.faults import parts
from tests.faults.parts import METER, PERIOD_S, Meter, Reader, Telegram, Valkey, Worker

FAMILIES = {"A": "shelly2", "B": "gpio", "C": "homewizard"}
HEARTBEAT_S = 10.0  # rule 1: a holder that stands still so long is killed
AGAIN_S = 3.0  # and started anew within


class Site:
    """`run` lets seconds pass. What breaks is set from outside: `meter`, `valkey_up`, `database_up`, `worker_runs`, `reader_runs`."""

    def __init__(self, luck: random.Random, *, hanging: int = 0) -> None:
        self.luck, self.time = luck, Time(mono=luck.uniform(1000, 5000))
        self.hangs = {f"H{number}": Plug(self.time) for number in range(hanging)}
        self.plugs = {name: Plug(self.time, has_timer=name == "A", power_w=0 if name != "B" else None) for name in FAMILIES}
        self.load_w = {"A": 1500, "B": 2000, "C": 900}
        sun_w = luck.randint(6000, 9000)
        self.meter = Meter(self.time, -sun_w, every_s=luck.choice((1, 1, 1, 10)), shift_s=luck.uniform(-5, 5))
        self.late_s = 0.0  # telegrams come so much later
        self._queue: list[tuple[float, Telegram]] = []
        self.valkey, self.valkey_up, self.database_up = Valkey(), True, True
        self.synchronised = luck.random() < 0.7
        self.reader, self.reader_runs = Reader(self.time, synchronised=self.synchronised), True
        loads = self._loads()
        until = self.time.clock.wall() + parts.OVERRIDE_S
        people = {load.id: Override(1.0, until, "ann") for load in loads if load.mode == "auto"}
        self.worker = Worker(self.time, loads, people)
        self.worker_runs = True
        self._phase = luck.randrange(PERIOD_S)
        self.stuck: set[str] = set()  # contacts that do not open
        self._published = parts.published({**FAMILIES, **dict.fromkeys(self.hangs, "shelly2")})
        self.outputs: bytes | None = self._published
        self.bus, self.past = SimulatedBus(), Memory()
        self.calls = SimulatedCalls(self.time, {**self.plugs, **self.hangs})
        self.holder: Holder | None = None
        self.holder_stopped = False
        self._holder_again: float | None = None
        self._holder_ran = self.time.mono
        self.dead = False  # all of ours, for good
        self.start_holder()

    def _loads(self) -> tuple[Load, ...]:
        """By a person's word or by a mode: what switches them on does not matter to what switches them off."""
        return tuple(
            Load(
                number,
                name,
                kind=self.luck.choice(("other", "boiler", "pump", "heat_pump")),
                load_w=self.load_w[name],
                rated_w=3000,
                min_on_s=self.luck.choice((0, 300, 3600)),
                min_off_s=0,
                priority=number,
                peak="up_to",
                peak_up_to_w=20_000,
                mode="on" if self.luck.random() < 0.15 else "auto",
            )
            for number, name in enumerate(FAMILIES, start=1)
        )

    # Processes

    def start_holder(self) -> None:
        self.holder = Holder(self.time.clock, self.bus, self._open, self.calls, self.past)
        self.holder_stopped, self._holder_again = False, None

    def _open(self, settings: dict[str, Any]) -> PlugDriver:
        return PlugDriver({**self.plugs, **self.hangs}[settings["name"]])

    def kill_holder(self, again_s: float) -> None:
        self.holder, self._holder_again = None, self.time.mono + again_s

    def restart_worker(self) -> None:
        self.worker.restart()
        self.worker_runs = True

    def restart_reader(self) -> None:
        self.reader, self.reader_runs = Reader(self.time, synchronised=self.synchronised), True

    def lose_valkey(self, *, kept: bool) -> None:
        """It went and comes back, with what it had or empty."""
        if not kept:
            self.valkey = Valkey()
            self.bus.told, self.bus.held = Held(), {}
            self.outputs = None

    # Time

    def run(self, seconds: float) -> None:
        for _second in range(round(seconds)):
            self.second()

    def second(self) -> None:
        self.time.mono += 1.0
        for name, plug in self.plugs.items():
            plug.tick()
            if plug.power_w is not None:
                plug.power_w = round((1.0 if name in self.stuck else plug.level) * self.load_w[name])
        self._metered()
        if self.dead:
            return
        if self.worker_runs and self.database_up and self.valkey_up and round(self.time.mono) % PERIOD_S == self._phase:
            self.outputs = self._published
            self.worker.tick(self.valkey, self.bus.held)
        self._hold()

    def _metered(self) -> None:
        telegram = self.meter.tick(parts.drawn_w(self.plugs, self.load_w))
        if telegram is not None:
            self._queue.append((self.time.mono + self.late_s, telegram))
        due = [one for at, one in self._queue if at <= self.time.mono]
        self._queue = [(at, one) for at, one in self._queue if at > self.time.mono]
        if self.reader_runs and not self.dead:
            for one in due:
                self.reader.take(one, self.valkey if self.valkey_up else None)

    def _hold(self) -> None:
        if self.holder is None and self._holder_again is not None and self.time.mono >= self._holder_again:
            self.start_holder()
        if self.holder is None:
            return
        if self.holder_stopped:
            if self.time.mono - self._holder_ran >= HEARTBEAT_S:
                self.kill_holder(AGAIN_S)
            return
        self.bus.away = not self.valkey_up
        self.bus.told = Held(self.outputs, parts.as_bytes(self.valkey.leases), parts.as_bytes(self.valkey.fresh))
        self.holder.step()
        self.holder.step()  # as the end of a call wakes it
        self._holder_ran = self.time.mono

    def all_on(self, most_s: float = 700) -> float:
        """Seconds until everything that matters is on. Raises AssertionError."""
        began = self.time.mono
        while not all(plug.level for plug in self.plugs.values()):
            if self.time.mono - began > most_s:
                told = {name: (row["why"], row["locked"], row["person"]) for name, row in self.bus.held.items() if name in FAMILIES}
                raise AssertionError(f"not on within {most_s} s: {told}, stale {self.valkey.stale}")
            self.second()
        return self.time.mono - began


__all__ = ["FAMILIES", "METER", "Site"]
