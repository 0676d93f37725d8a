"""Random faults, and how soon what was on is safe: 1,000 under a simulated clock; with --real so many on a running demo house as well."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.benchmarks.figures import Figure, figure
from tests.faults import real as real_faults

FAULTS, QUICK = 1000, 120
SAFE_S = 45.0
ROOT = Path(__file__).resolve().parents[2]
Say = Callable[[str], None]
# fault, seed, class, what is wanted, seconds, bound
Row = Any


def measure(quick: bool, say: Say, real: int = 0) -> list[Figure]:
    """Share safe in time, of all and by class; the longest by fault is said."""
    number = QUICK if quick else FAULTS
    parts = os.cpu_count() or 1
    share = -(-number // parts)
    with ThreadPoolExecutor(parts) as pool:
        answers = list(pool.map(lambda first: _child(first, min(share, number - first)), range(0, number, share)))
    rows = [row for answer in answers for row in answer["found"]]
    happened = real_faults.run(real, say) if real else []
    for line in _table([*rows, *happened]):
        say(line)
    off = [row for row in rows if row[3] == "off"]
    figures = [
        _safe(f"{number} faults: safe within {SAFE_S:g} s, class {name}", [row for row in off if row[2] == name and row[5] == SAFE_S])
        for name in sorted({row[2] for row in off})
    ]
    longest = max(row[4] for row in off if row[5] == SAFE_S)
    return [
        *figures,
        _safe("counters that disagree (165 s), frozen without a clock (345 s)", [row for row in off if row[5] != SAFE_S]),
        _safe("class C or a contact that does not open: somebody is told in time", [row for row in rows if row[3] == "told"]),
        figure("faults: longest until safe (bound 45 s)", longest, "s", "<= 45", "evcc: never; openWB: 60 s"),
        *([_safe("faults on real processes: safe in time", happened)] if happened else []),
        figure("faults taken for a person's press", sum(answer["presses"] for answer in answers), "presses", "<= 0"),
    ]


def _safe(name: str, rows: list[Row]) -> Figure:
    safe = sum(row[4] <= row[5] for row in rows)
    return figure(name, 100 * safe / len(rows), "%", ">= 100", f"{safe} of {len(rows)}")


def _child(first: int, number: int) -> dict[str, Any]:
    """Raises subprocess.CalledProcessError."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.simulated", str(first), str(number)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])


def _table(rows: Iterable[Row]) -> list[str]:
    """By fault and class: how many, how many in time, the longest, the bound."""
    groups: dict[Row, list[Row]] = {}
    for row in rows:
        groups.setdefault((row[0], row[2], row[3], row[5]), []).append(row)
    lines = [f"{'fault':<30} class  wants  number  in time  longest  bound"]
    for (fault, output, wants, within_s), found in groups.items():
        safe, longest = sum(row[4] <= row[5] for row in found), max(row[4] for row in found)
        lines.append(f"{fault:<30} {output:<6} {wants:<6} {len(found):>6}  {safe:>7}  {longest:>5} s  {within_s:>3} s")
    return lines
