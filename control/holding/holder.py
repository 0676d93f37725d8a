"""The holder's core: polls, expires, makes safe, and tells. Clock, bus, drivers, calls and memory are passed in, so that a simulation
drives it: no thread, no socket, no sleep in here.

To drive it under a clock of your own (`tests/control/holding/simulated.py` has all four parts):

    holder = Holder(Clock(mono, wall), bus, open_driver, calls, past)     # everything it knows of is made safe first
    holder.step()                                                        # once a second, and whenever a call has ended

- `bus.exchange(rows)` writes HELD rows (None: the output is gone) and returns a Told, or None while Valkey is away; it never raises.
- `open_driver(settings)` returns a Driver; it is called within a call of the device.
- `calls.start(name, work)` begins work(deadline) and returns a Call; `done()` may become true at a later step.
- `past` holds what survives the process: see Past.

A killed holder is a new Holder with the same past; a stopped process is a `step` that does not come. `begin_stop()` is SIGTERM: go on
with `step` until `finished`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from typing import Any, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from control.holding.calls import Calls, Clock
from control.holding.hand import REMOVED, STOPPED, Ground, Hand
from control.holding.leases import Freshness, Leases
from control.holding.record import Record, of_json
from control.holding.rows import row
from control.holding.work import Work
from control.outputs import Driver

log = logging.getLogger(__name__)

GAP_S = 5.0  # rule 1: after standing still so long nothing that is found counts
START_WAIT_S = 60.0  # rule 8
# Of another device, when one of these changed: the old one is made safe first.
IDENTITY = ("family", "address", "channel", "pin", "active_high", "topic", "on_request", "off_request", "on_text", "off_text")
# What changes nothing in how the device is reached.
NEUTRAL = ("release", "max_w", "rated_switches", "enabled", "controller")


@dataclass(frozen=True, slots=True)
class Told:
    """What stands in Valkey: OUTPUTS as text, the hashes as they are."""

    outputs: bytes | None = None
    leases: Mapping[str, bytes] = field(default_factory=dict)
    fresh: Mapping[str, bytes] = field(default_factory=dict)


class Bus(Protocol):
    def exchange(self, rows: Mapping[str, dict[str, Any] | None]) -> Told | None: ...


class Past(Protocol):
    def settings(self) -> bytes | None: ...

    def keep_settings(self, text: bytes) -> None: ...

    def records(self) -> Mapping[str, Mapping[str, Any]]: ...

    def keep_records(self, records: Mapping[str, Mapping[str, Any]]) -> None: ...

    def started(self, clock: Clock) -> float:
        """Note this start; for how many seconds everything stays off because there were three in 10 minutes."""

    def copied(self) -> bool:
        """All this was written on another machine, which may hold the same devices."""

    def sign(self) -> None:
        """It is this machine's now."""


