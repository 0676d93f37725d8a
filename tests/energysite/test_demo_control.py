"""The loop over the wire in a running demo house: a person switches the car on, then one thing after the other fails.

One site for all tests, which go on from each other in the order of this file. Times are those of a real clock: what must be off within
45 s is waited for. Safety rules by number are those of the safety page that the code follows.
"""

import os
import re
import shutil
import signal
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from typing import Any

import pytest

from energysite.demo.calendar import day_of
from energysite.demo.hands import tell
from energysite.demo.ledger import Ledger
from tests.conftest import new_data_dir
from tests.energysite import demo as demo_ledger
from tests.running_site import RunningSite, alive
from tests.waiting import until

pytestmark = pytest.mark.slow
SAFE_S = 45.0
CAR_W = 1380


class Demo:
    """A browser's visitor, the house's people and its processes."""

    def __init__(self, site: RunningSite) -> None:
        self.site, self.folder = site, site.data_dir / "demo"
        self.jar = CookieJar()
        self._web = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.jar))

    def hand(self, line: str) -> dict[str, Any]:
        told = tell(self.folder, line)
        assert told["ok"], told
        return told

    def plug(self) -> dict[str, Any]:
        found: dict[str, Any] = self.hand("show")["switches"]["shelly2"]
        return found

    def on(self) -> bool:
        return bool(self.plug()["on"])

    def get(self, path: str) -> str:
        with self._web.open(self.site.url + path, timeout=20) as answer:
            return str(answer.read().decode())

    def post(self, path: str, **values: str) -> None:
        """A form of the page of control, sent as a browser does."""
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get("/control/"))
        assert token is not None, "the page has forms"
        body = urllib.parse.urlencode({"csrfmiddlewaretoken": token[1], **values}).encode()
        request = urllib.request.Request(self.site.url + path, body, {"Referer": self.site.url + "/control/"})
        with self._web.open(request, timeout=20) as answer:
            answer.read()

    def sentence(self) -> str:
        """What the page says of the car, without its marks."""
        html = self.get("/control/loads/Car/")
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.partition("<main")[2]))

    def switch_on(self) -> None:
        self.post("/control/loads/Car/override/", level="on", minutes="30")
        until(self.on, 60, lambda: f"the car is on: {self.plug()} {self.sentence()[:600]}\n{self.site.output[-1500:]}")

    def pid(self, name: str) -> int:
        return int(self.site.processes("demo")[name]["pid"])

    def off_within(self, seconds: float, what: str) -> float:
        """Seconds until the plug was off."""
        began = time.monotonic()
        until(lambda: not self.on(), seconds, what)
        return time.monotonic() - began


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    folder = new_data_dir()
    young = demo_ledger.young(day_of(int(time.time())))
    ledger = Ledger(young.recipe, folder / "demo")  # a house without a past: nothing is counted before it speaks
    (folder / "demo").mkdir()
    ledger.days = young.days
    ledger.keep()
    running = RunningSite(folder, "--demo", DEMO_DAYS="1")
    try:
        running.ready()
        found = Demo(running)
        until(lambda: _is_held(found), 90, lambda: f"the car's plug is known and held:\n{running.output[-2000:]}")
        yield found
    finally:
        running.stop()
        shutil.rmtree(running.data_dir, ignore_errors=True)


def _is_held(demo: Demo) -> bool:
    """The site commands it: its page shows the car, and somebody has asked the plug."""
    try:
        return demo.plug()["on"] is False and "Car" in demo.get("/control/")
    except (OSError, AssertionError, KeyError):
        return False


def test_a_person_switches_the_car_on_in_a_browser_and_the_meter_sees_it(demo: Demo) -> None:
    before = demo.hand("show")["net_w"]
    demo.switch_on()
    until(lambda: abs(demo.hand("show")["net_w"] - before - CAR_W) < CAR_W / 2, 10, "the telegrams show the car")
    until(lambda: "On: by visitor until" in demo.sentence(), 10, demo.sentence)
    assert demo.plug()["timer_left_s"] > 0, "class A: its own timer runs"


def test_rule_2_the_meter_is_unplugged_and_the_plug_is_off_within_45_s_and_a_persons_on_waits_for_it(demo: Demo) -> None:
    demo.hand("unplug meter")
    demo.off_within(SAFE_S, "off without a meter")
    assert demo.plug()["source"] == "http", "switched off, and not by its timer"
    until(lambda: "Off for safety" in demo.sentence(), 20, demo.sentence)
    demo.hand("plug meter")
    until(demo.on, 40, "on again, as the person had said, with the meter back")


def test_rule_1_the_worker_is_stopped_and_the_plug_is_off(demo: Demo) -> None:
    worker = demo.pid("worker")
    os.kill(worker, signal.SIGSTOP)
    try:
        demo.off_within(SAFE_S, "off without a worker")
    finally:
        os.kill(worker, signal.SIGCONT)
    until(demo.on, 40, "on again with the worker")


def test_rule_1_hold_outputs_is_killed_and_its_successor_switches_the_plug_off(demo: Demo) -> None:
    first = demo.pid("hold_outputs")
    switches = demo.plug()["switches"]
    os.kill(first, signal.SIGKILL)
    took_s = demo.off_within(10, "the successor switches it off")
    assert demo.pid("hold_outputs") != first
    assert demo.plug()["switches"] > switches
    assert took_s < 10
    until(demo.on, 40, "on again by the next lease, as the person had said")


def test_rule_7_a_person_presses_the_plugs_button_and_is_not_fought(demo: Demo) -> None:
    demo.hand("press shelly2")
    assert demo.plug()["on"] is False
    switches = demo.plug()["switches"]
    until(lambda: "at the device" in demo.sentence(), 25, demo.sentence)
    began = time.monotonic()
    until(lambda: time.monotonic() - began > 15 or demo.on(), 20, "two renewals pass")
    assert demo.plug()["switches"] == switches, "nobody switched it since"


def test_rule_3_the_whole_of_up_is_killed_and_a_class_a_plug_switches_itself_off(demo: Demo) -> None:
    demo.switch_on()
    house, holder = demo.pid("demo_house"), demo.pid("hold_outputs")
    # The holder first of all: told by the kernel that its parent died, it would switch the plug off itself.
    os.kill(holder, signal.SIGSTOP)
    demo.site.process.kill()
    os.kill(holder, signal.SIGKILL)
    demo.site.process.wait(10)
    demo.off_within(SAFE_S, "the plug is off by itself")
    assert demo.plug()["source"] == "timer"
    until(lambda: not alive(house), 20, "the demo house ends when its plugs are off")
