"""How a load is wished on or off; one file a strategy, `blueprint.py` is where the next one begins. Pure."""
