"""Did it switch? (rule 10): the plug's power, or the meter, tells. Pure.

Off and drawing for a minute is a contact that may be stuck: nobody cycles it any more until a person releases it. On and drawing nothing
is no fault: full, warm or unplugged; the surplus goes to the next one.
"""

from __future__ import annotations

from control.rules import loads
from control.rules.facts import Alarm, Param
from control.rules.sight import Sight

STUCK_W, STUCK_S = 50, 60.0
# Within so many seconds the power has to move by this share of the load.
PROOF_S, PROOF_SHARE = 20.0, 0.40
# More than its output is made for, so long: no start current lasts that long.
OVER_SHARE, OVER_S = 1.10, 10.0
DAY_S = 86_400


def watch(sight: Sight) -> list[Alarm]:
    """Take this step's power into what is known of the load; what a person should know."""
    if sight.load.dry_run:
        return []
    memory = sight.memory
    if memory.locked and sight.load.release > memory.locked_release:
        memory.locked, memory.stuck_mono, memory.over_mono = "", None, None
    _reach(sight)
    _stuck(sight)
    _overload(sight)
    _switched(sight)
    _idle(sight)
    return [*_locked(sight), *_cold(sight)]


def _reach(sight: Sight) -> None:
    memory = sight.memory
    if sight.device.reachable:
        memory.lost_mono = None
    elif memory.lost_mono is None:
        memory.lost_mono = sight.snapshot.mono


def _lock(sight: Sight, code: str) -> None:
    memory = sight.memory
    if not memory.locked:
        memory.locked, memory.locked_release = code, sight.load.release


def _locked(sight: Sight) -> list[Alarm]:
    """For as long as it lasts: who tells people of it sees by that when it is over."""
    if not sight.memory.locked:
        return []
    told: dict[str, Param] = {"name": sight.load.name, "power_w": sight.measured_w or 0, "rated_w": sight.load.rated_w}
    return [Alarm(sight.load.id, sight.memory.locked, told, urgent=True)]


def _stuck(sight: Sight) -> None:
    memory, power_w, device = sight.memory, sight.measured_w, sight.device
    # Where the device itself says that it is on, a person switched it.
    by_person = bool(device.read) or device.paused
    if sight.running or by_person or power_w is None or power_w <= STUCK_W:
        memory.stuck_mono = None
        return
    if memory.stuck_mono is None:
        memory.stuck_mono = sight.snapshot.mono
    if sight.snapshot.mono - memory.stuck_mono >= STUCK_S:
        _lock(sight, "stuck")


def _overload(sight: Sight) -> None:
    memory, power_w = sight.memory, sight.measured_w
    if power_w is None or power_w <= sight.load.rated_w * OVER_SHARE:
        memory.over_mono = None
        return
    if memory.over_mono is None:
        memory.over_mono = sight.snapshot.mono
    if sight.snapshot.mono - memory.over_mono >= OVER_S:
        _lock(sight, "overload")


def _switched(sight: Sight) -> None:
    """Where only the meter can prove it: its power before the switch, and within 20 s after it."""
    memory, grid, mono = sight.memory, sight.snapshot.grid, sight.snapshot.mono
    level = sight.device.level
    if level != memory.seen_level:
        memory.seen_level, memory.seen_mono, memory.proven = level, mono - min(sight.changed_s, PROOF_S), False
        if level == 0:
            memory.idle_at = memory.low_mono = None
    if memory.proven or memory.seen_mono is None:
        memory.before_w = grid.net_w if grid.fresh else None
        return
    if sight.measured_w is not None or sight.kind.contact or memory.before_w is None or not grid.fresh or grid.net_w is None:
        memory.proven = True
        return
    way = 1 if level > 0 else -1
    if way * (grid.net_w - memory.before_w) >= PROOF_SHARE * sight.load.load_w:
        memory.proven, memory.drew = True, True
    elif mono - memory.seen_mono >= PROOF_S:
        memory.proven = True
        if level > 0:
            _found_idle(sight)


def _idle(sight: Sight) -> None:
    """On and drawing next to nothing for a while."""
    memory, mono, power_w = sight.memory, sight.snapshot.mono, sight.measured_w
    if memory.retry_mono is not None and mono >= memory.retry_mono:
        memory.retry_mono = None
    if power_w is None:
        return
    below_w = sight.kind.idle_below_w(sight.load.load_w)
    if power_w >= below_w:
        if sight.running:
            memory.drew = True
        memory.idle_at = memory.low_mono = memory.retry_mono = None
        return
    if not sight.running or below_w <= 0:
        memory.low_mono = None
        return
    if memory.low_mono is None:
        memory.low_mono = mono
    if memory.idle_at is None and mono - memory.low_mono >= sight.kind.idle_s:
        _found_idle(sight)


def _found_idle(sight: Sight) -> None:
    memory, at = sight.memory, sight.snapshot.at
    memory.idle_at = at
    memory.retry_mono = sight.snapshot.mono + loads.RETRY_S
    if memory.drew:
        memory.full_at = at
    memory.drew = False


def _cold(sight: Sight) -> list[Alarm]:
    """A boiler that was not heated to its end for a week (legionella)."""
    memory, at, days = sight.memory, sight.snapshot.at, sight.kind.full_days
    if not days:
        return []
    if not memory.full_at:
        memory.full_at = at
    late_s = at - memory.full_at
    if late_s < days * DAY_S:
        return []
    return [Alarm(sight.load.id, "not_heated", {"name": sight.load.name, "days": int(late_s // DAY_S)})]
