"""Pages of a process that starts while the database or Valkey is away: separate processes, real servers, none patched."""

import json
import os
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from energysite import live
from tests.meters.rows import electricity, make_meter, make_source

ASK = """
import json, sys, time
import django
django.setup()
from django.test import Client
client = Client(headers={"host": "localhost"})
answers = {}
for path in sys.argv[1:]:
    began = time.monotonic()
    response = client.get(path)
    answers[path] = [response.status_code, response.content.decode(), time.monotonic() - began]
print(json.dumps(answers))
"""


def ask(*paths: str, **environment: str) -> dict[str, list]:
    """path -> [status, body, seconds], from a fresh process of the demo house."""
    done = subprocess.run(
        [sys.executable, "-c", ASK, *paths],
        env={**os.environ, "MODE": "demo", "DJANGO_SETTINGS_MODULE": "energysite.settings", "LOG_LEVEL": "error", **environment},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def frame():
    client = live.connect()
    now = time.time()
    live.Publisher().frame("Main", {"source": "Main", "time": int(now), "received": now, "import_w": 0, "export_w": 1840})
    yield
    client.delete(live.LAST)


def test_without_the_database_the_page_shows_live_values_and_says_what_happens_to_history(frame):
    nowhere = "postgresql://energysite@/energysite?host=/nonexistent"
    answers = ask("/", "/health/", "/data/day/", "/data/readings/?since=1&until=2", DATABASE_URL=nowhere)
    status, html, _seconds = answers["/"]
    assert status == 200
    assert "Live works; history is kept on disk and returns." in html
    assert "1.84" in html
    status, html, seconds = answers["/health/"]
    assert status == 200
    assert "It does not answer." in html
    assert seconds < 6, "one time-out of the pool at most"
    for path in ("/data/day/", "/data/readings/?since=1&until=2"):
        status, body, _seconds = answers[path]
        assert (status, json.loads(body)["error"]) == (503, "The database is away. Live works; history is kept on disk and returns.")


@pytest.mark.django_db(transaction=True)
def test_without_valkey_the_page_shows_the_newest_reading_and_says_how_often_it_refreshes():
    electricity(make_source(make_meter()), [(timezone.now() - timedelta(seconds=20), {"power_w": 2340, "import_t1_wh": 5})])
    database = connection.settings_dict
    url = f"postgresql://{database['USER']}@/{database['NAME']}?host={database['HOST']}"
    answers = ask("/", "/health/", DATABASE_URL=url, REDIS_URL="unix:///nonexistent/valkey.sock")
    status, html, _seconds = answers["/"]
    assert status == 200
    assert "Live updates are away. Numbers refresh every 10 s." in html
    assert "2.34" in html
    status, html, _seconds = answers["/health/"]
    assert status == 200
    assert "Valkey does not answer." in html
