import json
import re
import time
from datetime import timedelta
from html import unescape

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.urls import reverse
from django.utils import timezone

from energysite import agents, live
from meters.models import Block, Meter, UndecodableTelegram
from tests.meters.rows import electricity, make_meter, make_source, volume

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(client):
    client.defaults["HTTP_HOST"] = "localhost"
    return client


@pytest.fixture(autouse=True)
def clean():
    keys = (live.LAST, live.PROCESSES, live.HEARTBEATS, "agent:Main")
    client = live.connect()
    client.delete(*keys)
    path = settings.MODE_DIR / "processes.json"
    path.unlink(missing_ok=True)
    yield
    client.delete(*keys)
    path.unlink(missing_ok=True)


def page(client, role="owner"):
    user, _made = User.objects.get_or_create(username=role)
    user.groups.set([Group.objects.get_or_create(name=role)[0]])
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    response = client.get(reverse("health"))
    assert response.status_code == 200
    html = response.content.decode()
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html.partition("<main")[2])).split())


def report(**state):
    agents.report("Main", **{"status": "live", "error": None, "last_telegram": time.time() - 1, "telegrams": 100, "rejected": 0, **state})


def test_a_meter_that_works_is_well(client):
    make_meter()
    report()
    assert re.search(r"Main Last telegram [12] s ago\.", page(client))


def test_a_silent_meter_says_since_when_what_remains_and_what_to_do(client):
    make_meter()
    report(last_telegram=time.time() - 600)
    text = page(client)
    assert re.search(r"Main Silent since [-\d: ]+ \(10 min\)\. History is complete to then\. Check the cable and the port\.", text)


def test_a_meters_own_error_is_shown(client):
    make_meter()
    report(status="error", error="Nothing listens on port 9.")
    assert "Nothing listens on port 9." in page(client)


def test_damaged_telegrams_are_told_as_a_share(client):
    make_meter()
    report(damaged_pct=20)
    assert "20 % of its telegrams are damaged: is the cable too long?" in page(client)
    report(damaged_pct=4)
    assert "damaged" not in page(client)


def test_a_live_frame_is_newer_than_what_the_reader_said_last(client):
    make_meter()
    report(last_telegram=time.time() - 29)
    live.Publisher().frame("Main", {"source": "Main", "time": int(time.time()), "received": time.time()})
    assert re.search(r"Main Last telegram [0-3] s ago\.", page(client))


def test_a_meter_that_has_sent_nothing_says_so_with_the_readers_words(client):
    make_meter()
    report(status="connecting", last_telegram=None)
    assert "No telegram yet. The port is being opened" in page(client)
    report(status="silent", last_telegram=None, error="The port is silent: is it open?")
    assert "No telegram yet. The port is silent: is it open?" in page(client)


def test_a_meter_clock_that_is_off_is_told(client):
    make_meter()
    report(clock_offset_s=-3700)
    text = page(client)
    assert "Its clock is 61 min off; readings are stored at the right time." in text
    assert "61 min behind this machine's." in text


def test_a_disabled_meter_is_no_problem(client):
    make_meter()
    Meter.objects.update(enabled=False)
    text = page(client)
    assert "Switched off in its settings." in text


def test_sources_have_their_last_value_and_its_age(client):
    meter = make_meter()
    now = timezone.now()
    electricity(make_source(meter, serial="E-1"), [(now - timedelta(seconds=5), {"import_t1_wh": 661_701, "import_t2_wh": 776_784})])
    volume(make_source(meter, "gas", "G-1"), [(now - timedelta(minutes=4), 1_234_567)])
    text = page(client)
    assert re.search(r"E-1 1438\.485 kWh imported [5-9] s", text)
    assert "G-1 1234.567 m³ 4 min" in text


def test_processes_are_listed_with_restarts_and_last_end(client):
    rows = [
        {"name": "web", "pid": 1, "state": "running", "since": time.time() - 9000, "restarts": 0, "last_exit": ""},
        {"name": "worker", "pid": 2, "state": "waiting", "since": time.time(), "restarts": 3, "last_exit": "ended by signal 9"},
    ]
    (settings.MODE_DIR / "processes.json").write_text(json.dumps(rows))
    text = page(client)
    assert re.search(r"Pages running [-: \d]+ 0 –", text)
    assert re.search(r"Worker waiting to be started again \d\d:\d\d 3 ended by signal 9", text)
    assert re.search(r"Is all well\? .*Worker waiting to be started again since \d\d:\d\d: ended by signal 9\. It is started again", text)


def test_without_the_supervisor_the_page_says_who_knows(client):
    assert "kept alive by the system that started it" in page(client)


def test_a_silent_worker_is_a_problem_and_a_lively_one_is_not(client):
    live.heartbeat("worker")
    assert re.search(r"The worker reported [01] s ago\.", page(client))
    live.connect().hset(live.HEARTBEATS, "worker", str(time.time() - 100))
    assert "The worker is silent since" in page(client)


def test_readings_that_wait_for_the_database_are_counted(client):
    live.set_process_state("read_meters", {"spool_bytes": 3 << 20, "spool_oldest": time.time() - 60, "database": "away", "refusing": None})
    assert re.search(r"3\.0 MB since [-:\d ]+ wait on disk for the database\. None is lost", page(client))


def test_refused_readings_are_the_first_problem(client):
    live.set_process_state("read_meters", {"spool_bytes": 1, "spool_oldest": None, "database": "ok", "refusing": "Free some disk space."})
    attention = page(client).partition("Meters")[0]
    assert "New readings are refused. Free some disk space." in attention


def test_undecodable_telegrams_of_the_last_day_are_counted_by_reason(client):
    meter = make_meter()
    now = timezone.now()
    for reason, age_h in [("checksum", 1), ("checksum", 2), ("number", 3), ("checksum", 25)]:
        UndecodableTelegram.objects.create(meter=meter, received=now - timedelta(hours=age_h), reason=reason, raw=b"/")
    text = page(client)
    assert "wrong checksum 2 a number that cannot be read 1" in text
    assert "Look at them" in text
    assert "Look at them" not in page(client, "viewer")


def test_the_database_its_size_and_the_versions_are_told(client):
    text = page(client)
    assert re.search(r"Database PostgreSQL \d\d\.\d+, [\d.]+ MB\.", text)
    assert re.search(r"Valkey \d+\.\d+", text)
    assert f"Energysite {settings.VERSION}" in text


def test_what_waits_what_failed_and_how_the_database_grows_is_told(client):
    source = make_source(make_meter())
    assert "All blocks are computed as far as their readings go." in page(client)
    now = timezone.now().replace(microsecond=0)
    electricity(source, [(now - timedelta(seconds=10 * i), i) for i in range(360)])
    for start, state, reason in ((now - timedelta(hours=3), "todo", None), (now - timedelta(hours=2), "faulty", {"code": "out_of_range"})):
        Block.objects.create(source=source, length_s=900, start=start, end=start + timedelta(minutes=15), state=state, reason=reason)
    text = page(client)
    attention = text.partition("Meters")[0]
    assert f"{source.name} 1 block could not be computed. 1 block waits to be computed, from " in attention
    assert "More energy than a block can hold." in attention
    assert re.search(r"It grows by [\d.]+ (KB|MB) a day; in a year it takes about [\d.]+ (MB|GB)\.", text)
    assert "Look at the blocks" in text
    assert "Look at the blocks" not in page(client, "viewer")
