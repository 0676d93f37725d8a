"""Faults on the real processes of a demo house: signals to its programs, hands on its meter and switches, and how soon each is off.

Real seconds: about one minute a fault. A clock that is set, and ten devices that hang, are for the simulated clock (`breaking`).
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

from energysite.demo.hands import tell
from tests.running_site import RunningSite
from tests.waiting import until

SAFE_S = 45.0
ON_S = 120.0
LOCK_S = 640.0
TICK_S = 10.0
# Controller and device of each class of rule 3.
LOADS = {"A": ("Car", "shelly2"), "B": ("Infrared heater", "relay"), "C": ("Circulation pump", "homewizard_socket")}
Row = Any
Say = Callable[[str], None]


class House:
    """A running demo house, one of its visitors, and its processes."""

    def __init__(self, folder: Path) -> None:
        self.site = RunningSite(folder, "--demo", DEMO_DAYS="1").ready()
        self.folder = folder / "demo"
        self._gone = "", 0
        self._jar = CookieJar()
        self._web = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self._jar))

    def hand(self, line: str) -> dict[str, Any]:
        told = tell(self.folder, line)
        if not told["ok"]:
            raise RuntimeError(told["error"])
        return told

    def on(self) -> dict[str, bool]:
        """By class."""
        switches = self.hand("show")["switches"]
        return {name: bool(switches[device]["on"]) for name, (_load, device) in LOADS.items()}

    def pid(self, name: str) -> int:
        return int(self.site.processes("demo")[name]["pid"])

    def want_on(self) -> None:
        """A visitor says so on the page; waits until all are."""
        for load, _device in LOADS.values():
            self._post(f"/control/loads/{urllib.parse.quote(load)}/override/", level="on", minutes="60")
        until(lambda: all(self.on().values()), ON_S, lambda: f"all on: {self.on()}\n{self.site.output[-1500:]}")

    def _post(self, path: str, **values: str) -> None:
        with self._web.open(f"{self.site.url}/control/", timeout=30) as page:
            page.read()
        token = next(cookie.value for cookie in self._jar if "csrf" in cookie.name) or ""
        body = urllib.parse.urlencode({"csrfmiddlewaretoken": token, **values}).encode()
        request = urllib.request.Request(self.site.url + path, body, {"Referer": f"{self.site.url}/control/"})
        with self._web.open(request, timeout=30) as answer:
            answer.read()

    def is_ready(self) -> bool:
        """Every switch is there and its page shows its controller."""
        try:
            with self._web.open(f"{self.site.url}/control/", timeout=30) as page:
                text = page.read().decode()
            return len(self.on()) == len(LOADS) and all(load in text for load, _device in LOADS.values())
        except (OSError, KeyError, urllib.error.URLError):
            return False

    # Faults: each is a context in which there is no ground for being on

    @contextmanager
    def _hands(self, line: str, back: str) -> Iterator[None]:
        self.hand(line)
        try:
            yield
        finally:
            self.hand(back)

    @contextmanager
    def _stopped(self, name: str) -> Iterator[None]:
        """With its children: those of PostgreSQL serve on without their parent."""
        pid = self.pid(name)
        pids = [pid, *_children(pid)]
        for one in pids:
            os.kill(one, signal.SIGSTOP)
        try:
            yield
        finally:
            for one in pids:
                try:
                    os.kill(one, signal.SIGCONT)
                except ProcessLookupError:
                    pass  # its heartbeat stood still: it was killed and started anew

    @contextmanager
    def _killed(self, name: str) -> Iterator[None]:
        os.kill(self.pid(name), signal.SIGKILL)
        yield

    @contextmanager
    def _killed_and_back(self, name: str) -> Iterator[None]:
        """The supervisor starts it anew; then there is ground again."""
        self._gone = name, self.pid(name)
        os.kill(self._gone[1], signal.SIGKILL)
        try:
            yield
        finally:
            self._gone = "", 0

    def _is_back(self) -> bool:
        name, before = self._gone
        row = self.site.processes("demo").get(name, {}) if name else {}
        return bool(row.get("pid")) and int(row["pid"]) != before

    def faults(self) -> dict[str, tuple[Callable[[], Any], str]]:
        """Name -> how it begins, and the classes that rule 3 promises something."""
        return {
            "real: meter unplugged": (lambda: self._hands("unplug meter", "plug meter"), "ABC"),
            "real: meter repeats": (lambda: self._hands("meter frozen", "meter well"), "ABC"),
            "real: worker stopped": (lambda: self._stopped("worker"), "ABC"),
            "real: read_meters stopped": (lambda: self._stopped("read_meters"), "ABC"),
            "real: hold_outputs killed": (lambda: self._killed("hold_outputs"), "ABC"),
            "real: hold_outputs stopped": (lambda: self._stopped("hold_outputs"), "ABC"),
            "real: database stopped": (lambda: self._stopped("database"), "ABC"),
            "real: Valkey stopped": (lambda: self._stopped("live values"), "ABC"),
            "real: worker killed": (lambda: self._killed_and_back("worker"), "ABC"),
            "real: database killed": (lambda: self._killed_and_back("database"), "ABC"),
            "real: Valkey killed": (lambda: self._killed_and_back("live values"), "ABC"),
            "real: device unreachable": (lambda: self._hands("unplug shelly2", "plug shelly2"), "A"),
        }

    def seconds_on(self, classes: str) -> dict[str, float]:
        """How long each stays on without ground from now, inf: longer than it is watched. What was killed and is back has decided anew
        within a tick."""
        began = time.monotonic()
        found: dict[str, float] = {}
        back: list[float] = []

        def all_off() -> bool:
            on = self.on()
            if not back and self._is_back():
                back.append(time.monotonic())
            for name in classes:
                if not on[name] or (back and time.monotonic() - back[0] >= TICK_S):
                    found.setdefault(name, round(time.monotonic() - began, 1))
            return len(found) == len(classes)

        try:
            until(all_off, SAFE_S + 15)
        except AssertionError:
            pass  # what stayed on is told by what is not found
        return {name: found.get(name, float("inf")) for name in classes}

    def kill_everything(self) -> dict[str, float]:
        """`up` with -9. The holder first: told by the kernel that its parent died, it would switch off itself."""
        holder = self.pid("hold_outputs")
        os.kill(holder, signal.SIGSTOP)
        self.site.process.kill()
        os.kill(holder, signal.SIGKILL)
        self.site.process.wait(20)
        return self.seconds_on("A")


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


def _next(waiting: deque[str], starts: deque[float]) -> str:
    """By turns; a third start of the holder in ten minutes would lock everything (rule 8), and waits."""
    locks = len(starts) == 2 and time.monotonic() - starts[0] < LOCK_S
    while locks and "hold_outputs" in waiting[0]:
        waiting.rotate(-1)
    fault = waiting[0]
    waiting.rotate(-1)
    if "hold_outputs" in fault:
        starts.append(time.monotonic())
    return fault


def run(number: int, say: Say, seed: int = 1) -> list[Row]:
    """(fault, number of the fault, class, "off", seconds, bound). The last one kills everything."""
    luck = random.Random(seed)
    folder = Path(tempfile.mkdtemp(prefix="energysite-real-"))
    folder.chmod(0o711)  # the database's account passes through
    rows: list[Row] = []
    house = House(folder)
    try:
        until(house.is_ready, 120, lambda: f"the switches are held: {house.site.output[-1500:]}")
        waiting = deque(house.faults())
        starts = deque([time.monotonic()], maxlen=2)
        for index in range(number):
            house.want_on()
            # Somewhere in the ten seconds of a lease.
            began = time.monotonic() + luck.uniform(0, 10)
            until(lambda began=began: time.monotonic() > began, 15)  # type: ignore[misc]
            fault = "real: everything killed" if index == number - 1 else _next(waiting, starts)
            if fault == "real: everything killed":
                found = house.kill_everything()
            else:
                begin, classes = house.faults()[fault]
                with begin():
                    found = house.seconds_on(classes)
            say(f"{fault}: {found}")
            rows += [[fault, index, name, "off", seconds, SAFE_S] for name, seconds in found.items()]
    finally:
        house.site.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return rows
