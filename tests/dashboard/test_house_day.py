"""What the house made and used today and on other days, as the page "/" tells it."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dashboard import payloads
from energysite import live, timegrid
from energysite.models import House
from energysite.permissions import MEMBER, Actor
from energysite.timegrid import QUARTER
from meters.totals import cache
from solar import house_now
from tests.dashboard.balanced import ROOF_WH, grid, made, make_battery, make_inverter, metered, quarters, say, stored
from tests.meters.rows import make_meter

pytestmark = pytest.mark.django_db
BRUSSELS = ZoneInfo("Europe/Brussels")
DAY = date(2026, 7, 14)
START = timegrid.midnight(DAY, BRUSSELS)
NOON = START + timedelta(hours=13)
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def nothing_told():
    live.client().flushdb()
    yield
    live.client().flushdb()


def page(now=NOON, day=None):
    return payloads.now(Actor("m", MEMBER), day, lambda: now)["balance"]


def told_at(now):
    frame = house_now.tell(now)
    assert frame is not None
    return frame


def sunny(now=NOON):
    """Since midnight 2 kWh came, 9 kWh went, the roof made 14 kWh."""
    _meter, electric = metered([(START - SECOND, grid()), (START, grid()), (now, grid(2000, 9000))])
    inverter, roof = make_inverter()
    made(roof, [(START - SECOND, 0), (START, 0), (now, 14_000)])
    return inverter, electric, roof


def tell(now=NOON, imported=2000, exported=9000, sun=14_000, **inverter):
    """The frames of now, and the balance that they make."""
    say("Main", now - SECOND, import_w=0, export_w=1800, **grid(imported, exported))
    told = inverter or {"power_w": 3600, "total_wh": ROOF_WH + sun}
    say("Roof", now, kind="inverter", condition="producing", period_s=10, **told)
    return told_at(now)


def test_today_is_what_the_counters_counted_since_midnight_and_its_shares():
    sunny()
    tell()
    found = page()
    assert (found["live"], found["frame"]["use_w"]) == (True, 1800)
    day = found["day"]
    assert (day.solar_wh, day.use_wh, day.known_s) == (14_000, 7000, None)
    assert (day.self_consumption, day.self_sufficiency) == (pytest.approx(5 / 14), pytest.approx(5 / 7))


def test_today_counts_on_with_the_live_counters_from_where_they_stood_at_midnight():
    sunny()
    tell(imported=2010, exported=9100, sun=14_300)
    day = page()["day"]
    assert (day.solar_wh, day.use_wh) == (14_300, 14_300 + 2010 - 9100)
    assert day.bases == {"import_wh": 1_500_000, "export_wh": 400_000, "solar_wh": ROOF_WH, "charge_wh": 0, "discharge_wh": 0}
    assert day.parts == {"import_wh": 2010, "export_wh": 9100, "solar_wh": 14_300, "charge_wh": 0, "discharge_wh": 0}


def test_a_house_without_an_inverter_has_no_balance():
    metered([(START, grid()), (NOON, grid(2000))])
    assert page() is None
    assert page(day=DAY - timedelta(days=1)) is None


def test_a_sun_costs_the_page_no_statement():
    metered([(START - SECOND, grid()), (NOON, grid(2000, 9000))])
    tell()
    page()
    with CaptureQueriesContext(connection) as without:
        page()
    _inverter, roof = make_inverter()
    made(roof, [(START - SECOND, 0), (NOON, 14_000)])
    tell()
    page()
    with CaptureQueriesContext(connection) as asked:
        assert page()["day"].use_wh == 7000
    assert len(asked) == len(without)


def test_an_inverter_that_is_silent_leaves_the_quarters_that_are_known_and_says_how_much_of_the_day_they_are():
    _inverter, electric, roof = sunny()
    quarters(electric, START, [(0, 0, 100, 0)] * 52)
    quarters(roof, START, [(300,)] * 40)
    tell(now=NOON - timedelta(minutes=9))
    say("Main", NOON - SECOND, import_w=0, export_w=1800, **grid(2000, 9000))
    found = page()
    assert (found["frame"]["unknown"], found["frame"]["of"]) == ("solar_silent", "Roof")
    assert "use_w" not in found["frame"]
    day = found["day"]
    assert (day.solar_wh, day.use_wh, day.known_s, day.bases) == (14_000, 40 * 200, 40 * 900, {})


def test_on_its_first_day_use_is_known_from_the_inverters_first_quarter_on():
    _meter, electric = metered([(START - SECOND, grid()), (START, grid()), (NOON, grid(2000, 9000))])
    _inverter, roof = make_inverter()
    made(roof, [(NOON - 4 * QUARTER, 0), (NOON, 1200)])
    quarters(electric, START, [(0, 0, 100, 0)] * 52)
    quarters(roof, NOON - 4 * QUARTER, [(300,)] * 4)
    tell(sun=1200)
    day = page()["day"]
    assert (day.solar_wh, day.use_wh, day.known_s, day.bases) == (1200, 800, 3600, {})


def test_before_dawn_the_sun_has_made_nothing_and_use_counts_all_the_same():
    early = START + timedelta(hours=3)
    metered([(START - SECOND, grid()), (START, grid()), (early, grid(600))])
    _inverter, roof = make_inverter()
    made(roof, [(START - timedelta(hours=4), -50), (START - timedelta(hours=2), 0)])
    say("Main", early - SECOND, import_w=200, export_w=0, **grid(600))
    say("Roof", early, kind="inverter", condition="asleep", period_s=10)
    told = told_at(early)
    assert (told["use_w"], told["asleep"]) == (200, True)
    assert datetime.fromtimestamp(told["dawn"], UTC).astimezone(BRUSSELS).hour == 5
    day = page(early)["day"]
    assert (day.solar_wh, day.use_wh, day.self_sufficiency, day.self_consumption) == (0, 600, 0.0, None)
    assert day.bases["solar_wh"] == ROOF_WH


def test_a_battery_splits_today_by_its_quarters():
    inverter, electric, roof = sunny()
    battery = make_battery(inverter)
    stored(battery, [(START - SECOND, 0, 0), (START, 0, 0), (NOON, 5000, 1000)])
    quarters(electric, START, [(0, 0, 0, 0), (100, 0, 0, 0)])
    quarters(roof, START, [(1000,), (0,)])
    quarters(battery, START, [(800, 0), (0, 300)])
    tell(power_w=3600, total_wh=ROOF_WH + 14_000, battery_w=500, charge_wh=5000, discharge_wh=1000)
    day = page()["day"]
    assert (day.solar_wh, day.use_wh) == (14_000, 2000 + 14_000 + 1000 - 9000 - 5000)
    assert (day.self_consumption, day.self_sufficiency) == (1.0, pytest.approx(500 / 600))
    assert (day.bases["charge_wh"], day.parts["discharge_wh"]) == (0, 1000)


def test_a_battery_that_nobody_reads_leaves_the_sun_and_no_use():
    House.objects.update_or_create(pk=1, defaults={"unread_battery": True})
    _inverter, electric, roof = sunny()
    tell()
    found = page()
    assert (found["frame"]["unknown"], found["frame"]["solar_w"]) == ("battery_unread", 3600)
    assert (found["day"].solar_wh, found["day"].use_wh, found["day"].self_consumption, found["day"].bases) == (14_000, None, None, {})
    quarters(electric, START, [(0, 0, 100, 0)] * 96)
    quarters(roof, START, [(300,)] * 96)
    over = page(NOON + timedelta(days=1), DAY)
    assert (over["day"].solar_wh, over["day"].use_wh) == (300 * 96, None)


def test_a_day_that_is_over_is_the_sum_of_its_quarters_and_asked_again_takes_no_more_sql():
    cache.forget_all()
    _inverter, electric, roof = sunny()
    quarters(electric, START, [(10, 0, 100, 0)] * 96)
    quarters(roof, START, [(300,)] * 40)
    later = NOON + timedelta(days=3)
    found = page(later, DAY)
    assert (found["live"], found["frame"]) == (False, None)
    assert (found["day"].solar_wh, found["day"].use_wh, found["day"].known_s) == (40 * 300, 40 * 210, 40 * 900)
    quarters(roof, START + 40 * QUARTER, [(300,)] * 56, counted=40 * 300)
    assert page(later, DAY)["day"].use_wh == 96 * 210
    with CaptureQueriesContext(connection) as asked:
        page(later, DAY)
    assert not [query for query in asked.captured_queries if "exported_stored" in query["sql"]]


def test_several_meters_are_one_house_and_one_that_is_switched_off_makes_today_a_matter_of_quarters():
    sunny()
    tell()
    garage = make_meter("Garage", enabled=False)
    assert page()["day"].use_wh == 7000
    garage.enabled = True
    garage.save()
    assert page()["frame"]["use_w"] == 1800  # told before the garage was there
    assert told_at(NOON)["unknown"] == "meter_silent"


def test_while_valkey_is_away_the_page_still_knows_the_quarters(monkeypatch):
    _inverter, electric, roof = sunny()
    quarters(electric, START, [(0, 0, 100, 0)] * 52)
    quarters(roof, START, [(300,)] * 52)
    monkeypatch.setattr(payloads, "_told", lambda: (None, None))
    found = page()
    assert found["frame"] is None
    assert (found["day"].solar_wh, found["day"].use_wh) == (14_000, 52 * 200)
