"""Every reading is judged before it is stored: what breaks a rule of `energysite.counters` lies aside until a person decides."""
