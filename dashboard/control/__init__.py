"""The page "/control/": what switches, why, what comes next, and what a person says instead."""
