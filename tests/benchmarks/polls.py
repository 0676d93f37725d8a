"""A hundred emulated devices of which ten hang: how late the others are read, and how many reads a second one worker sustains."""

import json
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from tests.benchmarks.figures import Figure, figure, percentile
from tests.benchmarks.house import House
from tests.waiting import until

DEVICES, HANGING = 100, 10
PERIOD_S = 10
LATE = "a read's time after the one before it, less the period; a run that is left out is a period late"


class Devices:
    """One server for all of them: `/7` is what device 7 answers with. The first `HANGING` take the question and never answer.

    `asked`: when (monotonic) each of the others was asked.
    """

    def __init__(self) -> None:
        self.asked: dict[int, list[float]] = {number: [] for number in range(HANGING, DEVICES)}
        self.hung = 0
        self._ends = threading.Event()
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                outer._answer(self.request)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False
            request_queue_size = 128

        self._server = Server(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    def _answer(self, connection: Any) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(4096)
            if not more:
                return
            data += more
        number = int(data.split(b" ", 2)[1].lstrip(b"/"))
        if number < HANGING:
            self.hung += 1
            self._ends.wait(60)
            return
        now = time.monotonic()
        self.asked[number].append(now)
        body = json.dumps({"w": 1000 + number, "total": 1_000_000 + int(now)}).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))

    def begin(self) -> None:
        for times in self.asked.values():
            times.clear()

    def lateness_s(self, period_s: float) -> list[float]:
        return [max(0.0, later - earlier - period_s) for times in list(self.asked.values()) for earlier, later in pairwise(times)]

    def reads(self) -> int:
        return sum(map(len, self.asked.values()))

    def close(self) -> None:
        self._ends.set()
        self._server.shutdown()
        self._server.server_close()


def measure(quick: bool, say: Callable[[str], None]) -> Iterator[Figure]:
    devices = Devices()
    try:
        with House() as house:
            say(f"{DEVICES} devices, {HANGING} of them hang, each read every {PERIOD_S} s")
            house.inside("inverters", devices.address, str(DEVICES), str(PERIOD_S))
            until(lambda: all(len(times) >= 2 for times in devices.asked.values()), 120, "each device read twice")
            devices.begin()
            cpu_s, began = house.cpu_s(["worker"]), time.monotonic()
            _pass(30 if quick else 120)
            used_ms = 1000 * (house.cpu_s(["worker"]) - cpu_s) / max(1, devices.reads())
            late, read = devices.lateness_s(PERIOD_S), devices.reads()
            say(f"{read} reads in {time.monotonic() - began:.0f} s, {devices.hung} that hung")
            note = f"{DEVICES} devices every {PERIOD_S} s, {HANGING} hang"
            yield figure("inverters: lateness of the others, p99", percentile(late, 99), "s", "<= 1", f"{note}; {LATE}")
            yield figure(
                "inverters: the worker's CPU for a read", used_ms, "ms", "", f"{note}; Celery, beat and all data managers included"
            )
            say("every second")
            house.inside("every", "1")
            _pass(10)
            devices.begin()
            began = time.monotonic()
            _pass(10 if quick else 30)
            rate = devices.reads() / (time.monotonic() - began)
            missing = house.query("SELECT count(*) FROM meters_source WHERE kind = 'production'") - (DEVICES - HANGING)
            if missing:
                raise RuntimeError(f"{-missing} of the devices were never stored")
            yield figure(
                "inverters: polls a second, one worker",
                rate,
                "1/s",
                "",
                f"{DEVICES} devices every second, {HANGING} hang: {DEVICES - HANGING} is all there is",
            )
    finally:
        devices.close()


def _pass(seconds: float) -> None:
    threading.Event().wait(seconds)
