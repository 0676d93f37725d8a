"""What is kept of ticks: a decision when it changes, each switch, and what a load did on each day."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection

from control import models
from control.rules import loads as kinds
from control.rules import localtime
from control.rules.facts import Decision, Device, Load, Param, Snapshot

# Said again though nothing changed, so that the log shows that it was looked at.
AGAIN_S = 3600.0
FLUSH_S = 60.0
# Between two ticks; what was missed is not made up.
LONGEST_S = 60.0
KEPT = timedelta(days=400)
AT_ONCE = 5000
FIRST_DAY = date(1970, 1, 1)

ADD_DAYS = """
    INSERT INTO control_controllerday (controller_id, local_date, switches, on_s, energy_wh, solar_wh, grid_wh)
    SELECT * FROM unnest(%s::bigint[], %s::date[], %s::int[], %s::int[], %s::float8[], %s::float8[], %s::float8[])
    ON CONFLICT (controller_id, local_date) DO UPDATE SET
        switches = control_controllerday.switches + EXCLUDED.switches, on_s = control_controllerday.on_s + EXCLUDED.on_s,
        energy_wh = control_controllerday.energy_wh + EXCLUDED.energy_wh,
        solar_wh = control_controllerday.solar_wh + EXCLUDED.solar_wh, grid_wh = control_controllerday.grid_wh + EXCLUDED.grid_wh
    RETURNING controller_id, local_date, switches, on_s, energy_wh, solar_wh, grid_wh"""
DAYS = "SELECT controller_id, local_date, switches, on_s, energy_wh, solar_wh, grid_wh FROM control_controllerday WHERE local_date = %s"
ADD_SWITCH = "INSERT INTO control_switch (output_id, time, level, cause) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING"


@dataclass(slots=True)
class Day:
    """Of one load, not yet in the database."""

    switches: int = 0
    on_s: float = 0.0
    energy_wh: float = 0.0
    solar_wh: float = 0.0
    grid_wh: float = 0.0

    def plus(self, other: Day) -> Day:
        return Day(*(getattr(self, name) + getattr(other, name) for name in ("switches", "on_s", "energy_wh", "solar_wh", "grid_wh")))


def _days(rows: Iterable[tuple[Any, ...]]) -> dict[tuple[int, date], Day]:
    return {(load, day): Day(*values) for load, day, *values in rows}


@dataclass(slots=True)
class Recorder:
    """Of one process. `record` is called in the tick's transaction; `committed` once it is."""

    said: dict[int, tuple[tuple[Any, ...], float]] = field(default_factory=dict)
    switched: dict[str, float] = field(default_factory=dict)
    days: dict[tuple[int, date], Day] = field(default_factory=dict)
    stored: dict[tuple[int, date], Day] = field(default_factory=dict)
    asked: set[date] = field(default_factory=set)
    counters: dict[str, float] = field(default_factory=dict)
    mono: float | None = None
    flushed: float = float("-inf")
    _due: dict[int, tuple[tuple[Any, ...], float]] = field(default_factory=dict)
    _seen: dict[str, tuple[float, tuple[int, date] | None]] = field(default_factory=dict)
    _stored: dict[tuple[int, date], Day] = field(default_factory=dict)
    _written: bool = False

    def record(
        self,
        snapshot: Snapshot,
        loads: Mapping[int, Load],
        decisions: Iterable[Decision],
        outputs: Mapping[int, tuple[str, int]],
        held: Mapping[str, Mapping[str, Any]],
        now: datetime,
    ) -> None:
        """`outputs`: Load.id -> its output's name and id. Raises django.db.Error; what was not committed is recorded with the next tick."""
        self._written = False
        self._switches(outputs, held, snapshot)
        self._count(snapshot, loads, outputs, held)
        self._decisions(snapshot, loads, decisions, now)
        if snapshot.mono - self.flushed >= FLUSH_S:
            self._flush()

    def committed(self, mono: float) -> None:
        self.said.update(self._due)
        self._due = {}
        if self._written:
            self.stored |= self._stored
            self.days, self._stored, self._written, self.flushed = {}, {}, False, mono
        for name, (at, counted) in self._seen.items():
            self.switched[name] = at
            if counted is not None:
                self.days.setdefault(counted, Day()).switches += 1
        self._seen = {}

    # Decisions

    def _decisions(self, snapshot: Snapshot, loads: Mapping[int, Load], decisions: Iterable[Decision], now: datetime) -> None:
        self._due, rows = {}, []
        for decision in decisions:
            load = loads[decision.load]
            mark = (decision.level, decision.rule, decision.said.code, load.dry_run)
            before, at = self.said.get(load.id, ((), float("-inf")))
            if mark == before and snapshot.mono - at < AGAIN_S:
                continue
            self._due[load.id] = (mark, snapshot.mono)
            rows.append(row_of(decision, load, snapshot, now))
        if rows:
            models.Decision.objects.bulk_create(rows)

    # Switches

    def _switches(self, outputs: Mapping[int, tuple[str, int]], held: Mapping[str, Mapping[str, Any]], snapshot: Snapshot) -> None:
        self._seen = {}
        for load, (name, pk) in outputs.items():
            last = held.get(name, {}).get("last")
            if not last or self.switched.get(name) == last["at"]:
                continue
            with connection.cursor() as cursor:
                cursor.execute(ADD_SWITCH, [pk, datetime.fromtimestamp(last["at"], UTC), last["level"], str(last["cause"])[:40]])
                self._seen[name] = (last["at"], (load, today_of(snapshot)) if cursor.rowcount else None)

    # Days

    def _count(
        self,
        snapshot: Snapshot,
        loads: Mapping[int, Load],
        outputs: Mapping[int, tuple[str, int]],
        held: Mapping[str, Mapping[str, Any]],
    ) -> None:
        """Energy by the device's own counter, else by its power. The sun goes to the loads in order of priority, the grid has the rest."""
        passed_s = 0.0 if self.mono is None else min(LONGEST_S, max(0.0, snapshot.mono - self.mono))
        self.mono = snapshot.mono
        running = {one: drawn_w(loads[one], device) for one, device in snapshot.devices.items() if one in loads and not loads[one].dry_run}
        from_grid = share_of_grid({one: running[one] for one in sorted(running, key=lambda one: loads[one].priority)}, snapshot.grid.net_w)
        for one, power_w in running.items():
            device = snapshot.devices[one]
            wh = self._energy_wh(outputs[one][0], held, power_w * passed_s / 3600)
            on = (device.level if device.read is None else device.read) > 0
            if not wh and not on:
                continue
            day = self.days.setdefault((one, today_of(snapshot)), Day())
            day.on_s += passed_s if on else 0
            day.energy_wh += wh
            day.grid_wh += wh * from_grid[one]
            day.solar_wh += wh * (1 - from_grid[one])

    def _energy_wh(self, output: str, held: Mapping[str, Mapping[str, Any]], estimate_wh: float) -> float:
        counter = held.get(output, {}).get("energy_wh")
        if counter is None:
            return estimate_wh
        before, self.counters[output] = self.counters.get(output), counter
        return estimate_wh if before is None or counter < before else float(counter - before)

    def _flush(self) -> None:
        if self.days:
            items = sorted(self.days.items())
            columns: list[list[Any]] = [
                [load for (load, _day), _of in items],
                [day for (_load, day), _of in items],
                [one.switches for _key, one in items],
                [round(one.on_s) for _key, one in items],
                *([getattr(one, name) for _key, one in items] for name in ("energy_wh", "solar_wh", "grid_wh")),
            ]
            with connection.cursor() as cursor:
                cursor.execute(ADD_DAYS, columns)
                self._stored = _days(cursor.fetchall())
        self._written = True

    def today(self, snapshot: Snapshot) -> dict[int, Day]:
        """What each load did on the running day, up to this tick. Raises django.db.Error on the first question of a day."""
        day = today_of(snapshot)
        if day not in self.asked:
            with connection.cursor() as cursor:
                cursor.execute(DAYS, [day])
                self.stored = _days(cursor.fetchall())
            self.asked = {day}
        loads = {load for load, of in (*self.stored, *self.days) if of == day}
        return {load: self.stored.get((load, day), Day()).plus(self.days.get((load, day), Day())) for load in loads}


