"""A page that is cut off from the house, in a real browser: it says so, comes back by itself, and its graph lacks nothing."""

import os
import re
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser

from meters.models import Source
from tests.dashboard.browser import DESKTOP, House, Visit
from tests.meters.rows import electricity, make_meter, make_source
from tests.running_site import RunningSite
from tests.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OpenTab = Callable[..., Visit]
LIVE = "document.getElementById('live-age').dataset.state === 'live'"


def stored(source: Source, readings: dict[int, int]) -> None:
    electricity(source, [(datetime.fromtimestamp(epoch, UTC), {"power_w": w, "import_t1_wh": 1}) for epoch, w in readings.items()])


def test_the_graph_holds_every_reading_of_the_gap_after_a_cut(visit: OpenTab, house: House) -> None:
    source = make_source(make_meter("Main"))
    now = int(time.time())
    # The past: read two minutes ago to now, then the house goes on for 118 s that this page does not see.
    before = {now - 240 + i: 300 + i for i in range(121)}
    stored(source, before)
    house.frame(age_s=120, time=now - 120, import_w=before[now - 120])
    tab = visit()
    tab.open()
    tab.until(f"window.energysite?.chartPoints().some(([time]) => time === {now - 120})")
    tab.context.set_offline(True)
    tab.until("document.getElementById('live-age').dataset.state === 'lost'")
    assert re.fullmatch(r"This page lost the house; numbers from \d\d:\d\d; trying again.", tab.text("#live-problem"))
    gap = {now - 119 + i: 900 + i for i in range(118)}
    stored(source, gap)
    frame = house.frame(import_w=777)
    stored(source, {frame["time"]: 777})
    tab.context.set_offline(False)
    tab.until(LIVE)
    tab.faults = [fault for fault in tab.faults if "ERR_INTERNET_DISCONNECTED" not in fault]
    wanted = {str(epoch): w for epoch, w in {**gap, frame["time"]: 777}.items()}
    tab.until(f"window.energysite.chartPoints().some(([time]) => time === {now - 2})")
    shown = {str(epoch): w for epoch, w in tab.points()}
    assert {epoch: shown.get(epoch) for epoch in wanted} == wanted
    assert tab.page.locator("#live-problem").is_hidden()


def test_readings_that_are_stored_late_still_come_into_the_graph(visit: OpenTab, house: House) -> None:
    source = make_source(make_meter("Main"))
    now = int(time.time())
    stored(source, {now - 60: 100})
    house.frame(import_w=500)
    tab = visit()
    tab.open()
    tab.until("window.energysite?.chartPoints().length >= 2")
    last = tab.points()[-1][0]
    stored(source, {now - 30: 250, last: 500})  # a batch that reaches the database some seconds after its frames
    tab.until(f"window.energysite.chartPoints().some(([time]) => time === {now - 30})", 15)


def test_totals_come_into_a_page_that_was_opened_before_the_first_reading(visit: OpenTab, house: House) -> None:
    source = make_source(make_meter("Main"))
    house.frame()
    tab = visit()
    # The page's own waiting is shortened: it asks for the past again after 15 s.
    tab.page.add_init_script("const real = setTimeout; window.setTimeout = (step, ms) => real(step, ms > 10000 ? ms / 20 : ms);")
    tab.open()
    tab.until("document.querySelector('[data-no-totals]') !== null")
    stored(source, {int(time.time()) - 5: 400})
    tab.until("document.querySelector('[data-total]') !== null", 20)


def test_a_socket_that_ends_is_opened_again(visit: OpenTab, house: House) -> None:
    make_meter("Main")
    house.frame(import_w=500)
    tab = visit()
    tab.page.add_init_script(
        """window.sockets = [];
        const Real = WebSocket;
        window.WebSocket = class extends Real { constructor(url) { super(url); sockets.push(this); } };"""
    )
    tab.open()
    tab.until(LIVE)
    tab.page.evaluate("sockets[0].close()")
    tab.until("sockets.length === 2")
    tab.until(LIVE)
    house.frame(import_w=501)
    tab.until("document.querySelector('[data-field=power_w]').dataset.value === '501'")


def test_while_only_the_live_socket_is_away_numbers_refresh_from_the_store(visit: OpenTab, house: House) -> None:
    source = make_source(make_meter("Main"))
    house.frame(import_w=500)
    tab = visit()
    # The page's own waiting is shortened: it asks every 10 s, and only after 5 s without the socket.
    tab.page.add_init_script(
        """const real = setInterval;
        window.setInterval = (step, ms) => real(step, ms / 20);
        window.WebSocket = class {
          constructor() { setTimeout(() => this.onclose({ code: 1006 }), 10); }
          close() {}
        };"""
    )
    tab.open()
    stored(source, {int(time.time()) - 2: -642})
    tab.until("document.querySelector('[data-field=power_w]').dataset.value === '-642'", 30)
    assert tab.text("#live-problem") == "Live updates are away. Numbers refresh every 10 s."
    assert tab.text(".hero__word") == "Injecting"


@pytest.mark.slow
def test_the_demo_house_is_live_and_survives_the_end_of_its_web_process(browser: Browser, site: RunningSite) -> None:
    context = browser.new_context(viewport=DESKTOP)  # type: ignore[arg-type]
    tab = Visit(context, site.url)
    tab.open()
    tab.until("document.querySelector('[data-live]') !== null && " + LIVE, 90)
    assert "Demo house, not your home." in tab.text(".strip")
    first = tab.value("time")
    tab.until(f"document.querySelector('[data-field=time]').dataset.value > {first}")
    assert tab.faults == []

    pid = site.processes("demo")["web"]["pid"]
    os.kill(pid, signal.SIGKILL)
    until(lambda: site.processes("demo")["web"]["pid"] != pid and site.get("/healthz") == 200, 30, "web is back")
    tab.until(LIVE, 30)
    seen = int(tab.value("time") or 0)
    # Every second between the first frame and the last is in the graph.
    tab.until(
        f"((points) => {{ for (let t = {int(first or 0)}; t <= {seen}; t += 1) if (!points.has(t)) return false; return true; }})"
        "(new Set(window.energysite.chartPoints().map(([time]) => time)))",
        30,
    )
    context.close()
