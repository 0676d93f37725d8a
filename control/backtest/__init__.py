"""Controllers over stored or imported history, in a closed loop with a plant."""
