"""python -m solar.forecast.child: one job as JSON on standard input, its answer on standard output (see `solar.forecast.engine`).

A process of its own, started by `solar.forecast.runner`, since pandas, scipy and pvlib take more memory than the rest of the site;
it ends when it is done. It bounds itself, in memory and in time, so that nothing outlives whoever started it.
"""

import json
import os
import resource
import signal
import sys

NICE = 10
# Of addresses, not of memory in use: the number libraries reserve more than they touch.
MEMORY_BYTES = 1 << 30
LONGEST_S = 120  # of the clock


def main() -> int:
    os.nice(NICE)
    signal.alarm(LONGEST_S)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (LONGEST_S, LONGEST_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    job = json.load(sys.stdin)
    from solar.forecast import engine  # late: what it imports is held to the limits above

    with engine.np.errstate(all="ignore"):  # what cannot be computed is not a number, and is told as unknown
        answer = engine.run(job)
    json.dump(answer, sys.stdout, separators=(",", ":"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
