"""A year at 1 Hz into quarter and day blocks, beside the bare statements that read the same rows; what blocks weigh."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from energysite import embedded, layout
from tests.benchmarks.figures import Figure, figure

ROOT = Path(__file__).resolve().parents[2]
YEAR_ROWS, QUICK_ROWS = 31_500_000, 1_000_000
MIB = 1 << 20
QUARTERS_A_YEAR, MINUTES_A_YEAR, DAYS_A_YEAR = 35_064, 525_960, 365.25
RAW_DAYS, MINUTE_YEARS = 30, 2
LOOSE = 1.2  # a fifth of a table may be dead rows before the server clears them up


def measure(quick: bool, say: Callable[[str], None]) -> Iterator[Figure]:
    rows = QUICK_ROWS if quick else YEAR_ROWS
    folder = Path(tempfile.mkdtemp(prefix="energysite-bench-"))
    folder.chmod(0o711)  # the database's account passes through
    try:
        with embedded.Servers(folder / "data", "house") as servers:
            found = _inside(servers, folder, rows, say)
    finally:
        shutil.rmtree(layout.service_dir(folder / "data", "house"), ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
    yield from _figures(found)


def _inside(servers: embedded.Servers, folder: Path, rows: int, say: Callable[[str], None]) -> dict[str, Any]:
    """`tests.benchmarks.blocks_inside` with Django on these servers; its lines but the last are said."""
    assert servers.postgres is not None
    assert servers.valkey is not None
    environment = {
        **os.environ,
        "DATABASE_URL": servers.postgres.url,
        "REDIS_URL": servers.valkey.url,
        "DATA_DIR": str(folder / "data"),
        "DJANGO_SETTINGS_MODULE": "energysite.settings",
        "LOG_LEVEL": "warning",
    }
    words = [sys.executable, "-m", "tests.benchmarks.blocks_inside", str(rows)]
    last = ""
    with subprocess.Popen(words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if last:
                say(last)
            last = line.rstrip()
    if process.returncode:
        raise RuntimeError("the figures of blocks could not be measured")
    return dict(json.loads(last))


def _figures(found: dict[str, Any]) -> Iterator[Figure]:
    rows = f"{found['rows'] / 1e6:.1f} million readings"
    bare = f"bare scan: min, max, avg of power by date_bin, {found['scan_s']:.1f} s"
    yield figure(f"{rows} -> quarters and days", found["drain_s"], "s")
    yield figure(f"{rows} -> quarters and days, times the bare scan", found["drain_s"] / found["scan_s"], "x", "<= 2", bare)
    yield figure(
        f"{rows}: energy alone, times bare boundary SQL",
        found["energy_s"] / found["boundaries_s"],
        "x",
        "<= 3",
        f"one look-up of the key a quarter, {found['boundaries_s']:.2f} s",
    )
    yield figure(f"{rows} -> DONE", found["rows"] / found["drain_s"], "readings/s", ">= 100000", "dsmr-reader 250-270 readings/s")
    yield figure("a new day at 1 Hz -> minutes, quarters, day DONE", found["day_rows"] / found["day_s"], "readings/s", ">= 100000")
    yield figure("bytes per block, its indexes with it", found["block_bytes"], "B")
    yield figure("bytes per block just after a year was imported", found["loose_bytes"], "B", compared_to="the next blocks use the room")
    yield figure("bytes per reading, its key with it", found["row_bytes"], "B", "<= 130", "dsmr-reader 257")
    for years in (1, 2, 5):
        minutes = min(years, MINUTE_YEARS) * MINUTES_A_YEAR
        blocks = years * (QUARTERS_A_YEAR + DAYS_A_YEAR) + minutes
        size = blocks * found["block_bytes"] * LOOSE + RAW_DAYS * 86_400 * found["row_bytes"]
        name = f"database after {years} year{'s' * (years > 1)}, a meter at 1 Hz"
        yield figure(name, size / MIB, "MiB", compared_to=f"raw {RAW_DAYS} days, minutes {MINUTE_YEARS} years, quarters and days for ever")
