"""CSV import through the command: rows a second, all told, and the memory that it takes."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmarks.figures import Figure, figure
from tests.benchmarks.house import ROOT, House

BEGIN = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp())
HEADER = (
    "time,import_t1_wh,import_t2_wh,export_t1_wh,export_t2_wh,tariff,import_w,export_w,"
    "l1_w,l1_v,l1_a,l2_w,l2_v,l2_a,l3_w,l3_v,l3_a,quarter_w\n"
)


def measure(quick: bool, say: Callable[[str], None]) -> Iterator[Figure]:
    number = 100_000 if quick else 1_000_000
    with House() as house:
        one, many = house.folder / "one.csv", house.folder / "many.csv"
        _write(one, 1)
        _write(many, number)
        say(f"{number:,} rows of 18 columns, {many.stat().st_size / 1e6:.0f} MB")
        _answer, start_s, _memory = _command(house, "import_readings", str(one), "--source", "Start", "--create", "electricity", "--json")
        words = ("import_readings", str(many), "--source", "Bench", "--create", "electricity", "--json", "--no-wait")
        answer, seconds, memory = _command(house, *words)
        if answer["new"] != number or answer["suspects"]:
            raise RuntimeError(f"{answer['new']} of {number} rows went in: {answer}")
        # The command's own start weighs as much as a hundred thousand rows: a quick look leaves it out, the real figure does not.
        spent = seconds - start_s if quick else seconds
        yield figure("CSV import: rows a second, stored and judged", number / spent, "1/s", ">= 50000")
        yield figure("CSV import: start of the command", start_s, "s")
        yield figure("CSV import: most memory of the command", memory / 1e6, "MB", "<= 300")
        again, seconds, _memory = _command(house, *words)
        if again["new"]:
            raise RuntimeError(f"the same file again stored {again['new']} rows")
        yield figure("CSV import: the same file again, rows a second", number / seconds, "1/s")
        say("export")
        out = house.folder / "out.csv"
        summary, seconds, _memory = _command(house, "export_readings", "--source", "Bench", "-o", str(out), "--json")
        yield figure("CSV export: rows a second", summary["rows"] / seconds, "1/s")


def _write(path: Path, number: int) -> None:
    with path.open("w") as file:
        file.write(HEADER)
        for i in range(number):
            at = datetime.fromtimestamp(BEGIN + i, UTC)
            w = 500 + i % 700
            phase, amps = w // 3, w / 690
            file.write(
                f"{at:%Y-%m-%dT%H:%M:%SZ},{1_000_000 + i // 6},2000000,500000,300000,1,{w},0,{phase},230.1,{amps:.2f},"
                f"{phase},231.1,{amps:.2f},{phase},229.2,{amps:.2f},{w // 2}\n"
            )


def _command(house: House, *words: str) -> tuple[dict[str, Any], float, int]:
    """(its JSON, seconds, bytes of memory at most)."""
    began = time.monotonic()
    with (house.folder / "said").open("w+") as said:
        process = subprocess.Popen(
            [sys.executable, "manage.py", *words], cwd=ROOT, env=house.environment, stdout=said, stderr=subprocess.DEVNULL
        )
        _pid, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read()
    if process.returncode:
        raise RuntimeError(f"{words[0]} failed with {process.returncode}: {text[-2000:]}")
    return json.loads(text.splitlines()[-1]), time.monotonic() - began, used.ru_maxrss * 1024
