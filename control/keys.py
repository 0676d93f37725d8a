"""Where commander and holder meet in Valkey. No Django here: hold_outputs reads it. Everything is JSON and may be lost.

OUTPUTS (string): {"generation", "zone", "meters": [names], "outputs": [{...settings, "sealed": encrypted password}]}: the holder keeps a
copy in DATA_DIR/<mode>/config/outputs.json and starts from it.
LEASES (hash, output name ->): {"fence", "seq", "level", "seconds", "blind", "person"}: no clock time. New is a higher (fence, seq).
`person` (may be absent): an override, which does not wait for the 60 s after a start of the holder.
FRESH (hash, meter name -> number): another number with each telegram that passed rule 2. STALE (hash, meter name -> code): why the last
ones did not; no field where they did.
HELD (hash, output name ->): what the holder tells of it once a second, and when it changes (`control.holding.rows`):

    at          epoch, when this was told
    level       commanded, or what a person made of it; read, power_w, energy_wh, timer_s: what the device said at `read_at` (epoch)
    reachable, error    error: null or a phrase {"text", "params"}
    class       A, B or C
    why         leased, or what keeps it off: start (nothing leased since), waiting (60 s after a start, or three starts in 10 minutes:
                lock_s), expired, stale, stopped, removed, locked; or, while a lease stands, what was faster than it: person, timer, restart
    locked      over_temperature, overpower or stuck: until Output.release grows; so long lasts `paused` (three disagreements) as well
    person      null or {"level", "at", "count"}: stands until a lease that knows of it comes; one `at` is one press
    since       epoch of the last switch; last: null or {"at", "level", "cause"}; cause: leased, person, timer, restart or what kept it off
    today, life switches; unsafe_s: for how long it should be off and nothing confirms it; wait_s: until it may start by itself
    fence, seq  of the lease answered last; lease_ms: from seeing it to having it read back
"""

from meters.freshness import FRESH, STALE

__all__ = ["FRESH", "FRESH_LEASE_S", "HELD", "LEASES", "LEASE_S", "OUTPUTS", "RENEW_S", "STALE"]

OUTPUTS = "control:outputs"
LEASES = "control:leases"
HELD = "control:held"

LEASE_S = 30.0
RENEW_S = 10.0
# A lease ends so long after the last fresh telegram, whatever it says.
FRESH_LEASE_S = 35.0
