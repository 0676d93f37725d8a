"""`python -m tests.benchmarks [NAME ...] [--quick]`: a table, and var/bench.json (DATA_DIR/bench.json).

--quick takes fewer and shorter samples and writes no file: good for a look, not for a promise.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from tests.benchmarks import blocks, control, exchange, faults, figures, forecast, lively, pages, polls, stored, ticks, totals

SUITES: dict[str, Callable[..., Iterable[figures.Figure]]] = {
    "stored": stored.measure,
    "live": lively.measure,
    "pages": pages.measure,
    "blocks": blocks.measure,
    "exchange": exchange.measure,
    "totals": totals.measure,
    "polls": polls.measure,
    "ticks": ticks.measure,
    "forecast": forecast.measure,
    "control": control.measure,
    "faults": faults.measure,
}
ROOT = Path(__file__).resolve().parents[2]


def _say(suite: str, line: str) -> None:
    print(f"[{suite}] {line}", file=sys.stderr, flush=True)


def main() -> int:
    """0 when every target is met, 1 when one is not or could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", choices=[*SUITES, []], help=f"which: {', '.join(SUITES)}; all of them when none is named"
    )
    parser.add_argument("--quick", action="store_true", help="fewer and shorter samples, nothing is written")
    parser.add_argument("--real", type=int, default=0, metavar="N", help="N faults more on a running demo house, a minute each")
    options = parser.parse_args()
    found: list[figures.Figure] = []
    try:
        for name in options.names or SUITES:
            measure = SUITES[name] if name != "faults" else partial(faults.measure, real=options.real)
            found += measure(options.quick, partial(_say, name))
    finally:  # what was measured is told, whatever ends it
        print(figures.table(found))
    if not options.quick:
        path = Path(os.environ.get("DATA_DIR") or ROOT / "var") / "bench.json"
        figures.save(found, path)
        print(f"\nwritten to {path}")
    return 0 if all(one.meets is not False for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
