"""`manage.py hold_outputs`: the process. No Django, no database, and Valkey may come later."""

from __future__ import annotations

import logging
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

from control.holding import lines, watchdog
from control.holding.bus import ValkeyBus
from control.holding.calls import SYSTEM, Threads
from control.holding.holder import Holder
from control.holding.starts import Files
from control.outputs import Driver
from energysite import env, layout, locks, secret

log = logging.getLogger(__name__)

USAGE = """usage: manage.py hold_outputs [--demo]

Holds the outputs: switches what is leased, and makes everything else safe. `manage.py up` runs it; it needs neither the database nor the
web server. It ends with SIGTERM or Ctrl-C, after everything is off. DATA_DIR, REDIS_URL and LOG_LEVEL come from the environment.
"""
BASE_DIR = Path(__file__).resolve().parent.parent.parent
EVERY_S = 1.0
# What is away stays away: a stop waits no longer for it. Two calls of 5 s could be needed; systemd and `up` wait for 10.
STOP_S = 8.0
LOCK_S = 12.0  # the holder of a run that was killed has this long to end


class Waker:
    """Signals and ended calls end a wait at once."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.stop = False

    def wake(self) -> None:
        try:
            os.write(self._write, b".")
        except BlockingIOError:
            pass  # it is awake already

    def catch_signals(self) -> None:
        def asked(_number: int, _frame: Any) -> None:
            self.stop = True

        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, asked)

    def wait(self, seconds: float) -> None:
        if seconds > 0 and select.select([self._read], [], [], seconds)[0]:
            os.read(self._read, 4096)


def take_lock(folder: Path, waker: Waker) -> locks.Lock | None:
    """One process owns the outputs of a folder; None where another one does and does not end."""
    lock = locks.Lock(folder / "holding.lock")
    until = time.monotonic() + LOCK_S
    while True:
        try:
            lock.take()
            return lock
        except locks.Held as held:
            if time.monotonic() >= until or waker.stop:
                print(f"hold_outputs is already running: pid {held.holder['pid']}.", file=sys.stderr)
                return None
            waker.wait(0.2)


def open_driver(settings: dict[str, Any], key: str) -> Driver:
    from control.outputs import families  # late, as in rows.py

    return families.open_driver(settings, key)


def run(holder: Holder, waker: Waker, dog: watchdog.Watchdog) -> None:
    """Until a signal, and then until everything is off or 8 s have gone by."""
    until = float("inf")
    due = time.monotonic()
    while True:
        if waker.stop and not holder.stopping:
            holder.begin_stop()
            until = time.monotonic() + STOP_S
        holder.step()
        watched = dog.beat()
        waker.stop |= not watched
        now = time.monotonic()
        if holder.finished or now >= until:
            holder.step()
            return
        due = due + EVERY_S if due + EVERY_S > now else now + EVERY_S
        while (left_s := due - time.monotonic()) > 0 and not (waker.stop and not holder.stopping):
            waker.wait(left_s)
            if holder.calls_ended:
                holder.step()
                if holder.finished:
                    break


def main(argv: list[str]) -> int:
    """0 after a stop that was asked for, 1 when another holder has these outputs, 2 for a wrong word."""
    if argv:
        print(USAGE, end="")
        return 0 if argv[0] in ("-h", "--help") else 2
    data_dir = env.path("DATA_DIR", BASE_DIR / "var")
    mode = layout.mode(data_dir, external_database=bool(env.text("DATABASE_URL")))
    folder = layout.make_mode_dir(data_dir, mode)
    url = env.url("REDIS_URL", ("redis", "rediss", "unix")) or f"unix://{layout.run_dir(data_dir, mode)}/valkey.sock"
    lines.configure(env.choice("LOG_LEVEL", lines.LEVELS, "info"))
    waker = Waker()
    waker.catch_signals()
    lock = take_lock(folder, waker)
    if lock is None:
        return 1
    key = secret.key(folder / "secret.key")
    past = Files(folder)
    bus = ValkeyBus(url)
    holder = Holder(SYSTEM, bus, lambda settings: open_driver(settings, key), Threads(waker.wake), past)
    dog = watchdog.of_environment()
    run(holder, waker, dog)
    if not holder.finished:
        log.error("stopped before these were off: %s", ", ".join(holder.unsafe()))
    holder.close()
    bus.close()
    dog.close()
    past.finish(1.0)
    lock.release()
    return 0
