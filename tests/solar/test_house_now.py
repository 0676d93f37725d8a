"""The live balance on real servers: what is configured, what was told last, and what a page hears of it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dashboard import health_facts, payloads
from energysite import agent_states, agents, database, kept, live
from energysite.models import House
from energysite.permissions import MEMBER, Actor
from meters.models import Meter, Source
from solar import house_now
from solar.models import Inverter, InverterSource
from tests.meters.rows import make_meter

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 7, 14, 10, tzinfo=UTC)
NIGHT = datetime(2026, 7, 14, 23, tzinfo=UTC)


@pytest.fixture(autouse=True)
def nothing_told():
    live.client().flushdb()
    kept.forget_all()
    yield
    live.client().flushdb()
    kept.forget_all()


def make_inverter(name="Roof", **fields):
    return agents.create(Inverter, name=name, **{"family": "fronius", "address": "http://192.168.1.20", "period_s": 10, **fields})


def tell(at):
    frame = house_now.tell(at)
    assert frame is not None
    return frame


def say(name, at, **values):
    live.publisher().frame(name, {"source": name, "time": int(at.timestamp()), "received": at.timestamp(), **values})


def test_the_balance_is_kept_beside_the_frames_it_is_made_of():
    make_meter()
    make_inverter()
    say("Main", NOON - timedelta(seconds=0.6), import_w=0, export_w=1840, export_t1_wh=5)
    say("Roof", NOON, kind="inverter", condition="producing", power_w=3600)
    told = tell(NOON)
    assert (told["use_w"], told["solar_w"]) == (1760, 3600)
    assert live.last_frames()["house/balance"] == told


def test_a_balance_takes_no_sql_but_twice_a_minute():
    make_meter()
    make_inverter()
    say("Main", NOON, import_w=1, export_w=0)
    say("Roof", NOON, kind="inverter", power_w=1)
    tell(NOON)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert tell(NOON)["use_w"] == 2
    assert len(asked) == 0


def test_while_the_database_is_away_what_was_known_still_holds(monkeypatch):
    make_meter()
    make_inverter()
    say("Main", NOON, import_w=1, export_w=0)
    say("Roof", NOON, kind="inverter", power_w=1)
    assert tell(NOON)["use_w"] == 2
    monkeypatch.setattr(database, "_retry_at", float("inf"))
    kept.forget_all()
    assert tell(NOON)["use_w"] == 2


def test_a_battery_of_the_house_that_is_not_told_makes_use_unknown():
    make_meter()
    inverter = make_inverter()
    battery = Source.objects.create(kind="battery", medium="battery", name="Roof battery")
    InverterSource.objects.create(inverter=inverter, source=battery)
    say("Main", NOON, import_w=1, export_w=0)
    say("Roof", NOON, kind="inverter", power_w=1)
    assert tell(NOON)["unknown"] == "battery_silent"
    say("Roof", NOON, kind="inverter", power_w=1, battery_w=30)
    assert tell(NOON)["use_w"] == 32


def test_a_battery_that_nobody_reads_is_the_houses_own_word():
    House.objects.update_or_create(pk=1, defaults={"unread_battery": True})
    make_meter()
    make_inverter()
    say("Main", NOON, import_w=1, export_w=0)
    say("Roof", NOON, kind="inverter", power_w=1)
    assert tell(NOON)["unknown"] == "battery_unread"


def test_an_inverter_that_its_agent_calls_asleep_makes_nothing_at_night():
    make_meter()
    make_inverter()
    agent_states.tell("Roof", {"status": "asleep"})
    say("Main", NIGHT, import_w=250, export_w=0)
    assert tell(NIGHT)["use_w"] == 250
    say("Main", NOON, import_w=250, export_w=0)
    assert tell(NOON)["unknown"] == "solar_silent"


def test_a_meter_whose_dialect_is_slow_may_be_twenty_seconds_old():
    make_meter()
    make_inverter()
    say("Main", NOON - timedelta(seconds=12), import_w=1, export_w=0)
    say("Roof", NOON, kind="inverter", power_w=1)
    assert tell(NOON)["unknown"] == "meter_silent"
    agent_states.tell("Main", {"dialect": "v4"})
    assert tell(NOON)["use_w"] == 2


def test_a_meter_that_is_switched_off_is_not_waited_for():
    make_meter()
    make_meter("Old", enabled=False)
    say("Main", NOON, import_w=7, export_w=0)
    assert tell(NOON)["use_w"] == 7
    Meter.objects.get(name="Main").delete()
    assert tell(NOON)["unknown"] == "no_meter"


def test_what_an_inverter_says_is_never_taken_for_a_meters(monkeypatch):
    make_meter()
    say("Main", NOON, import_w=7, export_w=0)
    say("Roof", NOON, kind="inverter", power_w=1)
    say("Tank", NOON, kind="analog", value=1.5, unit="bar")
    say("Sky", NOON, kind="weather", temperature_c=21)
    tell(NOON)
    assert set(live.last_frames()) == {"Main", "Roof", "Tank", "Sky", "house/balance"}
    assert set((health_facts.gather(lambda: NOON).lively or health_facts.Lively("")).frames) == {"Main"}
    monkeypatch.setattr(database, "_retry_at", float("inf"))
    assert [meter["name"] for meter in payloads.now(Actor("m", MEMBER), None, lambda: NOON)["meters"]] == ["Main"]
