"""A cloud passes over the demo house and the car's plug does what the log says: house, telegrams, judge, rules, leases, holder, driver and
plug are the site's own and speak over the wire; only the clock is counted. One hour takes seconds.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from control import words
from control.holding.calls import Clock
from control.holding.holder import Holder
from control.holding.holder import Told as Held
from control.outputs import Driver, families
from control.rules.facts import Budget, Load
from control.rules.memory import Memory
from control.rules.step import step
from control.ticking import leases, snapshot
from control.ticking.snapshot import Looks, Told
from energysite.demo.appliances import appliances
from energysite.demo.calendar import midnight
from energysite.demo.contacts import Contact
from energysite.demo.moves import Moves
from energysite.demo.on_the_wire import Wire, on_the_wire
from energysite.demo.switched import SwitchedHouse
from energysite.demo.telegram import telegram
from meters.p1.decoder import decode
from tests.control.holding import simulated
from tests.energysite import demo
from tests.faults import parts

DAY = date(2026, 5, 13)
START = midnight(DAY) + 11 * 3600
PLUG = "Car plug"
CAR_W = 1380
MINUTE = 60


class Counted(simulated.Time):
    """The house's clock and ours go together."""

    @property
    def at(self) -> int:
        return START + round(self.mono - 1000)

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.mono, lambda: float(self.at))


@dataclass
class Done:
    found: Any

    def done(self) -> bool:
        return True

    def result(self) -> Any:
        return self.found


class AtOnce:
    """A call of a device ends before anybody looks."""

    def start(self, name: str, work: Callable[[float], Any]) -> Done:
        return Done(work(time.monotonic() + 5))


@dataclass
class Loop:
    """`log`: (minute, level, sentence) of each decision that differs from the one before."""

    house: SwitchedHouse
    wire: Wire
    time: Counted
    strategy: Any
    log: list[tuple[float, float, str]] = field(default_factory=list)
    seen: list[tuple[float, bool]] = field(default_factory=list)
    drivers: list[Driver] = field(default_factory=list)
    last: tuple[float, str] = (-1.0, "")

    def __post_init__(self) -> None:
        self.load = Load(1, PLUG, kind="ev", load_w=CAR_W, rated_w=3500, strategy=self.strategy)
        self.bus, self.valkey = simulated.SimulatedBus(), parts.Valkey()
        self.reader = parts.Reader(self.time, synchronised=True)
        self.memory, self.looks = Memory.fresh(self.time.mono), Looks()
        told = {**parts.settings_of(PLUG, "shelly2"), "address": self.wire["shelly2"].address}
        self.outputs = json.dumps({"generation": "1", "zone": "UTC", "meters": [parts.METER], "outputs": [told]}).encode()
        self.holder = Holder(self.time.clock, self.bus, self._open, AtOnce(), simulated.Memory())

    def _open(self, settings: dict[str, Any]) -> Driver:
        self.drivers.append(families.Shelly2(settings["address"]))
        return self.drivers[-1]

    def close(self) -> None:
        for driver in self.drivers:
            driver.close()

    def run(self, minutes: float) -> None:
        for _second in range(round(minutes * MINUTE)):
            self.time.mono += 1
            self.house.advance(self.time.at)
            if self.time.at % 5 == 0:
                self._read()
            if self.time.at % 10 == 7:
                self._tick()
            self.bus.told = Held(self.outputs, parts.as_bytes(self.valkey.leases), parts.as_bytes(self.valkey.fresh))
            self.holder.step()
            on = self.house.contacts["shelly2"].on
            if not self.seen or on is not self.seen[-1][1]:
                self.seen.append((self.minute, on))

    @property
    def minute(self) -> float:
        return (self.time.at - START) / MINUTE

    def _read(self) -> None:
        told = decode(telegram(self.house, self.time.at))
        net_w = (told.import_w or 0) - (told.export_w or 0)
        imported, exported = (told.import_t1_wh or 0) + (told.import_t2_wh or 0), (told.export_t1_wh or 0) + (told.export_t2_wh or 0)
        assert told.time is not None
        self.reader.take(parts.Telegram(told.time.timestamp(), net_w, imported, exported), self.valkey)

    def _tick(self) -> None:
        sight = snapshot.Sight(snapshot.Place(), (parts.METER,), {1: PLUG})
        heard = Told(self.valkey.frames, self.valkey.fresh, self.valkey.stale, self.bus.held)
        outcome = step(snapshot.of(sight, heard, self.time.at, self.time.mono, self.looks), [self.load], self.memory)
        self.memory = outcome.memory
        self.valkey.leases |= leases.of(outcome.decisions, {1: self.load}, {1: PLUG}, self.time.at * 1000)
        [decision] = outcome.decisions
        if (decision.level, decision.said.code) != self.last:
            self.log.append((self.minute, decision.level, words.sentence(decision.said.code, decision.said.params)))
        self.last = (decision.level, decision.said.code)


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Callable[[Any], Loop]]:
    clock = Counted()
    contacts = {"shelly2": Contact(appliances()["shelly2"], lambda: clock.mono)}
    house = SwitchedHouse(demo.young(DAY), Moves(), contacts)
    house.sky.sun_w, house.sky.sun_until = 4000, START + 6 * 3600
    with on_the_wire(house, lambda: clock.at, ["shelly2"], folder=tmp_path) as wire:
        made: list[Loop] = []

        def make(strategy: Any) -> Loop:
            made.append(Loop(house, wire, clock, strategy))
            return made[-1]

        yield make
        for one in made:
            one.close()


def test_a_cloud_passes_and_the_plug_does_what_the_log_says(loop: Callable[[Any], Loop]) -> None:
    run = loop(Budget())
    run.run(20)
    assert [on for _minute, on in run.seen] == [False, True], run.log
    run.house.sky.pct, run.house.sky.cloud_until = 5, START + 45 * MINUTE
    run.run(25)
    assert [on for _minute, on in run.seen] == [False, True, False], run.log
    run.run(15)
    decided = [(minute, level) for minute, level, _said in run.log]
    changes = [row for before, row in zip([(0.0, 0.0), *decided], decided, strict=False) if row[1] != before[1]]
    assert [level for _minute, level in changes] == [1, 0, 1][: len(changes)]
    switched = run.seen[1:]
    assert len(switched) == len(changes) >= 2
    for (decided_at, level), (switched_at, on) in zip(changes, switched, strict=True):
        assert on is (level > 0)
        assert 0 <= switched_at - decided_at <= 5 / MINUTE, "in the same seconds"
    assert 20 < changes[1][0] < 45, "under the cloud"
    said = [said for _minute, _level, said in run.log]
    assert any(text.startswith("On: the surplus of") for text in said), said
    assert any(text.startswith("Off:") for text in said), said
