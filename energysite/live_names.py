"""Names in Valkey that processes without Django use too."""

# Hashes: process name -> its own state (JSON, with `at`), and when it last beat (epoch).
PROCESSES = "live:processes"
HEARTBEATS = "live:heartbeats"
