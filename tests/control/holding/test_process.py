"""hold_outputs as `up` runs it: its own process, a plug on the wire, killed, stopped and ended from outside."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import redis

from control import keys
from energysite import live
from energysite.demo.devices.shelly2 import Shelly2
from energysite.demo.on_the_wire import on_the_wire
from energysite.house_run import BASE_DIR, HoldOutputs, Watched
from tests.energysite.demo import house
from tests.running_site import alive, environment
from tests.waiting import until

pytestmark = pytest.mark.slow
NAME = "car"


class Commander(threading.Thread):
    """Leases and fresh telegrams, as the worker and read_meters write them, faster."""

    def __init__(self, client: redis.Redis) -> None:
        super().__init__(daemon=True)
        self.client = client
        self.level = 1.0
        self.seq = 0
        self._ended = threading.Event()

    def run(self) -> None:
        fence = int(time.time() * 1000)
        while not self._ended.wait(0.3):
            self.seq += 1
            lease = {"fence": fence, "seq": self.seq, "level": self.level, "seconds": 30, "blind": False, "person": True}
            self.client.hset(keys.FRESH, "meter", self.seq)
            self.client.hset(keys.LEASES, NAME, json.dumps(lease))

    def stop(self) -> None:
        self._ended.set()
        self.join()


class Site:
    """The plug, Valkey, and what `up` knows of hold_outputs."""

    def __init__(self, data_dir: Path, plug: Shelly2) -> None:
        self.plug = plug
        self.client = live.connect()
        self.client.delete(keys.LEASES, keys.FRESH, keys.HELD, keys.OUTPUTS)
        outputs = [{"name": NAME, "family": "shelly2", "address": plug.address, "channel": 0, "enabled": True}]
        self.client.set(keys.OUTPUTS, json.dumps({"generation": "1", "zone": "UTC", "meters": ["meter"], "outputs": outputs}))
        self.environment = environment(data_dir, MODE="house", REDIS_URL=os.environ["REDIS_URL"])
        self.data_dir = data_dir
        self.watched = Watched(HoldOutputs(self.environment))
        self.commander = Commander(self.client)

    @property
    def holder(self) -> HoldOutputs:
        return cast(HoldOutputs, self.watched.child)

    @property
    def pid(self) -> int:
        assert self.holder.process is not None
        return self.holder.process.pid

    @property
    def on(self) -> bool:
        return self.plug.contact.on

    def held(self) -> dict[str, Any]:
        text = cast("bytes | None", self.client.hget(keys.HELD, NAME))
        return {} if text is None else json.loads(text)

    def switched_on(self) -> "Site":
        """Forgets the starts so far: three of them would keep everything off for ten minutes."""
        (self.data_dir / "house" / "holding" / "starts.json").unlink(missing_ok=True)
        if self.watched.state == "stopped":
            self.watched.begin()
        if not self.commander.is_alive():
            self.commander.start()
        self.until(lambda: self.on and self.held().get("why") == "leased" and self.kept().get("level") == 1, 20)
        return self

    def kept(self) -> dict[str, Any]:
        """What survives the holder."""
        file = self.data_dir / "house/holding/outputs.json"
        return json.loads(file.read_text())[NAME] if file.exists() else {}

    def until(self, true: Any, timeout_s: float) -> float:
        """Seconds until then, the supervisor's looks going on meanwhile."""
        began = time.monotonic()

        def look() -> bool:
            self.watched.look()
            return bool(true())

        until(look, timeout_s, lambda: f"{self.watched.row()} {self.held()}")
        return time.monotonic() - began


@pytest.fixture
def site(data_dir: Path) -> Iterator[Site]:
    with on_the_wire(house(), time.time, ["shelly2"], folder=data_dir) as wire:
        here = Site(data_dir, cast(Shelly2, wire["shelly2"]))
        yield here
        if here.commander.is_alive():
            here.commander.stop()
        here.holder.stop()


def test_rule_1_a_killed_holder_s_successor_runs_within_3_s_and_switches_off_what_it_left_on(site: Site) -> None:
    site.switched_on()
    site.commander.stop()
    before = site.pid
    os.kill(before, signal.SIGKILL)
    took_s = site.until(lambda: not site.on, 10)
    assert took_s < 5, "restarted within 3 s, and a call"
    assert site.pid != before
    site.until(lambda: site.held()["last"]["cause"] == "start", 5)
    assert site.held()["why"] == "start"
    assert site.held()["class"] == "A"


def test_rule_1_a_holder_that_stands_still_is_killed_and_its_successor_switches_off(site: Site) -> None:
    site.switched_on()
    site.commander.stop()
    site.holder.still_s = 2.0  # ten in earnest
    before = site.pid
    os.kill(before, signal.SIGSTOP)
    site.until(lambda: not site.on, 12)
    assert site.pid != before
    assert site.watched.last_exit == "ended by SIGKILL"


def test_rule_1_sigterm_switches_off_and_ends_at_once_though_leases_go_on(site: Site) -> None:
    site.switched_on()
    began = time.monotonic()
    site.holder.stop()
    assert time.monotonic() - began < 4
    assert not site.on
    assert site.held()["why"] == "stopped"
    kept = site.kept()
    assert (kept["level"], kept["cause"], kept["life"]) == (0, "stopped", 2)
    settings = site.data_dir / "house/config/outputs.json"
    assert json.loads(settings.read_text())["outputs"][0]["name"] == NAME
    assert settings.stat().st_mode & 0o777 == 0o600


def test_rule_1_when_its_parent_is_killed_the_holder_switches_off_and_ends(site: Site) -> None:
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import os, time; from energysite.house_run import HoldOutputs\n"
            "holder = HoldOutputs(dict(os.environ)); holder.start(); print(holder.process.pid, flush=True); time.sleep(600)",
        ],
        cwd=BASE_DIR,
        env=site.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    site.commander.start()
    until(lambda: site.on, 20, "switched on")
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until(lambda: not site.on, 10, "off")
    until(lambda: not alive(pid), 10, "its end")


def test_a_second_holder_waits_for_the_first_one_s_end_and_goes_on_from_its_file_without_valkey(site: Site) -> None:
    site.switched_on()
    site.commander.stop()
    second = HoldOutputs({**site.environment, "REDIS_URL": "unix:///nowhere/valkey.sock"})
    second.start()
    try:
        until(lambda: site.held()["why"] == "leased", 5)
        os.kill(site.pid, signal.SIGKILL)
        until(lambda: not site.on, 12, "the second one knows the plug from the copy, and switches it off")
    finally:
        second.stop()


def test_lease_to_device_and_read_back_takes_a_second_and_a_few_milliseconds(site: Site) -> None:
    site.switched_on()
    until(lambda: site.held()["lease_ms"] is not None, 5)
    assert 0 <= site.held()["lease_ms"] < 1000
    assert site.held()["read"] == 1
    assert site.held()["timer_s"] is not None
