"""One tick: what is known now, what the rules make of it, what is kept, leased and told. One tick decides for all controllers.

Celery calls it with each controller's period and every ten seconds; one of those is enough. Processes may tick by turns: what is
remembered goes through Valkey with the boot that its clock belongs to, and only a process that nobody has seen yet begins anew (rule 8).
"""

from __future__ import annotations

import json
import os
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import redis
import structlog
from django.db import transaction
from django.utils import translation

from control import keys, models, watching
from control.outputs import publishing
from control.rules import step
from control.rules.facts import Load, Snapshot
from control.rules.memory import Memory
from control.rules.step import Outcome
from control.ticking import copied, house_told, known, leases, overrides, past, recording, snapshot, telling
from control.ticking.house_told import TICKING, Heard
from control.ticking.known import Commanded, Known
from control.ticking.recording import Day, Recorder
from control.ticking.snapshot import Looks, Told
from energysite import house, live, notify
from energysite.database import asked, give_back

log = structlog.get_logger(__name__)

PERIOD_S = keys.RENEW_S
EARLY = 0.9
LEAST_S = 0.5
WAIT_S = 5.0
SAVE_S = 300.0
# A process that has not ticked for so long begins anew.
GONE_S = 60.0
FAMILY = "control"
# What is said once is over so long after it: a quarter of an hour.
SAID_S = 900.0
LOCKS = ("stuck", "overload")
NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class Ran:
    """`active`, `loads`: as they were decided on, in dry-run where this installation is a copy. `took_s`: with its leases written and
    told, `late_s`: after the moment it was due."""

    active: tuple[Commanded, ...]
    loads: dict[int, Load]
    snapshot: Snapshot
    outcome: Outcome
    fence: int
    leases: dict[str, str]
    today: dict[int, Day]
    took_s: float = 0.0
    late_s: float = 0.0


