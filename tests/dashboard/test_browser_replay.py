"""From a port's bytes to the page and the table: a real recording through a pty, a real read_meters, a real browser."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgpack
import pytest
from django.conf import settings
from django.db import connection

from energysite import live
from meters.models import ElectricityReading
from meters.p1.decoder import decode
from meters.p1.framer import Framer
from meters.p1.telegram import Telegram, values
from meters.replay import paced
from tests.dashboard.browser import House, Visit
from tests.emulators.p1_pty import P1Cable
from tests.meters import captures
from tests.meters.rows import make_meter
from tests.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SPEED = 20
# So many are followed at that pace, the rest is poured in; REPLAY_ALL=1 follows all of them.
FOLLOWED = 566 if os.environ.get("REPLAY_ALL") else 200
SAMPLES = 20
FIELDS = ("time", "power_w", "import_t1_wh", "import_t2_wh", "l1_w", "l2_w", "l3_w", "l1_v", "l2_v", "l3_v")

# Every state that the page was in: its exact values, and when (epoch ms).
RECORD = """fields => {
  const seen = window.recorded = [];
  const note = () => {
    const state = {at: Date.now()};
    for (const field of fields) {
      const shown = document.querySelector(`[data-field="${field}"][data-value]`);
      state[field] = shown === null ? null : Number(shown.dataset.value);
    }
    seen.push(state);
  };
  new MutationObserver(note).observe(document.body, {subtree: true, childList: true, characterData: true, attributes: true});
}"""


@contextmanager
def reading() -> Iterator[subprocess.Popen[bytes]]:
    """A read_meters on the tests' own database."""
    database = connection.settings_dict
    url = f"postgresql://{database['USER']}@/{database['NAME']}?host={database['HOST']}"
    process = subprocess.Popen(
        [sys.executable, "manage.py", "read_meters"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": url, "LOG_LEVEL": "warning"},
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


def stored_values(reading: ElectricityReading) -> dict[str, Any]:
    names = ("power_w", "import_t1_wh", "import_t2_wh", "l1_w", "l2_w", "l3_w")
    volts = {f"l{phase}_v": getattr(reading, f"l{phase}_dv") / 10 for phase in (1, 2, 3)}
    return {name: getattr(reading, name) for name in names} | volts


def expected(telegram: Telegram) -> dict[str, Any]:
    told = values(telegram)
    return {field: told[field] for field in FIELDS if field in told} | {"power_w": told["import_w"] - told["export_w"]}


def test_each_sampled_frame_of_a_recording_is_in_the_page_within_a_second_and_equals_its_row(
    visit: Callable[..., Visit], house: House
) -> None:
    capture = captures.read(captures.ISKRA)
    with P1Cable("iskra") as cable, reading():
        make_meter("Iskra", connection=cable.address, clock="meter", baud=115200)
        live.client().publish(live.AGENTS_CHANGED, "Iskra")
        until(lambda: live.client().hget("agent:Iskra", "connected_since") not in (None, b"null"), 20, "the port is open")
        telegrams = Framer().feed(capture)
        cable.send(telegrams[0])
        tab = visit()
        tab.open()
        tab.until("window.energysite !== undefined && document.getElementById('live-age').dataset.state === 'live'")
        tab.page.evaluate(RECORD, list(FIELDS))
        received = follow(cable, b"".join(telegrams[1:FOLLOWED]), tab)
        cable.pour(b"".join(telegrams[FOLLOWED:]))
        until(lambda: ElectricityReading.objects.count() == 566, 20, "all are stored")
        recorded = tab.page.evaluate("window.recorded")
    for telegram in map(decode, telegrams[1 : FOLLOWED : FOLLOWED // SAMPLES]):
        assert telegram.time is not None
        epoch, wanted = int(telegram.time.timestamp()), expected(telegram)
        assert stored_values(ElectricityReading.objects.get(time=telegram.time)) == wanted
        shown = [state["at"] for state in recorded if {name: state[name] for name in FIELDS} == {"time": epoch, **wanted}]
        assert shown, f"{telegram.time} was never in the page"
        late_ms = shown[0] - received[epoch] * 1000
        assert late_ms <= 1000, f"{telegram.time} came after {late_ms:.0f} ms"


def follow(cable: P1Cable, data: bytes, tab: Visit) -> dict[int, float]:
    """Send the telegrams at their pace; when each was received, by its time."""
    received: dict[int, float] = {}
    subscribed, ended = threading.Event(), threading.Event()

    def listen() -> None:
        pubsub = live.connect().pubsub(ignore_subscribe_messages=True)
        pubsub.subscribe(live.group_channel(live.LIVE_GROUP))
        subscribed.set()
        while not ended.is_set():
            message = pubsub.get_message(timeout=0.1)
            if message is not None:
                frame = msgpack.unpackb(message["data"])["frame"]
                received[frame["time"]] = frame["received"]
        pubsub.close()

    listener = threading.Thread(target=listen)
    listener.start()
    assert subscribed.wait(5)
    for telegram in paced(data, SPEED, sleep=lambda seconds: tab.page.wait_for_timeout(seconds * 1000)):
        cable.send(telegram)
    last = decode(Framer().feed(data)[-1]).time
    assert last is not None
    until(lambda: int(last.timestamp()) in received, 5, "the last frame")
    ended.set()
    listener.join()
    return received
