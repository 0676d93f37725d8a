"""Where commander and holder meet in Valkey. No Django here: hold_outputs reads it. Everything is JSON and may be lost.

OUTPUTS (string): {"generation", "meters": [names], "outputs": [{...settings, "sealed": encrypted password}]}: the holder keeps a copy in
DATA_DIR/<mode>/config/outputs.json and starts from it.
LEASES (hash, output name ->): {"fence", "seq", "level", "seconds", "blind"}: no clock time. New is a higher (fence, seq).
FRESH (hash, meter name -> number): grows with each telegram that passed rule 2. STALE (hash, meter name -> code): why the last one did not.
HELD (hash, output name ->): what the holder tells of it once a second, or when it changes.
"""

OUTPUTS = "control:outputs"
LEASES = "control:leases"
FRESH = "control:fresh"
STALE = "control:stale"
HELD = "control:held"

LEASE_S = 30.0
RENEW_S = 10.0
# A lease ends so long after the last fresh telegram, whatever it says.
FRESH_LEASE_S = 35.0
