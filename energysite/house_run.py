"""One house running: what holds the outputs, the servers, `prepare`, then web, worker, readers; each watched and started again. No Django
here.
"""

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from energysite import addresses, children, embedded, env, locks, setup_token
from energysite.children import Child, StartError

BASE_DIR = Path(__file__).resolve().parent.parent
# Seconds before a child that ended is started again; back at the first one after it ran for a minute.
DELAYS_S = (0.0, 0.3, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
STEADY_S = 60.0
TRY_LATER = 75  # exit status of `prepare`: the database is away, everything else is fine
SETTLED_S = 1.5  # what fails at its start has failed by then
LOOK_S = 0.1
STILL_S = 10.0  # a holder that says nothing for so long is killed
FIRST_BEAT_S = 30.0  # an old card reads Python's files that slowly while everything starts
HOLDER_LOOK_S = 2.0
SLOW_PAGE_S = 30.0


class Program(Child):
    """A process of ours: manage.py with a command, or a module of Python."""

    delays_s: tuple[float, ...] = DELAYS_S
    look_s = STEADY_S
    death_signal = signal.SIGKILL

    def __init__(self, name: str, arguments: Sequence[str], environment: Mapping[str, str], *, descriptors: Sequence[int] = ()) -> None:
        self.name, self.environment, self.descriptors = name, environment, descriptors
        self.arguments = [sys.executable, *arguments]
        self._settled = 0.0

    def start(self) -> None:
        self.process = children.spawn(
            self.arguments, env=self.environment, cwd=BASE_DIR, pass_fds=self.descriptors, death_signal=self.death_signal
        )
        self._settled = time.monotonic() + SETTLED_S

    def ready(self) -> bool:
        return self.running() and time.monotonic() >= self._settled

    def trouble(self) -> str:
        return "Its messages are above."


class DemoHouse(Program):
    """A house does not end with its site: it goes on until the plugs that the site had switched on have switched themselves off."""

    death_signal = signal.SIGTERM


class HoldOutputs(Program):
    """Owns the outputs: always back within 3 s, told to end before anything it needs does, and killed when it stands still.

    It writes a byte a second into a pipe. What it holds is made safe by SIGTERM, which it gets as well when this process dies.
    """

    delays_s = (0.0, 0.3, 1.0, 1.5)
    look_s, still_s = HOLDER_LOOK_S, STILL_S
    stop_steps = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0))

    def __init__(self, environment: Mapping[str, str], say: Callable[[str], None] = lambda _line: None) -> None:
        super().__init__("hold_outputs", ["manage.py", "hold_outputs"], environment)
        self._say = say
        self._pipe: int | None = None
        self._heard = 0.0

    def start(self) -> None:
        self._close()
        self._pipe, theirs = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            environment = {**self.environment, "HEARTBEAT_FD": str(theirs)}
            self.process = children.spawn(self.arguments, env=environment, cwd=BASE_DIR, pass_fds=[theirs], death_signal=signal.SIGTERM)
        finally:
            os.close(theirs)
        self._settled = time.monotonic() + SETTLED_S
        self._heard = time.monotonic() + FIRST_BEAT_S - self.still_s

    def _close(self) -> None:
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None

    def running(self) -> bool:
        """A stopped or hanging one is ended here; the next look starts another."""
        if not super().running():
            return False
        assert self._pipe is not None and self.process is not None
        try:
            while os.read(self._pipe, 4096):
                self._heard = time.monotonic()
        except BlockingIOError:
            pass
        if time.monotonic() - self._heard >= self.still_s:
            self._say(f"hold_outputs: it stood still for {self.still_s:.0f} s and is killed; what it held is switched off next")
            self.process.kill()
            self.process.wait(5)
        return super().running()


