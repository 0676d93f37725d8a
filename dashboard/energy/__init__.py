"""The page "/energy/": what was counted in a day, week, month or year."""