class Holder:
    def __init__(self, clock: Clock, bus: Bus, open_driver: Callable[[dict[str, Any]], Driver], calls: Calls, past: Past) -> None:
        self._clock, self._bus, self._open, self._calls, self._past = clock, bus, open_driver, calls, past
        now = clock.mono()
        self.hands: dict[str, Hand] = {}
        self._leaving: list[Hand] = []
        self._records = {name: of_json(given) for name, given in past.records().items()}
        self._leases, self._fresh = Leases(), Freshness()
        self._meters: list[str] = []
        self._zone: tzinfo = UTC
        self._text: bytes | None = None
        self._wait_until, self._locked_until = now + START_WAIT_S, now + past.started(clock)
        self._heard = float("-inf")
        self._gone: set[str] = set()
        self.stopping = False
        self._quiet = past.copied()
        if self._quiet:
            log.warning("these outputs are another machine's: none is commanded before a lease comes from here")
        self.reachable = False  # Valkey
        self._ground = self._stand()
        if (known := past.settings()) is not None:
            self._configure(known, keep=False)

    # Once a second

    def step(self) -> None:
        """One look at everything; nothing in it waits for a device."""
        self._ground = self._stand()
        now = self._ground.now
        for hand in (*self.hands.values(), *self._leaving):
            hand.collect(self._ground, lambda hand=hand: self._work(hand.settings))  # type: ignore[misc]
        told = self._exchange()
        # After a start, after standing still, or when Valkey was away: what is found may have been written any time since.
        trusted = now - self._heard <= GAP_S
        if told is not None:
            self._heard = now
            if told.outputs is not None and told.outputs != self._text and not self.stopping:
                self._configure(told.outputs, keep=True)
            for refused in self._leases.look(told.leases, now, trusted=trusted):
                log.warning("a lease is refused: %s", refused)
            self._fresh.look(told.fresh, now, trusted=trusted)
            self._settle()
        self._ground = self._stand()
        before = {hand.name for hand in self._leaving if not hand.tried}
        for hand in self.hands.values():
            if hand.name not in before:  # the device it was before is asked first: it may be the same pin
                hand.act(self._leases.kept(hand.name), self._ground)
        self._leave()
        self._remember()

    def _settle(self) -> None:
        """A copied installation's first lease: a person said that the devices are this machine's (rule 12)."""
        if not self._quiet or not any(self._leases.kept(name) for name in self.hands):
            return
        self._quiet = False
        self._past.sign()
        for hand in self.hands.values():
            hand.take_over(self._ground.now)

    def begin_stop(self) -> None:
        """Everything off, at once, and no lease counts any more."""
        self.stopping = True
        now = self._clock.mono()
        for hand in (*self.hands.values(), *self._leaving):
            hand.leave(STOPPED, now)

    @property
    def calls_ended(self) -> bool:
        """A step now would take what they brought."""
        return any(hand.ended for hand in (*self.hands.values(), *self._leaving))

    def unsafe(self) -> list[str]:
        """Outputs that a stop still has to wait for: not off yet, or away and perhaps on."""
        now = self._clock.mono()
        return sorted(hand.name for hand in (*self.hands.values(), *self._leaving) if not hand.gone(now))

    @property
    def finished(self) -> bool:
        return self.stopping and not self.unsafe()

    def close(self) -> None:
        for hand in (*self.hands.values(), *self._leaving):
            if not hand.busy:
                hand.work.close()

    def _stand(self) -> Ground:
        now, wall = self._clock.mono(), self._clock.wall()
        day = datetime.fromtimestamp(wall, self._zone).date().isoformat()
        return Ground(now, wall, day, self._fresh.since(self._meters), self._wait_until, self._locked_until)

    def _exchange(self) -> Told | None:
        ground = self._ground
        rows: dict[str, dict[str, Any] | None] = {hand.name: row(hand, ground) for hand in (*self._leaving, *self.hands.values())}
        rows |= {name: None for name in self._gone if name not in rows}
        told = self._bus.exchange(rows)
        if told is not None:
            self._gone.clear()
            for hand in self.hands.values():
                hand.told(ground.now)
        if (told is not None) != self.reachable:
            self.reachable = told is not None
            log.info("Valkey answers" if self.reachable else "Valkey is away: what is leased runs out, then everything is off")
        return told

    def _remember(self) -> None:
        dirty = [hand for hand in self.hands.values() if hand.dirty]
        if dirty:
            for hand in dirty:
                hand.dirty = False
            self._past.keep_records({name: record.to_json() for name, record in self._records.items()})

    # What there is to hold

    def _work(self, settings: Mapping[str, Any]) -> Work:
        given = dict(settings)
        return Work(given["name"], lambda: self._open(given), self._clock.mono)

    def _configure(self, text: bytes, *, keep: bool) -> None:
        """Take new settings; ones that cannot be read leave everything as it was."""
        self._text = text
        try:
            given = json.loads(text)
            outputs = {str(one["name"]): dict(one) for one in given["outputs"] if one.get("enabled", True)}
            self._meters = [str(name) for name in given["meters"]]
            self._zone = ZoneInfo(str(given.get("zone", "Europe/Brussels")))
        except (ValueError, LookupError, TypeError, AttributeError, ZoneInfoNotFoundError) as error:
            log.error("the settings of the outputs cannot be used: %r", error)
            return
        if keep:
            self._past.keep_settings(text)
        now = self._clock.mono()
        for name in [name for name in self.hands if name not in outputs or _other(self.hands[name].settings, outputs[name])]:
            hand = self.hands.pop(name)
            hand.leave(REMOVED, now)
            self._leaving.append(hand)
            self._leases.forget(name)
            self._records.pop(name, None)
            if name in outputs and _moved(hand.settings, outputs[name]):
                self._records[name] = self._moved(hand.record)
        for name, settings in outputs.items():
            hand_now = self.hands.get(name)
            if hand_now is None:
                record = self._records.setdefault(name, Record())
                self.hands[name] = Hand(settings, self._work(settings), self._calls, record, now, quiet=self._quiet)
                self.hands[name].renamed(settings)
                continue
            if _plain(hand_now.settings) != _plain(settings):
                hand_now.reopen(self._work(settings))
            hand_now.renamed(settings)
        log.info("outputs: %s", ", ".join(sorted(self.hands)) or "none")

    def _moved(self, record: Record) -> Record:
        """Of a device with a new address: the rest of its load and the wear of its relay go on, and it counts as switched off now."""
        kept = replace(record)
        wall = self._clock.wall()
        kept.switched(0.0, REMOVED, wall, datetime.fromtimestamp(wall, self._zone).date().isoformat())
        return kept

    def _leave(self) -> None:
        """Those that left are forgotten once they are off; one that we left on and that is away is tried for as long as we run."""
        for hand in list(self._leaving):
            if not hand.gone(self._ground.now):
                hand.act(None, self._ground)
                continue
            hand.work.close()
            self._leaving.remove(hand)
            if hand.name not in self.hands:
                self._gone.add(hand.name)


def _other(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return any(before.get(key) != after.get(key) for key in IDENTITY)


def _moved(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return all(before.get(key) == after.get(key) for key in IDENTITY if key != "address")


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key not in NEUTRAL}
