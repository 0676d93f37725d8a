"""Blocks of up to a quarter from readings, in one statement: computed, compared, stored, freed.

`energysite.blocks.condense` and `merged` say what comes out; `tests/meters/blocks` compares the two.
"""

from functools import cache

from meters.blocks import power
from meters.blocks.columns import listed, places
from meters.blocks.edges import near
from meters.blocks.store import CLAIMED, store
from meters.kinds import ELECTRICITY, KINDS, Kind

# The meter's own demand at the end of a quarter: it begins anew at the full quarter, so strictly inside.
METER_ROWS = 20


@cache
def statement(name: str, *, cycles: bool, kept: bool, set_cadence: bool, quarter: bool) -> str:
    """Of a kind of source. Parameters: ids, claim, now, source, retired, cadence, every_second, length, step, horizon.

    Returns one row: `store.FOUND`.
    """
    kind = KINDS[name]
    return f"""WITH {CLAIMED}, {near(kind, cycles=cycles, kept=kept)},
        computed AS MATERIALIZED ({_computed(kind, set_cadence, quarter)}), {store(kind, kept=kept)}"""


def energies(name: str) -> str:
    """Energies and end counters alone, of the claimed blocks: what the figures compare to a bare look-up of each edge."""
    kind = KINDS[name]
    return f"""WITH {CLAIMED}, {near(kind, cycles=False, kept=False)}
        SELECT c.id, {listed(_energies(kind))} FROM claimed AS c JOIN near AS s ON s.at = c.start JOIN near AS e ON e.at = c."end" """  # noqa: S608


def _energies(kind: Kind) -> list[str]:
    return [f"e.r{i} - s.r{i} AS energy{i}, e.r{i} AS end{i}" for i, _register in places(kind.registers)]


def _computed(kind: Kind, set_cadence: bool, quarter: bool) -> str:
    columns = ["c.id", *_energies(kind), *power.columns(kind), f"{_meter_w(kind, quarter)} AS meter_w", "e.proof"]
    return f"""
        SELECT {listed(columns)} FROM claimed AS c JOIN near AS s ON s.at = c.start JOIN near AS e ON e.at = c."end"
        {power.joins(kind, set_cadence=set_cadence)} WHERE e.proof >= c."end" OR (%(retired)s AND e.proof IS NOT NULL)"""  # noqa: S608


def _meter_w(kind: Kind, quarter: bool) -> str:
    if not quarter or kind is not ELECTRICITY:
        return "NULL::int"
    return f"""(SELECT quarter_w FROM (
            SELECT time, quarter_w FROM {kind.table} WHERE source_id = %(source)s AND time > c.start AND time < c."end"
            ORDER BY time DESC LIMIT {METER_ROWS}
        ) AS latest WHERE quarter_w IS NOT NULL ORDER BY time DESC LIMIT 1)"""  # noqa: S608
