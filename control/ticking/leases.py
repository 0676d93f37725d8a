"""What the holder may switch on: leases, written after the tick's transaction committed (rule 1); and whose turn a tick is (rule 12)."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from control import keys
from control.rules.facts import Decision, Load

# The turn of one tick in the whole house, in PostgreSQL's space of advisory locks.
TURN = 0x636F6E74
TAKE = """
    INSERT INTO control_commander (id, fence, machine, copied, memory) VALUES (1, %(now_ms)s, '', false, '{}')
    ON CONFLICT (id) DO UPDATE SET fence = GREATEST(control_commander.fence + 1, EXCLUDED.fence) RETURNING fence, machine, copied"""

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Turn:
    """`fence`: no holder takes a lease of a lower one any more. `machine`: which commanded last, `copied`: and nobody said it moved."""

    fence: int
    machine: str
    copied: bool


def take_turn(now: datetime) -> Turn | None:
    """In the caller's transaction, which is the turn's; None while somebody else has it. Raises django.db.Error.

    A fence that a crash of the server forgets is made anew from the clock, so the commit does not wait for the disk.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s), set_config('synchronous_commit', 'off', true)", [TURN])
        if not cursor.fetchone()[0]:
            return None
        cursor.execute(TAKE, {"now_ms": int(now.timestamp() * 1000)})
        return Turn(*cursor.fetchone())


def of(decisions: Iterable[Decision], loads: Mapping[int, Load], outputs: Mapping[int, str], fence: int) -> dict[str, str]:
    """Output's name -> lease as text. None for a load in dry-run, or one whose snapshot failed rule 2: the lease it has runs out."""
    return {
        outputs[one.load]: _text(fence, one.level, blind=one.blind, person=one.rule == "override")
        for one in decisions
        if one.may_lease and not loads[one.load].dry_run
    }


def off(outputs: Iterable[str], fence: int) -> dict[str, str]:
    """For those that nobody commands any more: they need not wait for the end of what was leased. Off needs no telegram."""
    return {name: _text(fence, 0.0, blind=True, person=False) for name in outputs}


def _text(fence: int, level: float, *, blind: bool, person: bool) -> str:
    lease = {"fence": fence, "seq": next(_numbers), "level": level, "seconds": keys.LEASE_S, "blind": blind, "person": person}
    return json.dumps(lease, separators=(",", ":"))
