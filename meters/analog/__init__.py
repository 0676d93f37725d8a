"""Signals on the analog inputs of an MCP3008: `chip` reads it, `source` is what its values are kept as, `reading` is one run of the
agent, `check` the same for Test and doctor."""
