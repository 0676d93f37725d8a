"""The parts of a house under one simulated clock: a meter, who reads it, and who decides. Judge, snapshot, rules, leases and holder are
the site's own; only sockets, processes and copper are simulated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from control.rules.facts import Load, Override
from control.rules.memory import Memory
from control.rules.step import step
from control.ticking import leases, snapshot
from control.ticking.snapshot import Looks, Told
from control.unsafe import Outputs
from meters.freshness import Judge, Sample, Teller
from tests.control.holding.simulated import Plug, Time

METER = "meter"
PERIOD_S = 10
OVERRIDE_S = 7200.0


@dataclass
class Telegram:
    """Powers W, energies Wh; `time` None: the meter has no clock."""

    time: float | None
    net_w: int
    import_wh: int
    export_wh: int

    @property
    def body(self) -> bytes:
        return f"{self.net_w} {self.import_wh} {self.export_wh}".encode()


@dataclass
class Meter:
    """Counts what the house takes. `shift_s`: how wrong its clock is. What breaks in it is told by the flags."""

    time: Time
    base_w: int
    every_s: int = 1
    has_clock: bool = True
    shift_s: float = 0.0
    silent: bool = False
    stands: bool = False  # the same telegram again and again
    values_stand: bool = False  # its clock goes on, its values do not
    power_error_w: int = 0
    import_wh: float = 50_000.0
    export_wh: float = 80_000.0
    _last: Telegram | None = None

    def tick(self, loads_w: int) -> Telegram | None:
        """A second passes. What it sends, if anything."""
        net_w = self.base_w + loads_w
        self.import_wh += max(0, net_w) / 3600
        self.export_wh += max(0, -net_w) / 3600
        if round(self.time.mono) % self.every_s:
            return None
        wall = 1_800_000_000.0 + self.time.mono + self.shift_s
        stamp = float(int(wall)) if self.has_clock else None
        telegram = Telegram(stamp, net_w + self.power_error_w, int(self.import_wh), int(self.export_wh))
        if self._last is not None and self.stands:
            telegram = self._last
        elif self._last is not None and self.values_stand:
            telegram = Telegram(stamp, self._last.net_w, self._last.import_wh, self._last.export_wh)
        self._last = telegram
        return None if self.silent else telegram


@dataclass
class Valkey:
    """What is lost with it."""

    frames: dict[str, dict[str, Any]] = field(default_factory=dict)
    fresh: dict[str, str] = field(default_factory=dict)
    stale: dict[str, str] = field(default_factory=dict)
    leases: dict[str, str] = field(default_factory=dict)


class Reader:
    """read_meters: judges each telegram and tells Valkey."""

    def __init__(self, time: Time, *, synchronised: bool) -> None:
        self.time, self.synchronised = time, synchronised
        self._judge, self._teller = Judge(), Teller()

    def take(self, telegram: Telegram, valkey: Valkey | None) -> None:
        mono, wall = self.time.mono, self.time.clock.wall()
        sample = Sample(
            time=telegram.time,
            mono=mono,
            body=telegram.body,
            import_wh=telegram.import_wh,
            export_wh=telegram.export_wh,
            power_w=telegram.net_w,
            wall=wall if self.synchronised else None,
        )
        word = self._teller.word(self._judge.judge(sample), mono, wall)
        if valkey is None:
            return
        stamp = telegram.time if telegram.time is not None else wall
        frame = {"source": METER, "time": int(stamp), "received": wall, "quarter_w": 0, "month_peak_w": 5000}
        power = {"import_w": max(0, telegram.net_w), "export_w": max(0, -telegram.net_w)}
        valkey.frames[METER] = {**frame, **power, "import_t1_wh": telegram.import_wh, "export_t1_wh": telegram.export_wh}
        if word.number is not None:
            valkey.fresh[METER] = str(word.number)
        if word.stale:
            valkey.stale[METER] = word.stale
        elif word.stale == "":
            valkey.stale.pop(METER, None)


class Worker:
    """Ticks: snapshot, rules, leases. `told`: what somebody is told of, by output, and since when."""

    def __init__(self, time: Time, loads: tuple[Load, ...], overrides: dict[int, Override]) -> None:
        self.time, self.loads, self.overrides = time, loads, overrides
        self.memory, self.looks = Memory.fresh(time.mono), Looks()
        self.fence = int(time.clock.wall() * 1000)
        self._outputs = Outputs()
        self.told: dict[str, float] = {}
        self.presses = 0

    def restart(self) -> None:
        self.memory, self.looks, self._outputs = self.memory.restarted(self.time.mono), Looks(), Outputs()

    def tick(self, valkey: Valkey, held: Mapping[str, dict[str, Any]]) -> None:
        now, mono = self.time.clock.wall(), self.time.mono
        self._people(held, now)
        outputs = {load.id: load.name for load in self.loads}
        running = {pk: one for pk, one in self.overrides.items() if one.until > now}
        sight = snapshot.Sight(snapshot.Place(), (METER,), outputs, overrides=running)
        seen = snapshot.of(sight, Told(valkey.frames, valkey.fresh, valkey.stale, held), now, mono, self.looks)
        outcome = step(seen, self.loads, self.memory)
        self.memory = outcome.memory
        self.fence = max(self.fence + 1, int(now * 1000))
        valkey.leases.update(leases.of(outcome.decisions, {load.id: load for load in self.loads}, outputs, self.fence))
        for alarm in outcome.alarms:
            self.told.setdefault(outputs.get(alarm.load, ""), mono)
        for cause in self._outputs.found(held, mono):
            self.told.setdefault(cause.partition(":")[2], mono)

    def _people(self, held: Mapping[str, dict[str, Any]], now: float) -> None:
        """As the tick does: a press at the device is an override of two hours."""
        for load in self.loads:
            person = held.get(load.name, {}).get("person")
            standing = self.overrides.get(load.id)
            if person and not (standing is not None and standing.button and standing.by == repr(person["at"])):
                self.presses += 1
                self.overrides[load.id] = Override(person["level"], now + OVERRIDE_S, repr(person["at"]), button=True)


def as_bytes(rows: Mapping[str, str]) -> dict[str, bytes]:
    return {name: text.encode() for name, text in rows.items()}


def settings_of(name: str, family: str) -> dict[str, Any]:
    return {"name": name, "family": family, "address": f"http://{name}", "pin": 17 if family == "gpio" else None}


def published(names: Mapping[str, str]) -> bytes:
    """OUTPUTS, of name -> family."""
    outputs = [settings_of(name, family) for name, family in names.items()]
    return json.dumps({"generation": "1", "zone": "UTC", "meters": [METER], "outputs": outputs}).encode()


def drawn_w(plugs: Mapping[str, Plug], load_w: Mapping[str, int]) -> int:
    return sum(round(plug.level * load_w.get(name, 0)) for name, plug in plugs.items())
