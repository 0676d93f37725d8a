from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.utils import translation

from dashboard import ages, health_words, room
from dashboard.health_facts import Facts

GB = 1 << 30


def line(days: float | None) -> health_words.Line:
    disk = room.Room(Path("/data"), 32 * GB, 5 * GB, days)
    facts = Facts(datetime.now(UTC), None, None, None, True, [disk], [], {})
    return next(one for one in health_words.storage(facts) if one.title == "Disk")


def test_the_forecast_counts_down_to_where_readings_are_refused(tmp_path):
    free = room.room(tmp_path, 1.0).free_bytes
    assert room.room(tmp_path, 1_000_000.0).days == pytest.approx((free - room.RESERVE_BYTES) / 1e6, rel=0.01)
    assert room.room(tmp_path, 0.0).days is None


def test_a_spool_that_grows_fills_the_disk_at_its_own_rate():
    assert room.growth_of_spool(3_600_000, 1000.0, 4600.0) == 1000 * room.DAY_S
    assert room.growth_of_spool(3_600_000, None, 4600.0) == 0
    assert room.growth_of_spool(10, 4600.0, 4600.0) == 0


@pytest.mark.parametrize(
    ("days", "state", "text"),
    [
        (2.9, "bad", "Room for 2 days."),
        (6.2, "warn", "Room for 6 days."),
        (400.0, "well", "Room for 400 days."),
        (4000.0, "well", "Room for more than 10 years."),
    ],
)
def test_the_disk_says_for_how_long_it_lasts(days, state, text):
    with translation.override("en"):
        told = line(days)
    assert (told.state, told.text) == (state, text)
    assert ("Make room" in told.more) == (state != "well")


def test_a_disk_on_which_nothing_is_written_has_no_forecast():
    assert line(None).text == "5.0 GB of 32.0 GB free."


@pytest.mark.parametrize(
    ("seconds", "words"), [(-3, "0 s"), (119.9, "119 s"), (120, "2 min"), (7200, "2 h"), (172_800, "2 days"), (400 * 86_400, "400 days")]
)
def test_lengths_of_time_in_words(seconds, words):
    assert ages.length(seconds) == words
