"""What is told of an output (HELD)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from control.holding.hand import Ground, Hand


def row(hand: Hand, ground: Ground) -> dict[str, Any]:
    """The keys are those of control.keys.HELD. `at`: epoch, when this was told."""
    from control.outputs import families  # 12 MB of drivers that a house without outputs does not pay for

    record, reading = hand.record, hand.reading
    return {
        "at": round(ground.wall, 3),
        "level": hand.expected.level,
        "read": None if reading is None else reading.level,
        "power_w": None if reading is None else reading.power_w,
        "energy_wh": None if reading is None else reading.energy_wh,
        "timer_s": None if reading is None else reading.timer_s,
        "read_at": round(hand.read_wall, 3),
        "reachable": not hand.expected.gap,
        "error": None if hand.error is None else hand.error.to_json(),
        "class": families.safety_class(hand.settings, hand.work.driver),
        "why": hand.deaf if hand.deaf and hand.why == "leased" else hand.why,
        "locked": record.locked,
        "paused": record.paused,
        "person": hand.person,
        "since": round(record.at, 3),
        "last": {"at": round(record.at, 3), "level": record.level, "cause": record.cause} if record.cause else None,
        "today": record.today_on(ground.day),
        "life": record.life,
        "unsafe_s": round(ground.now - hand.unsafe_since) if hand.safe_cause else 0,
        "wait_s": max(0, round((ground.locked_until if ground.now < ground.locked_until else ground.wait_until) - ground.now)),
        "lock_s": max(0, round(ground.locked_until - ground.now)),
        "fence": hand.answered[0],
        "seq": hand.answered[1],
        "lease_ms": hand.lease_ms,
    }
