"""python -m meters.exchange.runner FOLDER MEMORY_BYTES ARGUMENTS...: one import, watched. Started by `meters.exchange.child`.

It holds the lock "one import at a time", bounds the memory of the import and its place in the queue for the processor, and
writes down how it ended, also when that was a kill. It ends, and the import with it, when the process that started it is gone: its
standard input is a pipe that nobody else holds; on its standard output it says when it holds the lock. No Django here: it is small.
"""

import os
import resource
import selectors
import signal
import sys
from pathlib import Path

from energysite import children
from energysite.locks import Held, Lock
from energysite.uploads import write_json

NICE = 10
STOP_STEPS = ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))
SAID_BYTES = 4000
BUSY = 3  # exit status
NO_MEMORY = ("MemoryError", "bad_alloc", "Memory allocation", "failed to map segment")  # in the last words of what lacked it
# Each thread of the number libraries would reserve its own stack and buffers, out of the same limit.
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def main(folder: Path, memory_bytes: int, arguments: list[str]) -> int:
    lock = Lock(folder.parent / "lock")
    try:
        lock.take(folder=folder.name)
    except Held:
        return BUSY
    os.write(sys.stdout.fileno(), b"r")
    os.close(sys.stdout.fileno())
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    stopped, wake = os.pipe()
    signal.signal(signal.SIGTERM, lambda *_arguments: os.write(wake, b"x"))
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        process = children.spawn([sys.executable, "manage.py", *arguments], env={**os.environ, **ONE_THREAD}, stdout=out, stderr=err)
    why = _wait(process.pid, stopped)
    if why:
        children.stop(process, STOP_STEPS)
    code = process.wait()
    said = (folder / "err").read_bytes()[-SAID_BYTES:].decode(errors="replace")
    ended = {"code": code, "why": why or _why(code, said), "said": said}
    write_json(folder / "ended.json", ended)
    lock.release()
    return 0


def _wait(pid: int, stopped: int) -> str:
    """Until the import has ended by itself (empty), was cancelled, or the site is gone."""
    watched = {os.pidfd_open(pid): "", stopped: "cancelled", sys.stdin.fileno(): "site"}
    with selectors.DefaultSelector() as selector:
        for descriptor in watched:
            selector.register(descriptor, selectors.EVENT_READ)
        found = [watched[key.fd] for key, _events in selector.select()]
    return "" if "" in found else found[0]


def _why(code: int, said: str) -> str:
    if code == 0:
        return "done"
    if any(sign in said for sign in NO_MEMORY):
        return "memory"
    return "killed" if code < 0 else "failed"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