def today_of(snapshot: Snapshot) -> date:
    return FIRST_DAY + timedelta(days=localtime.day_number(snapshot.at, snapshot.zone))


def drawn_w(load: Load, device: Device) -> float:
    """W; what it is said to take where the output cannot tell, as behind an enable contact."""
    level = device.level if device.read is None else device.read
    if device.power_w is None or kinds.kind(load).contact:
        return level * load.load_w
    return max(0.0, device.power_w)


def share_of_grid(running: Mapping[int, float], net_w: int | None) -> dict[int, float]:
    """0 to 1 of each load's power, given in order of priority; all of it where the meter says nothing."""
    left_w = math.inf if net_w is None else max(0, net_w)
    shares = {}
    for one, power_w in reversed(list(running.items())):
        grid_w = min(power_w, left_w)
        left_w -= grid_w
        shares[one] = grid_w / power_w if power_w else 0.0
    return shares


def row_of(decision: Decision, load: Load, snapshot: Snapshot, now: datetime) -> models.Decision:
    return models.Decision(
        controller_id=load.id,
        time=now,
        level=decision.level,
        rule=decision.rule,
        code=decision.said.code,
        params=told(decision.said.params),
        wish=decision.wish,
        rejected=[[one.rule, one.level, one.said.code, told(one.said.params)] for one in decision.rejected],
        inputs=inputs_of(decision, load, snapshot),
        dry_run=load.dry_run,
    )


def inputs_of(decision: Decision, load: Load, snapshot: Snapshot) -> dict[str, Any]:
    """What it was decided on, as JSON can hold it; what was not known is left out."""
    grid, device = snapshot.grid, snapshot.devices.get(load.id)
    given: dict[str, Any] = {
        "net_w": grid.net_w,
        "fresh": grid.fresh,
        "stale": grid.stale or None,
        "quarter_w": grid.quarter_w,
        "quarter_own": grid.quarter_own or None,
        "limit_w": grid.limit_w if grid.exists else None,
        "solar_w": snapshot.solar_w,
        "battery_w": snapshot.battery_w,
        "surplus_w": decision.surplus_w,
        "reserved_w": decision.reserved_w or None,
    }
    if device is not None:
        given |= {"level": device.level, "read": device.read, "power_w": device.power_w, "reachable": device.reachable}
        given |= {"switches": device.switches_today, "locked": device.locked or None}
    return {name: value for name, value in given.items() if value is not None}


def told(params: Mapping[str, Param]) -> dict[str, Param]:
    """As JSON can hold it: there is no infinity."""
    return {name: value for name, value in params.items() if not (isinstance(value, float) and not math.isfinite(value))}


def forget_old(now: datetime) -> int:
    """Decisions that nobody looks up any more; a part at a time."""
    gone = 0
    while True:
        old = list(models.Decision.objects.filter(time__lt=now - KEPT).order_by("time").values_list("pk", flat=True)[:AT_ONCE])
        if not old:
            return gone
        gone += models.Decision.objects.filter(pk__in=old).delete()[0]
