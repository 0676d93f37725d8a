"""Pages of a house with a week of readings at 1 Hz and a year of quarters: server time, weight; and the bytes a reading takes."""

import gzip
import http.client
import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin, urlsplit
from zoneinfo import ZoneInfo

from energysite import timegrid
from tests.benchmarks.figures import Figure, figure, percentile
from tests.benchmarks.house import House
from tests.benchmarks.wire import Port, belgian
from tests.waiting import until

ZONE = ZoneInfo("Europe/Brussels")
WORKING = ("web", "database", "live values")
LINKED = re.compile(r'<(?:link|script|img)[^>]*?(?:href|src)="([^"]+)"')
CHART = re.compile(r'"([^"]*/chart[^"]*\.js)"')


class Browser:
    """One keep-alive connection of somebody who is logged in and takes gzip."""

    def __init__(self, house: House) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=30)
        self._headers = {"Cookie": f"sessionid={house.session}", "Accept-Encoding": "gzip", "Host": f"127.0.0.1:{house.port}"}

    def get(self, path: str) -> tuple[bytes, bytes, float]:
        """(bytes as sent, content, ms)."""
        began = time.perf_counter()
        self._connection.request("GET", path, headers=self._headers)
        response = self._connection.getresponse()
        sent = response.read()
        ms = (time.perf_counter() - began) * 1000
        if response.status != 200:
            raise RuntimeError(f"{path} answered {response.status}: {sent[:300]!r}")
        return sent, gzip.decompress(sent) if response.headers.get("Content-Encoding") == "gzip" else sent, ms


def measure(quick: bool, say: Callable[[str], None]) -> Iterator[Figure]:
    days, asked = (6, 60) if quick else (7, 300)
    today = timegrid.local_day(datetime.now(UTC), ZONE)
    now = int(time.time())
    with House() as house, Port() as port:
        house.inside("meter", "House", port.address)
        begin = int(timegrid.midnight(today - timedelta(days=days), ZONE).timestamp())
        say(f"{(now - begin) // 1000},000 readings are written")
        answer = house.inside("fill", "House", str(begin), str(now))
        yield from _storage(house, answer)
        say("a year of quarters before them, and all their blocks")
        house.inside("past", "House", str(begin), "400")
        until(port.connected.is_set, 60, "the reader connects")
        stop = threading.Event()
        meter = threading.Thread(target=_at_one_hertz, args=(port, now, stop))
        meter.start()
        try:
            say(f"each page {asked} times, with the meter going on at 1 Hz")
            yield from _times(house, asked, today - timedelta(days=2))
            yield from _weights(Browser(house), today - timedelta(days=2))
        finally:
            stop.set()
            meter.join()


def _at_one_hertz(port: Port, begin: int, stop: threading.Event) -> None:
    for telegram in belgian(begin):
        port.send(telegram)
        if stop.wait(1):
            return


def _storage(house: House, answer: dict[str, float]) -> Iterator[Figure]:
    rows = answer["rows"]
    if rows < 500_000:
        raise RuntimeError(f"only {rows} readings: too few to say what one takes")
    table = "'meters_electricityreading'::regclass"
    size = int(house.query(f"SELECT pg_total_relation_size({table})"))
    yield figure("bytes per reading, key included", size / rows, "B", "<= 130", "dsmr-reader 257; Home Assistant 117 per statistic")
    yield figure("bulk write of readings", rows / answer["seconds"], "1/s")


def _times(house: House, asked: int, past: object) -> Iterator[Figure]:
    """Of one request after the other, from the first byte asked to the last one received."""
    browser = Browser(house)
    pages = {
        "page Now": ("/", "<= 15", "dsmr-reader's dashboard 16 ms median"),
        "page Now of a past day": (f"/?date={past}", "<= 50", ""),
        "data of a past day": (f"/data/day/?date={past}", "<= 50", ""),
        "data of today": ("/data/day/", "<= 50", ""),
        "page Energy, a day": (f"/energy/?date={past}", "<= 50", ""),
        "page Energy, a day by quarter": (f"/energy/?date={past}&by=quarter", "<= 50", ""),
        "page Energy, this month": ("/energy/?span=month", "<= 50", ""),
        "page Energy, this year": ("/energy/?span=year", "<= 50", "dsmr-reader's year 25 ms; Home Assistant's 42 s cold"),
        "data of a year": ("/data/energy/?span=year", "<= 50", ""),
        "page Health": ("/health/", "", ""),
    }
    for name, (path, target, compared_to) in pages.items():
        for _warm in range(20):
            browser.get(path)
        before = house.cpu_s(WORKING)
        times = [browser.get(path)[2] for _i in range(asked)]
        cpu = house.cpu_s(WORKING) - before
        yield figure(f"{name}: p50", percentile(times, 50), "ms")
        yield figure(f"{name}: p95", percentile(times, 95), "ms", target, compared_to)
        yield figure(f"{name}: CPU, database included", cpu / asked * 1000, "ms")


def _weights(browser: Browser, past: object) -> Iterator[Figure]:
    html_sent, html, _ms = browser.get("/")
    text = html.decode()
    linked = sorted({path for path in LINKED.findall(text) if urlsplit(path).path.startswith("/static/")})
    weight = len(html_sent) + sum(len(browser.get(path)[0]) for path in linked)
    day = len(browser.get(f"/data/day/?date={past}")[0])
    others = "dsmr-reader 150-456 kB gzipped"
    yield figure("first load before charts, gzipped", weight / 1000, "kB", "<= 100", others)
    charts = sorted({urljoin("/", path) for path in CHART.findall(text)})
    if not charts:
        raise RuntimeError("the page names no script for its charts")
    heavy = weight + day + sum(len(browser.get(path)[0]) for path in charts)
    yield figure("first load with charts, gzipped", heavy / 1000, "kB", "<= 350", others)
    yield figure("page Now, gzipped", len(html_sent) / 1000, "kB")
    yield figure("data of a day, gzipped", day / 1000, "kB", "<= 3")
    for name, query, most in (
        ("a day by quarter", f"date={past}&by=quarter", 3),
        ("a month", "span=month", 3),
        ("a year", "span=year", 10),
    ):
        yield figure(f"energy data of {name}, gzipped", len(browser.get(f"/data/energy/?{query}")[0]) / 1000, "kB", f"<= {most}")
    energy = len(browser.get(f"/energy/?date={past}&by=quarter")[0])
    yield figure("page Energy with a hundred rows, gzipped", energy / 1000, "kB")
