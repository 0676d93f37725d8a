"""`manage.py up`: starts the servers and the site's processes, watches them, and stops them in order. No Django here.

One thread and one loop: a signal, the end of a child or a word on the control socket wakes it. Children die with this process,
however it ends (see children.spawn), and what a killed run left behind is recognised and replaced at the next start.
"""

import errno
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

from energysite import addresses, env, layout, locks
from energysite.children import StartError
from energysite.control_socket import ControlSocket, ask
from energysite.house_run import HouseRun

__all__ = ["ask", "main"]

BASE_DIR = Path(__file__).resolve().parent.parent
SCARCE_BYTES = 100_000_000
# The answer to the request that asked for the switch leaves before the web process is stopped.
SWITCH_AFTER_S = 1.0


def say(line: str) -> None:
    print(line, flush=True)


class Supervisor:
    def __init__(self, data_dir: Path, bind: str, port: int) -> None:
        self.data_dir, self.bind, self.port = data_dir, bind, port
        self.external = {name: bool(os.environ.get(name)) for name in ("DATABASE_URL", "REDIS_URL")}
        self.mode = layout.mode(data_dir, external_database=self.external["DATABASE_URL"])
        self.stopping = False
        self.switch_at: float | None = None
        self.run: HouseRun | None = None
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    # Signals and the control socket

    def _catch_signals(self) -> None:
        def stop(number: int, _frame: Any) -> None:
            if self.stopping and self.run is not None:
                self.run.hurry()  # asked twice: no more patience
            self.stopping = True

        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, stop)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)  # only to wake the loop

    def answer(self, line: str) -> dict[str, Any]:
        """One line of the control socket."""
        words = line.split()
        if words == ["status"]:
            return {"ok": True, "pid": os.getpid(), "mode": self.mode, "processes": self.run.report() if self.run else []}
        if len(words) == 2 and words[0] == "switch" and words[1] in layout.MODES:
            return self._switch(words[1])
        return {"ok": False, "error": "Ask `status`, `switch house` or `switch demo`."}

    def _switch(self, mode: str) -> dict[str, Any]:
        if os.environ.get("MODE"):
            return {
                "ok": False,
                "error": f"This site was started as {self.mode} and stays so. Stop it and start `manage.py up` without --demo or MODE.",
            }
        if self.external["DATABASE_URL"]:
            return {"ok": False, "error": "With DATABASE_URL there is one house: its own database. Nothing to switch."}
        fresh = self.data_dir / "mode.new"
        fresh.write_text(f"{mode}\n")
        fresh.replace(self.data_dir / "mode")
        if mode != self.mode and self.switch_at is None:
            self.switch_at = time.monotonic() + SWITCH_AFTER_S
        return {"ok": True, "mode": mode}

    # The loop

    def serve(self) -> int:
        """Until a signal: 0, or 1 when a house cannot be started."""
        self._catch_signals()
        listening = addresses.listen(self.bind, self.port)
        control = ControlSocket(self.data_dir, self.answer)
        poll = select.poll()
        poll.register(control.fileno(), select.POLLIN)
        poll.register(self._wake_read, select.POLLIN)
        try:
            while not self.stopping:
                self.switch_at = None
                self.run = HouseRun(
                    self.data_dir,
                    self.mode,
                    self.bind,
                    self.port,
                    listening,
                    external=self.external,
                    say=say,
                    stopping=lambda: self.stopping,
                )
                try:
                    self.run.begin()
                    self._watch(self.run, poll, control)
                finally:
                    self.run.stop()
                self.mode = layout.mode(self.data_dir, external_database=self.external["DATABASE_URL"])
            return 0
        finally:
            control.close()
            listening.close()

    def _watch(self, run: HouseRun, poll: select.poll, control: ControlSocket) -> None:
        while not self.stopping:
            if self.switch_at is not None and time.monotonic() >= self.switch_at:
                say("switching to the other house: everything is stopped and started again")
                return
            pause = 0.2 if self.switch_at is not None else run.tick()
            for descriptor, _ in poll.poll(pause * 1000):
                if descriptor == self._wake_read:
                    os.read(self._wake_read, 4096)
                else:
                    control.serve()


def _disk_sentence(error: OSError, data_dir: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk that holds {data_dir} is full. Make room and start again; nothing was lost."
    if isinstance(error, PermissionError):
        return (
            f"{error.filename or data_dir} belongs to another account, so it cannot be used. "
            "Start as that account, or choose another folder: DATA_DIR=... make run"
        )
    if error.errno == errno.EROFS:
        return f"{data_dir} can only be read. Choose another folder: DATA_DIR=... make run"
    return f"{error.strerror}: {error.filename or data_dir}"


def main(argv: list[str]) -> int:
    """`manage.py up`. 0 after a stop that was asked for, 1 with a sentence when it cannot start, 2 for a wrong setting."""
    if argv:
        say("usage: manage.py up [--demo]     PORT, BIND and DATA_DIR come from the environment")
        return 0 if argv[0] in ("-h", "--help") else 2
    if not (BASE_DIR / "staticfiles" / "staticfiles.json").exists():
        say("The pages' scripts and styles have not been built. Run `make setup` first, or start with `make run`.")
        return 1
    data_dir = env.path("DATA_DIR", BASE_DIR / "var")
    bind, port = addresses.bind_address(), env.integer("PORT", 8000, low=1, high=65535)
    lock = locks.Lock(data_dir / "up.lock")
    try:
        layout.make_folder(data_dir)
        lock.take(url=addresses.local_url(bind, port))
        free = os.statvfs(data_dir)
        if free.f_bavail * free.f_frsize < SCARCE_BYTES:
            say(f"warning: less than {SCARCE_BYTES // 1_000_000} MB is free in {data_dir}; when the disk is full, readings are refused")
        return Supervisor(data_dir, bind, port).serve()
    except locks.Held as held:
        print(f"already running: pid {held.holder['pid']}, {held.holder.get('url', '')}", file=sys.stderr)
    except StartError as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(_disk_sentence(error, data_dir), file=sys.stderr)
    return 1
