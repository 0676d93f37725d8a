"""Readings on their way into the tables: the accepted are stored, the others lie aside as suspects until a person decides.

`take` and `take_all` work in the caller's transaction; `store` has its own. A source is locked while its readings are judged,
so several processes may write the same source.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from django.db import transaction

from meters import storage
from meters.blocks.touch import reopen
from meters.counting import limits, memory
from meters.counting.bench import Bench
from meters.counting.plain import Row
from meters.kinds import KINDS

BATCH_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Taken:
    """Readings: `new` in the tables, `duplicates` known already (also as suspects), new `suspects`; `reopened` blocks."""

    new: int = 0
    duplicates: int = 0
    suspects: int = 0
    reopened: int = 0

    def __add__(self, other: "Taken") -> "Taken":
        return Taken(
            self.new + other.new,
            self.duplicates + other.duplicates,
            self.suspects + other.suspects,
            self.reopened + other.reopened,
        )


def take(kind: str, rows: Sequence[Row], now: datetime, *, durable: bool = False) -> Taken:
    """Judge and store rows of `KINDS[kind].columns`, of any sources, in any order. `now`: later than a day from it cannot be true.

    Not `durable`: the commit does not wait for the disk, the caller can give the rows again. Raises RuntimeError outside of a
    transaction, KeyError for a source that does not exist, django.db.Error.
    """
    return take_all({kind: rows}, now, durable=durable)


def take_all(rows: Mapping[str, Sequence[Row]], now: datetime, *, durable: bool = False) -> Taken:
    """The same for rows of several kinds at once; all their sources are locked together."""
    by_kind = {kind: _by_source(several) for kind, several in rows.items() if several}
    standings = memory.lock(by_kind, durable=durable)
    allowed = limits.of(standings)
    taken = Taken()
    for name, sources in by_kind.items():
        kind = KINDS[name]
        accepted: list[Row] = []
        benches = []
        for source_id, given in sources.items():
            bench = Bench(memory.recall(kind, source_id, standings[source_id]), allowed[source_id], now)
            bench.judge(given)
            accepted += bench.accepted
            benches.append(bench)
        new = storage.put(name, accepted)
        duplicates = sum(bench.duplicates for bench in benches) + len(accepted) - new
        suspects = sum(bench.held for bench in benches)
        reopened = sum(_finish(bench) for bench in benches)
        taken += Taken(new, duplicates, suspects, reopened)
    return taken


def _finish(bench: Bench) -> int:
    bench.close()
    return reopen(bench.memory.source_id, bench.spans()) if bench.late else 0


def store(kind: str, rows: Iterable[Row], now: datetime, *, durable: bool = False) -> Taken:
    """Any number of rows, 10,000 in a transaction. What was stored before an error stays."""
    taken, rest = Taken(), iter(rows)
    while batch := list(islice(rest, BATCH_ROWS)):
        with transaction.atomic():
            taken += take(kind, batch, now, durable=durable)
    return taken


def _by_source(rows: Iterable[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for row in rows:
        if row[0] in found:
            found[row[0]].append(row)
        else:
            found[row[0]] = [row]
    return found


def forget() -> None:
    """Drop what this process remembers; it is read again with the next batch."""
    memory.forget()
    limits.forget()
