"""hold_outputs: the only process that owns outputs. It keeps what is leased, and makes safe what is not. No Django here."""