@dataclass(slots=True)
class Ticker:
    """Of one process, for any of its threads. `clock` is steady: time.monotonic()."""

    clock: Callable[[], float] = time.monotonic
    token: str = field(default_factory=lambda: f"{os.getpid()}:{secrets.token_hex(4)}")
    boot: str = field(default_factory=lambda: Path("/proc/sys/kernel/random/boot_id").read_text().strip())
    memory: Memory | None = None
    looks: Looks = field(default_factory=Looks)
    recorder: Recorder = field(default_factory=Recorder)
    _peak: past.MonthPeak = field(default_factory=past.MonthPeak)
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _last: float = NEVER
    _saved: float = NEVER
    _slots: dict[int, int] = field(default_factory=dict)
    _locked: dict[int, str] = field(default_factory=dict)
    _began: float = NEVER
    _taken_back: set[str] = field(default_factory=set)
    _said: dict[str, tuple[notify.Trouble, float]] = field(default_factory=dict)

    def run(self, now: datetime, mono: float, *, at_once: bool = False) -> Ran | None:
        """None where nothing was to be done: no controller, a tick a moment ago, somebody else's turn, or Valkey is away. Raises
        DatabaseAway: without a database nothing is leased, and what is on goes off when its lease ends."""
        if not at_once and not self._is_due(now, mono):
            return None
        if not self._turn.acquire(timeout=WAIT_S if at_once else 0):
            return None
        try:
            if at_once:
                overrides.heard()
            return self._run(now, mono)
        except redis.RedisError as error:
            log.warning("no tick, Valkey is away", error=str(error))
            return None
        finally:
            self._turn.release()
            give_back()

    def _is_due(self, now: datetime, mono: float) -> bool:
        passed_s = mono - self._last
        if passed_s >= EARLY * PERIOD_S:
            return True
        at = now.timestamp()
        return passed_s >= LEAST_S and any(int(at // period_s) != slot for period_s, slot in self._slots.items())

    def _run(self, now: datetime, mono: float) -> Ran | None:
        began = self.clock()
        heard = house_told.hear(live.client())
        found = known.current(heard.generation)
        if found is None or not found.active:
            self._stand_by(heard, now, mono)
            return None
        if not heard.published:
            publishing.publish()
        self._begin(heard, mono)
        ran = self._decide(found, heard.told, now, mono)
        if ran is None:
            return None
        late_s = 0.0 if self._last == NEVER else max(0.0, mono - self._last - PERIOD_S)
        self._last = mono
        self._slots = {one.load.period_s: int(now.timestamp() // one.load.period_s) for one in ran.active}
        if (took_s := self.clock() - began) > PERIOD_S:
            log.error("a tick took longer than its period: nothing is leased", seconds=round(took_s, 1))
            return None
        ran = replace(ran, late_s=late_s)
        self._write(ran, heard, mono)
        self._tell(ran, found, heard.told, now)
        return self._timed(replace(ran, took_s=self.clock() - began), now)

    def _stand_by(self, heard: Heard, now: datetime, mono: float) -> None:
        """Nobody decides: what was leased is taken back, and the next controller begins anew."""
        self._last, self._slots, self.memory = mono, {}, None
        if not heard.leased:
            return
        with asked(), transaction.atomic():
            turn = leases.take_turn(now)
        if turn is not None:
            with live.publisher().writing() as pipe:
                self._lease({}, heard, set(heard.leased), turn.fence, pipe)

    def _lease(self, given: dict[str, str], heard: Heard, orphans: set[str], fence: int, pipe: Any) -> None:
        """`orphans`: outputs that nobody commands any more, or not yet again: told to be off once, then forgotten."""
        taken_back = leases.off((orphans & heard.leased) - given.keys() - self._taken_back, fence)
        self._taken_back = set(taken_back)
        if written := {**given, **taken_back}:
            pipe.hset(keys.LEASES, mapping=written)
        if gone := heard.leased - written.keys():
            pipe.hdel(keys.LEASES, *gone)

    # What is remembered

    def _begin(self, heard: Heard, mono: float) -> None:
        if self.memory is not None and (heard.token == self.token or not heard.token):
            return  # Valkey may have lost it; we did not
        seen = heard.tickers.get(self.token) if heard.boot == self.boot else None
        if seen is not None and mono - seen <= GONE_S:
            memory, looks = house_told.remembered(live.client())
            self.memory, self.looks = Memory.of_json(memory), Looks.of_json(looks)
            return
        self.memory, self.looks, self.recorder, self._began = _kept(mono), Looks(), Recorder(), mono
        log.info("controllers begin: everything is off, and waits", ticker=self.token)

    def _save(self, memory: Memory, mono: float) -> None:
        """What lasts, for the next start of the site."""
        locked = {load: kept.locked for load, kept in memory.loads.items() if kept.locked}
        if mono - self._saved >= SAVE_S or locked != self._locked:
            models.Commander.objects.filter(pk=1).update(memory=json.loads(memory.restarted(mono).to_json()))
            transaction.on_commit(lambda: self._is_saved(mono, locked))

    def _is_saved(self, mono: float, locked: dict[int, str]) -> None:
        self._saved, self._locked = mono, locked

    def _troubles(self, outcome: Outcome, loads: dict[int, Load], seen: Snapshot) -> dict[str, notify.Trouble]:
        """What a person should know of: a lock or a pause while it lasts, everything else for a while after it was said."""
        lasting = {}
        for load in loads.values():
            device = seen.devices.get(load.id)
            for code in (outcome.memory.loads[load.id].locked, "paused" if device is not None and device.paused else ""):
                if code:
                    lasting[f"{load.name}:{code}"] = notify.Trouble(code, {"name": load.name, "rated_w": load.rated_w}, code != "paused")
        for alarm in outcome.alarms:
            name = loads[alarm.load].name if alarm.load in loads else ""
            trouble = notify.Trouble(alarm.code, {**recording.told(alarm.params), "name": name}, alarm.urgent)
            if alarm.code in LOCKS:
                lasting[f"{name}:{alarm.code}"] = trouble
            else:
                self._said[f"{name}:{alarm.code}"] = trouble, seen.mono
        self._said = {key: said for key, said in self._said.items() if seen.mono - said[1] < SAID_S}
        return {key: trouble for key, (trouble, _at) in self._said.items()} | lasting

    # Deciding

    def _decide(self, found: Known, told: Told, now: datetime, mono: float) -> Ran | None:
        with asked(), transaction.atomic():
            turn = leases.take_turn(now)
            if turn is None:
                return None
            if _people_spoke(found, told, now):
                found = known.known()
                transaction.on_commit(lambda: overrides.announce(""))
            active = (known.dry(found) if copied.settle(turn.machine, turn.copied) else found).active
            loads = {one.load.id: one.load for one in active}
            outputs = {one.load.id: (one.output, one.output_id) for one in active}
            seen = snapshot.of(self._sight(active, found, now), told, now.timestamp(), mono, self.looks)
            outcome = step.step(seen, tuple(loads.values()), self.memory or Memory.fresh(mono))
            self.recorder.record(seen, loads, outcome.decisions, outputs, told.held, now)
            today = self.recorder.today(seen)
            self._save(outcome.memory, mono)
            notify.saw(FAMILY, self._troubles(outcome, loads, seen), now)
            watching.look_at_outputs(told.held, now, mono)
        self.memory = outcome.memory
        self.recorder.committed(mono)
        written = leases.of(outcome.decisions, loads, {one.load.id: one.output for one in active}, turn.fence)
        return Ran(active, loads, seen, outcome, turn.fence, written, today)

    def _sight(self, active: tuple[Commanded, ...], found: Known, now: datetime) -> snapshot.Sight:
        row = house.current()
        return snapshot.Sight(
            place=snapshot.Place(row.zone, row.grid, row.fuse_a, row.own_peak_w, row.unread_battery),
            meters=found.meters,
            outputs={one.load.id: one.output for one in active},
            analog=dict(found.analog),
            overrides={one.load.id: one.override for one in active if one.override is not None},
            peak_w=lambda: self._peak.get(found.sources, now),
            base_wh=lambda start: past.import_wh(found.sources, start),
        )

    # Writing and telling

    def _write(self, ran: Ran, heard: Heard, mono: float) -> None:
        others = heard.tickers if heard.boot == self.boot else {}
        tickers = {token: seen for token, seen in others.items() if mono - seen <= GONE_S} | {self.token: mono}
        memory = self.memory or Memory.fresh(mono)
        with live.publisher().writing() as pipe:
            self._lease(ran.leases, heard, self._orphans(ran, heard), ran.fence, pipe)
            ticker: dict[Any, Any] = {"boot": self.boot, "token": self.token, "tickers": json.dumps(tickers)}
            pipe.hset(TICKING, mapping={**ticker, "memory": memory.to_json(), "looks": self.looks.to_json()})

    def _timed(self, ran: Ran, now: datetime) -> Ran:
        took = {"at": now.timestamp(), "took_s": round(ran.took_s, 4), "late_s": round(ran.late_s, 3), "loads": len(ran.loads)}
        with live.publisher().writing() as pipe:
            pipe.hset(TICKING, "tick", json.dumps(took))
        return ran

    def _orphans(self, ran: Ran, heard: Heard) -> set[str]:
        """After a start that is all but what a person switched (rule 8); otherwise what no controller commands any more."""
        commanded = [one for one in ran.active if not ran.loads[one.load.id].dry_run]
        if self._began == ran.snapshot.mono:
            commanded = [one for one in commanded if one.override is not None]
        return set(heard.leased) - {one.output for one in commanded}

    def _tell(self, ran: Ran, found: Known, told: Told, now: datetime) -> None:
        frames, states = [], {}
        with translation.override(house.current().language):
            for decision in ran.outcome.decisions:
                load, over = ran.loads[decision.load], ran.snapshot.overrides.get(decision.load)
                frames.append(telling.frame_of(load, decision, ran.snapshot, over, now))
                states[load.name] = telling.state_of(load, decision, ran.snapshot, over, ran.today.get(load.id, Day()), ran.late_s)
            states |= {name: telling.output_state(told.held[name]) for name in found.outputs if name in told.held}
        telling.tell(frames, states)


def _people_spoke(found: Known, told: Told, now: datetime) -> bool:
    """Overrides that ended by themselves, and buttons that were pressed: True where what is known of them has changed."""
    changed = False
    if any(one.override is not None and one.override.until <= now.timestamp() for one in found.controllers):
        changed = overrides.end_past(now) > 0
    for one in found.active:
        person = told.held.get(one.output, {}).get("person")
        if person and not one.load.dry_run and not _is_told(one, person):
            at = datetime.fromtimestamp(person["at"], UTC)
            changed |= overrides.pressed(one.load.id, one.output, float(person["level"]), at, now) is not None
    return changed


def _is_told(one: Commanded, person: dict[str, float]) -> bool:
    """The override that stands is of this press already."""
    return one.override is not None and one.override.button and one.began == person["at"]


def _kept(mono: float) -> Memory:
    """What the rules remembered before this site, or this process, was started."""
    stored = models.Commander.objects.filter(pk=1).values_list("memory", flat=True).first()
    if not stored:
        return Memory.fresh(mono)
    try:
        return Memory.of_json(json.dumps(stored)).restarted(mono)
    except ValueError as error:
        log.error("what the rules remembered cannot be used", error=str(error))
        return Memory.fresh(mono)


_ticker = Ticker()


def run(now: datetime, mono: float, *, at_once: bool = False) -> Ran | None:
    """By this process's own ticker."""
    return _ticker.run(now, mono, at_once=at_once)
