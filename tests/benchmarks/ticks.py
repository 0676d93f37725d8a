"""Twenty controllers of twenty switches on the wire: how long a tick takes and how late it is, and from a lease to the device and back."""

import json
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import redis

from control import keys
from control.ticking.house_told import TICKING
from energysite import layout
from tests.benchmarks.figures import Figure, figure, percentile
from tests.benchmarks.house import House
from tests.benchmarks.wire import Port, stamp
from tests.emulators import telegrams
from tests.waiting import until

CONTROLLERS = 20
EXPORT_W = 3600  # a Wh a second


class Switches:
    """One server for all: /7/on, /7/off, and /7 for the state. `on`: when (monotonic) each was switched on last."""

    def __init__(self) -> None:
        self.level = dict.fromkeys(range(CONTROLLERS), False)
        self.on: dict[int, float] = {}
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
        _empty, number, *order = data.split(b" ", 2)[1].decode().split("/")
        which = int(number)
        if order == ["on"]:
            self.level[which] = True
            self.on[which] = time.monotonic()
        elif order == ["off"]:
            self.level[which] = False
        body = json.dumps({"on": self.level[which], "w": 100 if self.level[which] else 0}).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Meter(threading.Thread):
    """A telegram each second, at the time it is, whose counters move as its power says."""

    def __init__(self, port: Port) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._ends = threading.Event()

    def run(self) -> None:
        self._port.connected.wait()
        wh = 661_701
        while not self._ends.wait(1 - time.time() % 1):
            wh += 1
            lines = {
                "0-0:1.0.0": f"0-0:1.0.0({stamp(int(time.time()))})",
                "1-0:1.7.0": "1-0:1.7.0(00.000*kW)",
                "1-0:2.7.0": f"1-0:2.7.0({EXPORT_W / 1000:06.3f}*kW)",
                "1-0:2.8.1": f"1-0:2.8.1({wh // 1000:06}.{wh % 1000:03}*kWh)",
            }
            self._port.send(telegrams.belgium(**lines))

    def stop(self) -> None:
        self._ends.set()
        self.join(5)


class Ticks:
    """What each tick tells of itself, looked at twice a second."""

    def __init__(self, client: redis.Redis) -> None:
        self._client, self.seen = client, dict[float, dict[str, float]]()

    def look(self) -> None:
        text: Any = self._client.hget(TICKING, "tick")
        if text:
            tick = json.loads(text)
            self.seen[tick["at"]] = tick

    def watch(self, seconds: float) -> list[dict[str, float]]:
        self.look()
        known, pause, ends = set(self.seen), threading.Event(), time.monotonic() + seconds
        while time.monotonic() < ends:
            pause.wait(0.5)
            self.look()
        return [tick for at, tick in sorted(self.seen.items()) if at not in known]


def measure(quick: bool, say: Callable[[str], None]) -> Iterator[Figure]:
    switches = Switches()
    try:
        with Port() as port, House() as house:
            house.inside("meter", "Main", port.address)
            meter = Meter(port)
            meter.start()
            try:
                yield from _measured(house, switches, quick, say)
            finally:
                meter.stop()
    finally:
        switches.close()


def _measured(house: House, switches: Switches, quick: bool, say: Callable[[str], None]) -> Iterator[Figure]:
    house.inside("controllers", switches.address, str(CONTROLLERS))
    client = redis.Redis(unix_socket_path=str(layout.run_dir(house.data_dir, "house") / "valkey.sock"))
    ticks = Ticks(client)
    say(f"{CONTROLLERS} controllers begin")
    until(lambda: _all_leased(client), 90, "each output was leased and read back")
    cpu_s = house.cpu_s(["worker"])
    held_s = house.cpu_s(["hold_outputs"])
    seconds = 40 if quick else 180
    found = ticks.watch(seconds)
    used_ms = 1000 * (house.cpu_s(["worker"]) - cpu_s) / max(1, len(found))
    note = f"{CONTROLLERS} controllers every 10 s, {len(found)} ticks"
    yield figure("ticks: duration with 20 controllers, p95", 1000 * percentile([one["took_s"] for one in found], 95), "ms", "", note)
    yield figure("ticks: lateness with 20 controllers, p95", percentile([one["late_s"] for one in found], 95), "s", "<= 1", note)
    yield figure("ticks: the worker's CPU for a tick", used_ms, "ms", "", f"{note}; Celery, beat and all of the worker included")
    used = 1000 * (house.cpu_s(["hold_outputs"]) - held_s) / seconds
    yield figure("hold_outputs: CPU a second with 20 outputs", used, "ms/s", "", "each read and renewed every 10 s")
    say("a person switches each of them on")
    words: dict[str, Any] = house.inside("overrides")
    until(lambda: len(switches.on) == CONTROLLERS, 30, lambda: f"{len(switches.on)} of {CONTROLLERS} are on")
    took_ms = [1000 * (switches.on[int(number)] - said) for number, said in words["said"].items()]
    yield figure("control: a person's word -> device, p95", percentile(took_ms, 95), "ms", "", "20 overrides one after the other")
    until(lambda: _all_leased(client, level=1), 30, "each was read back")
    back_ms = [row["lease_ms"] for row in _held(client).values()]
    yield figure(
        "control: lease -> device and read back, p95", percentile(back_ms, 95), "ms", "", "20 HTTP switches, since the lease was seen"
    )


def _held(client: redis.Redis) -> dict[str, dict[str, Any]]:
    rows: Any = client.hgetall(keys.HELD)
    return {name.decode(): json.loads(text) for name, text in rows.items()}


def _all_leased(client: redis.Redis, level: float = 0) -> bool:
    rows = _held(client).values()
    return len(rows) == CONTROLLERS and all(row.get("lease_ms") and row["read"] == level for row in rows)
