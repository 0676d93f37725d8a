"""The page "/solar/": inverters, where the sun went, what was foretold of it, the weather and analog signals."""
