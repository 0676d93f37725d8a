import json
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dashboard import payloads
from energysite import live, timegrid
from energysite.permissions import MEMBER, OWNER, Actor
from meters.models import Meter
from tests.meters.rows import electricity, make_meter, make_source, volume

pytestmark = pytest.mark.django_db
BRUSSELS = ZoneInfo("Europe/Brussels")
DAY = date(2026, 7, 14)
START = timegrid.midnight(DAY, BRUSSELS)
MEMBER_ACTOR = Actor("m", MEMBER)


def seconds(n):
    return timedelta(seconds=n)


def at(instant):
    return lambda: instant


@pytest.fixture(autouse=True)
def no_frames():
    client = live.connect()
    client.delete(live.LAST)
    yield client
    client.delete(live.LAST)


@pytest.fixture
def house_with_gas():
    meter = make_meter()
    rows = [
        (START - seconds(1), {"import_t1_wh": 1000, "import_t2_wh": 500, "export_t1_wh": 70, "export_t2_wh": 7, "power_w": 300}),
        (START + seconds(1), {"import_t1_wh": 1002, "import_t2_wh": 500, "export_t1_wh": 70, "export_t2_wh": 7, "power_w": 300}),
        (START + seconds(36000), {"import_t1_wh": 1801, "import_t2_wh": 530, "export_t1_wh": 90, "export_t2_wh": 8, "power_w": -1840}),
    ]
    electricity(make_source(meter), rows)
    volume(make_source(meter, "gas", "g"), [(START - seconds(300), 9000), (START + seconds(32400), 9400)])
    return meter


def test_today_has_totals_by_counter_difference_and_the_times_of_the_last_volumes(house_with_gas):
    payload = payloads.now(MEMBER_ACTOR, None, at(START + seconds(36005)))
    assert (payload["date"], payload["is_today"], payload["next"], payload["zone"]) == (DAY, True, None, "Europe/Brussels")
    assert payload["previous"] == DAY - timedelta(days=1)
    [meter] = payload["meters"]
    assert meter["totals"] == {
        "import_t1_wh": 800,
        "import_t2_wh": 30,
        "export_t1_wh": 20,
        "export_t2_wh": 1,
        "import_wh": 830,
        "export_wh": 21,
        "gas_l": 397,
    }
    assert (meter["counts_from"], meter["gas_at"], meter["water_at"]) == (None, "09:00", None)


def test_the_live_frame_gives_the_word_and_the_number(house_with_gas):
    now = START + seconds(36005)
    frame = {"source": "Main", "time": int(now.timestamp()) - 2, "received": now.timestamp() - 1.2, "import_w": 0, "export_w": 1840}
    live.Publisher().frame("Main", frame)
    [meter] = payloads.now(MEMBER_ACTOR, None, at(now))["meters"]
    assert (meter["frame"], meter["word"], meter["power_w"], meter["age_s"]) == (frame, "injecting", 1840, 1.2)


@pytest.mark.parametrize(("import_w", "export_w", "word"), [(5, 0, "importing"), (0, 5, "injecting"), (0, 0, "balanced")])
def test_the_word_follows_the_net_power(import_w, export_w, word):
    make_meter()
    live.Publisher().frame("Main", {"source": "Main", "time": 1, "received": 1.0, "import_w": import_w, "export_w": export_w})
    [meter] = payloads.now(MEMBER_ACTOR, None, at(START))["meters"]
    assert meter["word"] == word


def test_without_a_live_frame_the_newest_reading_stands_in_with_its_time(house_with_gas):
    [meter] = payloads.now(MEMBER_ACTOR, None, at(START + seconds(36090)))["meters"]
    assert meter["frame"]["stored"] is True
    assert meter["frame"]["time"] == int(START.timestamp()) + 36000
    assert (meter["word"], meter["power_w"], meter["age_s"]) == ("injecting", 1840, 90.0)
    assert (meter["frame"]["gas_l"], meter["frame"]["import_t1_wh"]) == (9400, 1801)


def test_the_first_day_says_from_when_it_counts_and_has_no_day_before_it(house_with_gas):
    payload = payloads.now(MEMBER_ACTOR, DAY - timedelta(days=1), at(START + seconds(36005)))
    [meter] = payload["meters"]
    assert (meter["counts_from"], meter["totals"]["import_wh"]) == ("23:59", 1)
    assert (payload["previous"], payload["next"], payload["is_today"]) == (None, DAY, False)


