"""One file for each weather service; `services.py` lists them, `asking.py` runs them on their period."""
