"""A running house at 1 Hz with one open page: delay to the page, memory, CPU, disk; then the delay at 20 Hz."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.benchmarks import processes
from tests.benchmarks.figures import Figure, figure, percentile
from tests.benchmarks.house import House
from tests.benchmarks.wire import Port, belgian
from tests.waiting import until

DAY_S = 86_400
MIB = 1 << 20
DELAY = "dsmr-reader 0.5-0.6 s + 0-5 s poll; Home Assistant up to 80 min; evcc 10-30 s"


@dataclass(frozen=True, slots=True)
class Plan:
    settle_s: int
    telegrams: int  # measured, at each rate
    memory_at_s: int  # after the first telegram


# Two minutes to settle: the database looks once at all its new tables, which no later day does again.
FULL, QUICK = Plan(120, 300, 120), Plan(5, 30, 20)


class Page:
    """What a browser hears: (time of the frame, monotonic receipt, bytes) for each frame of one source."""

    def __init__(self, house: House, source: str) -> None:
        self.heard: dict[int, float] = {}
        self.sizes: list[int] = []
        self.full_size = 0
        self._source = source
        self._socket = connect(
            house.url.replace("http", "ws") + "/ws/live/",
            origin=Origin(house.url),
            additional_headers={"Cookie": f"sessionid={house.session}"},
            proxy=None,
        )
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        try:
            for text in self._socket:
                received = time.monotonic()
                message = json.loads(text)
                if message["type"] != "frame" or message["source"] != self._source:
                    continue
                self.heard.setdefault(message["time"], received)
                if message.get("full"):
                    self.full_size = max(self.full_size, len(text.encode() if isinstance(text, str) else text))
                else:
                    self.sizes.append(len(text.encode() if isinstance(text, str) else text))
        except ConnectionClosed:
            return  # the missing frames are noticed

    def close(self) -> None:
        self._socket.close()
        self._thread.join(5)


class SpoolWatch:
    """Bytes appended to the segments: each file's largest size, looked at twice a second."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._sizes, self._stop = folder, dict[str, int](), threading.Event()
        self._look()
        self._before = sum(self._sizes.values())
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        for path in self._folder.glob("*.seg"):
            try:
                self._sizes[path.name] = max(self._sizes.get(path.name, 0), path.stat().st_size)
            except FileNotFoundError:
                continue  # stored and released

    def _run(self) -> None:
        while not self._stop.wait(0.5):
            self._look()

    def end(self) -> int:
        self._stop.set()
        self._thread.join()
        self._look()
        return sum(self._sizes.values()) - self._before


def measure(quick: bool, say: Callable[[str], None]) -> Iterator[Figure]:
    plan = QUICK if quick else FULL
    with House() as house, Port() as port:
        house.inside("meter", "House", port.address)
        until(port.connected.is_set, 60, "the reader connects")
        yield from _one_hertz(house, port, plan, say)
        yield from _twenty_hertz(house, plan, say)


def _paced(port: Port, telegrams: Iterator[bytes], first_time: int, number: int, hertz: float) -> dict[int, float]:
    """Telegram's own time -> monotonic time of its last byte at the port."""
    sent: dict[int, float] = {}
    began = time.monotonic()
    for i, telegram in enumerate(islice(telegrams, number)):
        time.sleep(max(0.0, began + i / hertz - time.monotonic()))
        sent[first_time + i] = port.send(telegram)
    return sent


def _delays(name: str, sent: dict[int, float], page: Page) -> Iterator[Figure]:
    until(lambda: max(page.heard, default=0) >= max(sent), 10, "the last frame arrives")
    missing = [time for time in sent if time not in page.heard]
    delays = [(page.heard[time] - at) * 1000 for time, at in sent.items() if time in page.heard]
    for percent in (50, 95, 99):
        # A frame that never came has no delay: with one missing nothing can be said of the percentile above it.
        told = percentile([*delays, *[float("inf")] * len(missing)], percent)
        target = "<= 50" if percent == 95 else ""
        yield figure(f"telegram's last byte -> page, {name}: p{percent}", None if told == float("inf") else told, "ms", target, DELAY)
    yield figure(f"telegram's last byte -> page, {name}: frames that never came", float(len(missing)), "", "<= 0")


def _one_hertz(house: House, port: Port, plan: Plan, say: Callable[[str], None]) -> Iterator[Figure]:
    say(f"1 Hz: {plan.settle_s} s to settle, then {plan.telegrams} telegrams")
    begin = int(time.time())
    telegrams = belgian(begin)
    page = Page(house, "House")
    memory: dict[str, int] = {}
    timer = threading.Timer(
        plan.memory_at_s, lambda: memory.update({name: processes.pss_bytes(pids) for name, pids in house.groups().items()})
    )
    timer.start()
    _paced(port, telegrams, begin, plan.settle_s, 1)
    groups = house.groups()
    cpu = {name: processes.cpu_s(pids) for name, pids in groups.items()}
    wal = house.query("SELECT pg_current_wal_insert_lsn() - '0/0'")
    spool, began = SpoolWatch(house.data_dir / "house" / "segments"), time.monotonic()
    page.sizes.clear()
    sent = _paced(port, telegrams, begin + plan.settle_s, plan.telegrams, 1)
    elapsed = time.monotonic() - began
    wal, spooled = float(house.query("SELECT pg_current_wal_insert_lsn() - '0/0'") - wal), spool.end()
    spent = {name: (house.cpu_s([name]) - cpu[name]) / elapsed * 1000 for name in groups}
    yield from _delays("1 Hz", sent, page)
    page.close()
    timer.join()
    yield figure("frame: full", float(page.full_size), "B", "<= 450")
    yield figure("frame: median", percentile(page.sizes, 50), "B", "<= 200")
    yield from _memory(memory, plan)
    yield figure("CPU at 1 Hz, one open page, all told", sum(spent.values()), "ms/s", "<= 15", "dsmr-reader 13 ms/s")
    for name, value in spent.items():
        yield figure(f"CPU at 1 Hz: {name}", value, "ms/s")
    yield figure("WAL at 1 Hz", wal / elapsed * DAY_S / 1e6, "MB/day", "<= 60", "dsmr-reader 225 MB/day")
    yield figure("spool at 1 Hz", spooled / elapsed * DAY_S / 1e6, "MB/day")


def _memory(memory: dict[str, int], plan: Plan) -> Iterator[Figure]:
    yield figure(
        f"memory after {plan.memory_at_s} s at 1 Hz, PSS in all", sum(memory.values()) / MIB, "MiB", "<= 280", "dsmr-reader 648 MiB"
    )
    for name, value in memory.items():
        yield figure(f"memory: {name}", value / MIB, "MiB")


def _twenty_hertz(house: House, plan: Plan, say: Callable[[str], None]) -> Iterator[Figure]:
    """Telegrams are stamped a second apart, as the meter's own clock has no finer step."""
    say(f"20 Hz: {plan.telegrams} telegrams")
    begin = int(time.time()) - DAY_S
    telegrams = belgian(begin)
    with Port() as port:
        house.inside("meter", "Fast", port.address)
        until(port.connected.is_set, 60, "the reader connects")
        page = Page(house, "Fast")
        _paced(port, telegrams, begin, 20, 20)
        sent = _paced(port, telegrams, begin + 20, plan.telegrams, 20)
        yield from _delays("20 Hz", sent, page)
        page.close()
