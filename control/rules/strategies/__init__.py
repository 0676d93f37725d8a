"""One file for each way to decide; `blueprint.py` is where the next one begins. Pure.

A strategy is a pair: `sense` counts every step, `think` is asked once a period; between, its last wish stands.
"""
