"""Computed values into their blocks: one conditional UPDATE, whoever else is at work.

A block is stored only while it still has the claim that it was computed under. Reopening takes the claim away, so a result that
does not know of a late reading is never stored.
"""

from meters.blocks.columns import energies, listed, powers, values
from meters.kinds import Kind

CLAIMED = """claimed AS MATERIALIZED (SELECT * FROM meters_block WHERE id = ANY(%(ids)s) AND busy_until = %(claim)s)"""

# How many were stored (DONE) and closed; the starts of those whose value is another one now.
FOUND = "done, closed, changed"


def store(kind: Kind, *, kept: bool = False) -> str:
    """What follows `claimed` and `computed`, to the end of the statement.

    As `energysite.blocks.merged`: nothing known is replaced by nothing. `kept`: a block that was covered better when it was stored,
    or that shows a gap now, has lost its readings since, and keeps the power that was measured.
    """
    lost = "(b.covered_s > 0 AND (b.covered_s > f.covered_s OR f.recovered))" if kept else "false"
    fresh = ["f.id"]
    fresh += [f"coalesce(f.{name}, b.{name}) AS {name}" for name in energies(kind)]
    fresh += [f"CASE WHEN {lost} THEN b.{name} ELSE f.{name} END AS {name}" for name in (*powers(kind), "covered_s", "recovered")]
    fresh += [f"CASE WHEN {lost} THEN coalesce(f.meter_w, b.meter_w) ELSE f.meter_w END AS meter_w"]
    fresh += [f"CASE WHEN {lost} THEN coalesce(b.proof, f.proof) ELSE f.proof END AS proof"]
    names = values(kind)
    new = listed(f"{name} = n.{name}" for name in (*names, "proof"))
    stored, given = (listed(f"{side}.{name}" for name in names) for side in ("b", "n"))
    # The order of all who lock several blocks. `locked` reads `computed`, so nothing is locked before all is computed.
    return f"""
        fresh AS MATERIALIZED (SELECT {listed(fresh)} FROM computed AS f JOIN claimed AS b ON b.id = f.id),
        locked AS MATERIALIZED (
            SELECT id FROM meters_block WHERE id = ANY(%(ids)s) AND id IN (SELECT id FROM fresh)
            AND busy_until = %(claim)s AND state <> 'closed' ORDER BY length_s, start FOR UPDATE
        ),
        stored AS (
            UPDATE meters_block AS b SET {new}, attempts = 0, reason = NULL, retry_after = NULL, busy_until = NULL,
                state = CASE WHEN b.state = 'done' AND n.same THEN 'closed' ELSE 'done' END,
                done_at = CASE WHEN b.state = 'done' AND n.same THEN b.done_at ELSE %(now)s END
            FROM (SELECT n.*, ({stored}) IS NOT DISTINCT FROM ({given}) AS same FROM fresh AS n JOIN claimed AS b ON b.id = n.id) AS n
            WHERE b.id = ANY(%(ids)s) AND b.id = n.id AND b.id IN (SELECT id FROM locked) RETURNING b.start, b.state, n.same
        )
        SELECT count(*) FILTER (WHERE state = 'done'), count(*) FILTER (WHERE state = 'closed'), array_agg(start) FILTER (WHERE NOT same)
        FROM stored"""  # noqa: S608
