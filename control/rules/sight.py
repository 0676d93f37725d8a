"""One load at one step: its settings, its record and what can be seen of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from control.rules import loads as kinds
from control.rules.facts import FOREVER, Device, Load, Override, Plan, Snapshot
from control.rules.loads import Kind
from control.rules.localtime import day_number
from control.rules.memory import LoadMemory

# A device that was told to switch has drawn its power by then.
SETTLED_S = 20.0
UNKNOWN = Device(reachable=False, told_s=FOREVER)


@dataclass(slots=True)
class Sight:
    """`running`: it is on now, by what its device was told; in dry-run by what it would have been told. `own_w`: what it draws of the
    power that the meter shows, 0 in dry-run. `surplus_w`: what is left for it, its own power included; None: not known. `dt_s`: since the
    last step; 0 where it cannot be counted. `begun_s`: since the start of this process's rules."""

    load: Load
    kind: Kind
    memory: LoadMemory
    device: Device
    snapshot: Snapshot
    override: Override | None
    dt_s: float
    begun_s: float
    running: bool = False
    level: float = 0.0
    changed_s: float = 0.0
    switches: int = 0
    own_w: int = 0
    surplus_w: int | None = None
    reserved_w: int = 0

    @property
    def measured_w(self) -> int | None:
        """What the device says that the load draws; an enable contact's own power says nothing."""
        return None if self.kind.contact or self.load.dry_run else self.device.power_w

    @property
    def yields(self) -> bool:
        """It lives on the sun at this moment: what it draws is there for loads before it."""
        wish = self.memory.wish
        return self.load.surplus and self.load.mode == "auto" and self.override is None and not (wish is not None and wish.must)

    @property
    def must(self) -> bool:
        """Its departure needs it now."""
        wish = self.memory.wish
        return wish is not None and wish.must and self.load.mode == "auto" and isinstance(self.load.strategy, Plan)

    @property
    def to_come_w(self) -> int:
        """What it was just switched on for and does not draw yet, as far as anybody knows."""
        if self.running and not self.load.dry_run and self.changed_s < SETTLED_S and self.memory.idle_at is None:
            return max(0, self.load.load_w - self.own_w)
        return 0


def see(load: Load, memory: LoadMemory, snapshot: Snapshot, dt_s: float, begun_s: float) -> Sight:
    """The load as it stands, without its surplus."""
    device = snapshot.devices.get(load.id, UNKNOWN)
    override = snapshot.overrides.get(load.id)
    if override is not None and override.until <= snapshot.at:
        override = None
    sight = Sight(load, kinds.kind(load), memory, device, snapshot, override, dt_s, begun_s)
    if load.dry_run:
        _as_if(sight)
    else:
        sight.running = device.level > 0
        sight.level, sight.changed_s = device.level, device.changed_s
        sight.switches = device.switches_today
    if sight.kind.compressor and sight.changed_s == FOREVER:
        sight.changed_s = begun_s  # nobody knows when it last ran: as if until this start
    sight.own_w = _draw_w(sight)
    return sight


def _as_if(sight: Sight) -> None:
    """A load in dry-run is what it was told, for the rules and for nobody else."""
    memory, snapshot = sight.memory, sight.snapshot
    today = day_number(snapshot.at, snapshot.zone)
    if memory.day != today:
        memory.day, memory.day_switches = today, 0
    sight.level, sight.running = memory.level, memory.level > 0
    sight.changed_s = FOREVER if memory.changed_mono is None else snapshot.mono - memory.changed_mono
    sight.switches = memory.day_switches


def _draw_w(sight: Sight) -> int:
    if not sight.running or sight.load.dry_run:
        return 0
    if sight.measured_w is not None:
        return max(0, sight.measured_w)
    return round(sight.load.load_w * sight.level) if sight.memory.idle_at is None else 0
