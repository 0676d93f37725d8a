"""A house of loads under a clock that is counted, not waited for: what the rules decide is what the devices do at the next step."""

from dataclasses import dataclass, field, replace

from control.rules.facts import Alarm, Decision, Device, Grid, Load, Override, Signal, Snapshot
from control.rules.memory import Memory
from control.rules.step import step

# 2026-06-18 12:00 UTC, a Thursday; the beginning of a quarter.
NOON = 1_781_784_000.0
LONG = 100_000.0


@dataclass
class Plug:
    """One device and the load behind it. `draws_w`: what the load takes when it is on."""

    draws_w: int
    level: float = 0.0
    changed: float = -LONG
    switches: int = 0
    told: dict[str, object] = field(default_factory=dict)  # what it tells instead of the truth

    def set(self, level: float, mono: float) -> None:
        if level != self.level:
            self.level, self.changed = level, mono
            self.switches += 1

    def device(self, mono: float) -> Device:
        truth = Device(
            level=self.level,
            read=self.level,
            power_w=round(self.draws_w * self.level),
            changed_s=mono - self.changed,
            switches_today=self.switches,
        )
        return replace(truth, **self.told)  # type: ignore[arg-type]


class House:
    """`base_w`: import without our loads, negative while the sun gives. A step lasts 10 s."""

    def __init__(self, *loads: Load, base_w: int = 300, started: float = -LONG, at: float = NOON) -> None:
        self.loads = {load.id: load for load in loads}
        self.plugs = {load.id: Plug(load.load_w) for load in loads}
        self.base_w, self.at, self.mono = base_w, at, 0.0
        self.grid: dict[str, object] = {}
        self.more: dict[str, object] = {}
        self.overrides: dict[int, Override] = {}
        self.signals: dict[int, Signal] = {}
        self.memory = Memory.fresh(started)
        self.decisions: dict[int, Decision] = {}
        self.alarms: list[Alarm] = []

    def snapshot(self) -> Snapshot:
        drawn = sum(round(plug.draws_w * plug.level) for plug in self.plugs.values())
        grid = replace(Grid(net_w=self.base_w + drawn, fresh=True, stale="", stale_s=0.0), **self.grid)  # type: ignore[arg-type]
        devices = {load: plug.device(self.mono) for load, plug in self.plugs.items()}
        return Snapshot(
            self.at,
            self.mono,
            grid,
            devices=devices,
            overrides=dict(self.overrides),
            signals=dict(self.signals),
            **self.more,  # type: ignore[arg-type]
        )

    def step(self, seconds: float = 10.0) -> dict[int, Decision]:
        """Decide, switch, and let the clock go on."""
        outcome = step(self.snapshot(), list(self.loads.values()), self.memory)
        self.memory = outcome.memory
        self.alarms += outcome.alarms
        self.decisions = {decision.load: decision for decision in outcome.decisions}
        for load, decision in self.decisions.items():
            if not self.loads[load].dry_run:
                self.plugs[load].set(decision.level, self.mono)
        self.at += seconds
        self.mono += seconds
        return self.decisions

    def run(self, seconds: float, step_s: float = 10.0) -> dict[int, Decision]:
        """Step so long; the last decisions."""
        for _ in range(round(seconds / step_s)):
            self.step(step_s)
        return self.decisions

    def is_on(self, load: int = 1) -> bool:
        return self.plugs[load].level > 0

    def switch_on(self, load: int = 1, ago_s: float = LONG) -> None:
        """As it was found: on for so long."""
        plug = self.plugs[load]
        plug.level, plug.changed = 1.0, self.mono - ago_s

    def code(self, load: int = 1) -> str:
        return self.decisions[load].said.code

    def rule(self, load: int = 1) -> str:
        return self.decisions[load].rule
