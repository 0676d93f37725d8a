"""The solar page of a process that starts while the database or Valkey is away."""

import json
import time

import pytest
from django.db import connection

from tests.dashboard.solar.house import make_inverter
from tests.dashboard.test_away import ask


def test_without_the_database_the_page_stands_there_and_says_so() -> None:
    answers = ask("/solar/", "/data/solar/", DATABASE_URL="postgresql://energysite@/energysite?host=/nonexistent")
    status, html, _seconds = answers["/solar/"]
    assert status == 200
    assert "These numbers need the database, which is away." in html
    assert "Live works; history is kept on disk and returns." in html
    status, body, _seconds = answers["/data/solar/"]
    assert (status, json.loads(body)["error"]) == (503, "The database is away. Live works; history is kept on disk and returns.")


@pytest.mark.django_db(transaction=True)
def test_without_valkey_the_state_that_was_stored_last_is_told() -> None:
    inverter, _source = make_inverter()
    inverter.state.state = {"status": "error", "error": "It refuses.", "at": time.time(), "last_success": time.time() - 7200}
    inverter.state.save()
    database = connection.settings_dict
    url = f"postgresql://{database['USER']}@/{database['NAME']}?host={database['HOST']}"
    status, html, seconds = ask("/solar/", DATABASE_URL=url, REDIS_URL="unix:///nonexistent/valkey.sock")["/solar/"]
    assert status == 200
    assert "It refuses." in html
    assert "2 h ago" in html or "120 min ago" in html
    assert seconds < 6