def test_a_meter_that_is_switched_off_shows_on_the_days_it_counted(house_with_gas):
    Meter.objects.update(enabled=False)
    assert [meter["name"] for meter in payloads.now(MEMBER_ACTOR, DAY, at(START + seconds(40000)))["meters"]] == ["Main"]
    assert payloads.now(MEMBER_ACTOR, DAY + timedelta(days=5), at(START + timedelta(days=5)))["meters"] == []


def test_days_that_no_meter_can_have_seen_ask_for_nothing(house_with_gas):
    for day in (date.min, date(2007, 12, 31), date(2026, 7, 20), date.max - timedelta(days=1)):
        assert payloads.now(MEMBER_ACTOR, day, at(START + seconds(36005)))["meters"] == []


def test_only_owners_may_configure():
    assert payloads.now(Actor("o", OWNER), None, at(START))["may_configure"] is True
    assert payloads.now(MEMBER_ACTOR, None, at(START))["may_configure"] is False


def test_a_counter_that_went_back_leaves_its_direction_out():
    meter = make_meter()
    rows = [
        (START, {"import_t1_wh": 900, "import_t2_wh": 1, "export_t1_wh": 5}),
        (START + seconds(9), {"import_t1_wh": 3, "import_t2_wh": 2, "export_t1_wh": 6}),
    ]
    electricity(make_source(meter), rows)
    [shown] = payloads.now(MEMBER_ACTOR, DAY, at(START + seconds(100)))["meters"]
    assert shown["totals"] == {"import_t2_wh": 1, "export_t1_wh": 1, "export_wh": 1}


def test_day_data_covers_the_whole_day_with_nulls_where_nothing_was_read(house_with_gas):
    data = payloads.day_data(DAY, at(START + seconds(36005)))
    assert (data["date"], data["end"] - data["start"], data["step"]) == ("2026-07-14", 86400, 120)
    [series] = data["series"]
    assert len(series["w"]) == 720
    assert {i: w for i, w in enumerate(series["w"]) if w is not None} == {0: 300, 300: -1840}


def test_a_meter_that_keeps_a_reading_every_five_minutes_gets_steps_of_five_minutes():
    meter = make_meter(take=Meter.Take.MEAN, slot_s=300)
    electricity(make_source(meter), [(START + seconds(300 * i), {"power_w": i}) for i in range(3)])
    data = payloads.day_data(DAY, at(START + seconds(900)))
    assert (data["step"], data["series"][0]["w"][:4], len(data["series"][0]["w"])) == (300, [0, 1, 2, None], 288)


def test_a_day_of_one_hertz_noise_weighs_less_than_3_kb_gzipped():
    import gzip
    import random

    rng = random.Random(1)
    noisy = [round(rng.gauss(0, 2500)) for _ in range(720)]
    data = {"date": "2026-07-14", "start": 1, "end": 2, "step": 120, "series": [{"meter": "Main", "w": noisy}]}
    assert len(gzip.compress(json.dumps(data, separators=(",", ":")).encode(), 6)) <= 3000


def test_readings_end_after_two_hours_and_say_where(house_with_gas):
    begin = int(START.timestamp())
    data = payloads.readings_data(begin - 1, begin + 40000)
    assert data == {
        "series": [{"meter": "Main", "points": [(begin - 1, 300), (begin + 1, 300)]}],
        "last": begin + 1,
        "until": begin - 1 + 7200,
        "truncated": True,
    }
    assert payloads.readings_data(begin + 36000, begin + 36000)["truncated"] is False


def test_readings_of_an_empty_span_have_no_last():
    assert payloads.readings_data(1_790_000_000, 1_790_000_100) == {"series": [], "last": None, "until": 1_790_000_100, "truncated": False}


def test_two_meters_have_a_series_each():
    for name in ("A", "B"):
        electricity(make_source(make_meter(name)), [(START + seconds(1), {"power_w": ord(name)})])
    data = payloads.day_data(DAY, at(datetime(2026, 7, 15, 12, tzinfo=UTC)))
    assert [(series["meter"], series["w"][0]) for series in data["series"]] == [("A", 65), ("B", 66)]