class Watched:
    """A child with its history: state is starting, running, waiting (to be started again) or stopped."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.state, self.since = "stopped", time.time()
        self.restarts, self.last_exit = 0, ""
        self.failed_to_start = False  # it ended before it was ready: its own log tells why
        self._failures, self._began, self._next = 0, 0.0, 0.0

    def set(self, state: str) -> None:
        self.state, self.since = state, time.time()

    def begin(self) -> None:
        self._began = time.monotonic()
        self.set("starting")
        try:
            self.child.start()
        except (StartError, OSError) as error:
            self._failed(str(error))

    def _failed(self, why: str) -> None:
        self.last_exit = why
        self.failed_to_start = self.state == "starting"
        if time.monotonic() - self._began > STEADY_S:
            self._failures = 0
        delays_s = getattr(self.child, "delays_s", DELAYS_S)
        self._next = time.monotonic() + delays_s[min(self._failures, len(delays_s) - 1)]
        self._failures += 1
        self.set("waiting")

    def look(self) -> bool:
        """One look; True when the state changed."""
        before = self.state
        if self.state in ("starting", "running") and not self.child.running():
            code = self.child.process.returncode if self.child.process else None
            self.child.process = None
            self._failed(_ended(code))
        elif self.state == "waiting" and time.monotonic() >= self._next:
            self.restarts += 1
            self.begin()
        elif self.state == "starting" and self.child.ready():
            self.set("running")
        return self.state != before

    def pause_s(self) -> float:
        """How long nothing can be expected of it."""
        if self.state == "waiting":
            return max(0.0, self._next - time.monotonic())
        return LOOK_S if self.state == "starting" else getattr(self.child, "look_s", STEADY_S)

    def row(self) -> dict[str, Any]:
        pid = self.child.process.pid if self.child.process else None
        return {
            "name": self.child.name,
            "pid": pid,
            "state": self.state,
            "since": self.since,
            "restarts": self.restarts,
            "last_exit": self.last_exit,
        }


def _ended(code: int | None) -> str:
    if code is None:
        return "not started"
    if code < 0:
        return f"ended by {signal.Signals(-code).name}"
    return f"ended with status {code}"


class HouseRun:
    def __init__(
        self,
        data_dir: Path,
        mode: str,
        bind: str,
        port: int,
        listening: socket.socket,
        *,
        external: Mapping[str, bool],
        say: Callable[[str], None],
        stopping: Callable[[], bool],
    ) -> None:
        self.data_dir, self.mode, self.bind, self.port, self.say, self.stopping = data_dir, mode, bind, port, say, stopping
        self.servers = embedded.Servers(data_dir, mode, postgres=not external["DATABASE_URL"], valkey=not external["REDIS_URL"], say=say)
        self.environment = {
            **os.environ,
            "MODE": mode,
            "DATA_DIR": str(data_dir),
            "UNDER_SUPERVISOR": str(os.getpid()),
            "PYTHONUNBUFFERED": "1",
            "MALLOC_ARENA_MAX": "2",  # or glibc keeps an arena a thread: 16 threads in the worker
        }
        self.holder = Watched(HoldOutputs(self.environment, say))
        self.watched = [Watched(server) for server in self.servers]
        self.programs = [Watched(program) for program in self._programs(listening.fileno())]
        self.prepare = Program("prepare", ["manage.py", "prepare"], self.environment)
        self.prepared = self.announced = False
        self._prepare_at = self._started = time.monotonic()
        self._look_at_page = 0.0

    def _programs(self, descriptor: int) -> list[Program]:
        limits = ["--websocket-max-message-size", "8192", "--websocket-max-frame-size", "8192"]
        web = ["-m", "energysite.web", "-v", "0", "--no-server-name", *limits]
        found = [
            Program("web", [*web, "--fd", str(descriptor), "energysite.asgi:application"], self.environment, descriptors=[descriptor]),
            Program("worker", ["-m", "energysite.worker"], self.environment),
            Program("read_meters", ["manage.py", "read_meters"], self.environment),
        ]
        if self.mode == "demo":
            past = str(env.integer("DEMO_DAYS", 400, low=1, high=4000))
            demo = ["manage.py", "demo_house", "--pty", "meter", "--devices", "--register", "--history", past]
            found.append(DemoHouse("demo_house", demo, self.environment))
        return found

    def begin(self) -> None:
        """What a run that was killed left on is switched off before anything else: that needs no server."""
        self.holder.begin()
        self._take_servers()
        if self.stopping():
            return
        self.say(f"house: {self.mode}, data in {self.data_dir / self.mode}")
        self.servers.create()
        for watched in self.watched:
            watched.begin()
            if watched.state == "waiting":
                raise StartError(watched.last_exit)
        self._write()

    def _take_servers(self) -> None:
        """A command may be using the database for its own duration; wait for its end."""
        said = False
        while not self.stopping():
            try:
                self.servers.take("up")
                break
            except locks.Held as held:
                if not said:
                    self.say(f"waiting until `{held.holder.get('who')}` (pid {held.holder['pid']}) has ended")
                said = True
                time.sleep(0.2)

    # Called by the loop

    def tick(self) -> float:
        """Look at everything once; seconds until the next look is due (the end of a child wakes the loop before)."""
        active = (self.holder, *self.watched, *self._active())
        changed = [watched for watched in active if watched.look()]
        for watched in changed:
            self._tell(watched)
        if not self.prepared:
            self._look_at_prepare()
        elif not self.announced:
            self._look_for_page()
        if changed:
            self._write()
        busy = not self.prepared or not self.announced
        return min([LOOK_S if busy else STEADY_S, *(watched.pause_s() for watched in active)])

    def _active(self) -> list[Watched]:
        return self.programs if self.prepared else []

    def _tell(self, watched: Watched) -> None:
        name = watched.child.name
        if watched.state == "waiting":
            why = watched.last_exit
            if watched in self.watched and watched.failed_to_start:
                why = f"{why}. {watched.child.trouble()}"
            pause = watched.pause_s()
            self.say(f"{name}: {why}; started again {f'in {pause:.1f} s' if pause else 'now'}")
        elif watched.state == "running" and (watched.restarts or watched in self.watched):
            self.say(f"{name}: ready" if not watched.restarts else f"{name}: running again")

    def _look_at_prepare(self) -> None:
        if any(watched.state != "running" for watched in self.watched):
            if not self.prepare.running():
                self._fail_early()
            return
        if self.prepare.process is None:
            if time.monotonic() >= self._prepare_at:
                self.prepare.start()
            return
        code = self.prepare.process.poll()
        if code is None:
            return
        self.prepare.process = None
        if code == TRY_LATER:
            self._prepare_at = time.monotonic() + 3
        elif code:
            raise StartError("The database could not be prepared (see above), so nothing was started.")
        else:
            self._start_programs()

    def _fail_early(self) -> None:
        """A server that cannot start the first time is a matter for a person, not for patience."""
        for watched in self.watched:
            if watched.state == "waiting" and watched.restarts >= 3:
                raise StartError(watched.child.trouble())

    def _start_programs(self) -> None:
        self.prepared = True
        self.say("site: starting")
        for watched in self.programs:
            watched.begin()
        self._write()

    def _look_for_page(self) -> None:
        now = time.monotonic()
        if now < self._look_at_page:
            return
        self._look_at_page = now + 0.3
        health = addresses.answers(self.bind, self.port, "/healthz")
        page = addresses.answers(self.bind, self.port, "/") if health == 200 else 0
        if health == 200 and 200 <= page < 400:
            self.announced = True
            self._announce()
        elif now - self._started > SLOW_PAGE_S:
            self._started = now
            self.say(f"site: no page yet (health {health or 'silent'}, page {page or 'not asked'}); still trying, its messages are above")

    def _announce(self) -> None:
        url = addresses.local_url(self.bind, self.port)
        self.say(f"ready: {url}")
        network = addresses.network_urls(self.bind, self.port)
        if network:
            self.say(f"on your network: {' or '.join(network)}")
        else:
            self.say(f"only this machine can open it; for your network: BIND=0.0.0.0 PORT={self.port} make run")
        token = setup_token.read(self.data_dir)
        if token is not None and token.user is None:
            self.say(f"set up your house: {(network or [url])[0]}/setup/?token={token.value}")

    # The end

    def hurry(self) -> None:
        for child in (self.holder.child, *self._users()):
            child.stop_steps = ((signal.SIGKILL, 5.0),)
            if child.process is not None:
                child.process.kill()

    def _users(self) -> list[Child]:
        return [self.prepare, *(watched.child for watched in self.programs)]

    def stop(self) -> None:
        """The holder of the outputs ends first, while what it speaks to is there. Web, worker, readers, demo are told in this order; when
        all have ended Valkey ends, then PostgreSQL."""
        users = self._users()
        if any(child.running() for child in (self.holder.child, *users)):
            self.say("stopping")
        self.holder.child.ask_to_stop()
        self.holder.child.stop()
        for child in users:
            child.ask_to_stop()
        for child in users:
            child.stop()
        self.servers.stop()
        for watched in (self.holder, *self.watched, *self.programs):
            watched.set("stopped")
        self._write()

    def report(self) -> list[dict[str, Any]]:
        rows = [watched.row() for watched in (*self.watched, self.holder, *self.programs)]
        url = addresses.local_url(self.bind, self.port)
        return [{**row, "url": url} if row["name"] == "web" else row for row in rows]

    def _write(self) -> None:
        """DATA_DIR/<mode>/processes.json, whole or not at all."""
        path = self.data_dir / self.mode / "processes.json"
        fresh = path.with_name("processes.json.new")
        try:
            fresh.write_text(json.dumps(self.report()))
            fresh.replace(path)
        except OSError as error:
            self.say(f"processes.json cannot be written: {error.strerror}")  # a full disk must not end the site
