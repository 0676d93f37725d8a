"""Totals of a day, a month, a year and ten years on ten years of blocks of four sources, computed and kept."""

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
YEARS = 10
# What a page of this may take in all.
PAGE_MS = {"day": 50, "month": 50, "month by days": 50, "year": 50, "year by months": 50, "ten years": 200}
OTHERS = {"year": "dsmr-reader's page 25 ms; Home Assistant 42 s cold", "day": "dsmr-reader's page 16 ms median"}


def measure(quick: bool, say: Callable[[str], None]) -> Iterator[Figure]:
    folder = Path(tempfile.mkdtemp(prefix="energysite-bench-"))
    folder.chmod(0o711)  # the database's account passes through
    try:
        with embedded.Servers(folder / "data", "house") as servers:
            found = _inside(servers, folder, 5 if quick else 40, say)
    finally:
        shutil.rmtree(layout.service_dir(folder / "data", "house"), ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
    for name, target in PAGE_MS.items():
        one = found[name]
        yield figure(f"totals of {name}, 4 sources: computed, p95", one["computed_ms"], "ms", f"<= {target}", OTHERS.get(name, ""))
        yield figure(f"totals of {name}, 4 sources: kept, p95", one["kept_ms"], "ms", f"<= {target}")
        yield figure(f"totals of {name}: rows of blocks read", one["blocks"], "rows", "", f"of {found['blocks']:,} blocks, no reading")
        yield figure(f"totals of {name}, kept: SQL statements", one["kept_statements"], "", "<= 0")


def _inside(servers: embedded.Servers, folder: Path, times: int, say: Callable[[str], None]) -> dict[str, Any]:
    """`tests.benchmarks.totals_inside` with Django on these servers; its lines but the last are said."""
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
    words = [sys.executable, "-m", "tests.benchmarks.totals_inside", str(YEARS), str(times)]
    last = ""
    with subprocess.Popen(words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if last:
                say(last)
            last = line.rstrip()
    if process.returncode:
        raise RuntimeError("the figures of totals could not be measured")
    return dict(json.loads(last))
