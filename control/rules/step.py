"""One step of all controllers: what each wants, what the guard allows, and why. Pure: the same live, in dry-run and in a back-test.

Order of rules (rule 4): (1) fuse, over-temperature, load rating; (2) freshness; (3) a person's override; (4) minimum off, then minimum
on; (5) month peak; (6) strategy. Nothing breaks a compressor's minimum off; its minimum on ends early for 1 and 2 alone (and at the
device itself, where a person's button is never fought). The month peak breaks a minimum on of electric cars and resistive loads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from control.rules import base_load, proof, thinking
from control.rules.facts import Alarm, Decision, Load, Rejected, Said, Snapshot
from control.rules.guard import device, fresh, fuse, override, peak, times
from control.rules.guard.peak import Quarter
from control.rules.memory import LoadMemory, Memory, Wish
from control.rules.sharing import Share
from control.rules.sight import Sight, see

# After a longer pause nobody knows what was between.
LONGEST_STEP_S = 120.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """`decisions` in order of priority, one for each load."""

    decisions: tuple[Decision, ...]
    memory: Memory
    alarms: tuple[Alarm, ...] = ()


@dataclass(slots=True)
class Verdict:
    """What is decided for one load."""

    level: float
    rule: str
    said: Said
    next_at: float | None = None


def step(snapshot: Snapshot, loads: Sequence[Load], memory: Memory) -> Outcome:
    """Decide for every load. `memory` is left as it was; the outcome's is for the next step. Raises KeyError for an unknown kind."""
    memory = memory.copy()
    dt_s = 0.0 if memory.mono is None else snapshot.mono - memory.mono
    if not 0 <= dt_s <= LONGEST_STEP_S:
        dt_s = 0.0
    memory.mono = snapshot.mono
    begun_s = snapshot.mono - memory.started_mono
    known = memory.loads
    memory.loads = {load.id: known.get(load.id) or LoadMemory() for load in loads}
    ordered = loads if len(loads) < 2 else sorted(loads, key=lambda load: (load.priority, load.id))
    sights = [see(load, memory.loads[load.id], snapshot, dt_s, begun_s) for load in ordered]
    now = peak.quarter(snapshot, memory, dt_s)
    if not sights:
        return Outcome((), memory)
    alarms = [alarm for sight in sights for alarm in proof.watch(sight)]
    base_load.learn(memory, snapshot, sights, dt_s)
    fuse.look(sights, memory)
    if now is not None:
        alarms += peak.look(now, sights, memory)
    share = Share(sights)
    to_come_w = sum(sight.to_come_w for sight in sights)
    decisions = []
    for sight in sights:
        share.give(sight)
        decision = _decide(sight, thinking.wish(sight, memory), now, to_come_w - sight.to_come_w)
        share.keep(sight, decision.level)
        if decision.level > 0 and not sight.running and not sight.load.dry_run:
            to_come_w += sight.load.load_w
        _remember(sight, decision.level)
        decisions.append(decision)
    return Outcome(tuple(decisions), memory, tuple(alarms))


def _decide(sight: Sight, wish: Wish, now: Quarter | None, to_come_w: int) -> Decision:
    """The first rule that has a word decides; what the others wanted is kept beside it."""
    by_mode = sight.load.mode != "auto"
    wanted = Verdict(wish.level, "mode" if by_mode else "strategy", wish.said, wish.next_at)
    person = override.asked(sight)
    verdict = _first_word(sight, wanted, person, now, to_come_w)
    rejected: list[Rejected] = []
    if person is not None and verdict.rule != "override":
        rejected.append(Rejected("override", person[0], person[1]))
    if verdict.said is not wanted.said:
        rejected.append(Rejected(wanted.rule, wanted.level, wanted.said))
    return Decision(
        sight.load.id,
        verdict.level,
        verdict.rule,
        verdict.said,
        wish.level,
        tuple(rejected),
        verdict.next_at,
        verdict.level > 0 and fresh.blind(sight),
        sight.surplus_w,
        sight.reserved_w,
        fresh.stop(sight) is None,
    )


def _first_word(sight: Sight, wanted: Verdict, person: tuple[float, Said] | None, now: Quarter | None, to_come_w: int) -> Verdict:
    """Rules 1 to 6 in their order."""
    said = device.stop(sight)
    if said is not None:
        return Verdict(0.0, "device", said)
    said = fuse.stop(sight, to_come_w)
    if said is not None and (sight.running or wanted.level > 0 or (person is not None and person[0] > 0)):
        return Verdict(0.0, "fuse", said)
    said = fresh.stop(sight)
    if said is not None:
        return Verdict(0.0, "fresh", said)
    if person is not None:
        return _by_person(sight, *person)
    if sight.running:
        return _while_on(sight, wanted, now)
    return _while_off(sight, wanted, now, to_come_w)


def _by_person(sight: Sight, level: float, said: Said) -> Verdict:
    """Rule 3, which stops only before a compressor."""
    at, until = sight.snapshot.at, None if sight.override is None else sight.override.until
    if sight.kind.compressor and sight.override is not None and not sight.override.button:
        rest_s = times.rest_s(sight)
        if level > 0 and not sight.running and rest_s > 0:
            return Verdict(0.0, "times", Said("min_off", {"wait_s": round(rest_s), "min_s": sight.load.min_off_s}), at + rest_s)
        held = times.hold_on(sight) if level <= 0 and sight.running else None
        if held is not None:
            return Verdict(sight.level, "times", held[0], at + held[1])
    return Verdict(level, "override", said, until)


def _while_on(sight: Sight, wanted: Verdict, now: Quarter | None) -> Verdict:
    """Rules 4 to 6 of a load that runs."""
    at = sight.snapshot.at
    held = times.hold_on(sight)
    shed = peak.stop(now, sight, 0)
    if shed is not None and (held is None or sight.kind.resistive):
        return Verdict(0.0, "peak", shed[0], shed[1])
    if wanted.level > 0 or held is None:
        return wanted
    return Verdict(sight.level, "times", held[0], at + held[1])


def _while_off(sight: Sight, wanted: Verdict, now: Quarter | None, to_come_w: int) -> Verdict:
    """Rules 4 to 6 of a load that is off."""
    if wanted.level <= 0:
        return wanted
    held = times.hold_off(sight)
    if held is not None:
        return Verdict(0.0, "times", held[0], sight.snapshot.at + held[1])
    shed = peak.stop(now, sight, to_come_w)
    if shed is not None:
        return Verdict(0.0, "peak", shed[0], shed[1])
    return wanted


def _remember(sight: Sight, level: float) -> None:
    memory = sight.memory
    if level != memory.level:
        memory.changed_mono = sight.snapshot.mono
        if (level > 0) != (memory.level > 0):
            memory.day_switches += 1
        memory.level = level
