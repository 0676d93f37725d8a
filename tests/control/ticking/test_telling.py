"""What pages and programs hear of controllers: frames that fit, states with their trouble in words, and what pages may ask."""

import json
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_celery_beat.models import PeriodicTask

from control import queries
from control.models import ControllerDay, Decision, Switch
from control.rules.facts import Decision as Decided
from control.rules.facts import Device, Grid, Load, Override, Said, Snapshot
from control.ticking import overrides, telling
from control.ticking.house_told import TICKING
from control.ticking.recording import Day
from energysite import agents, live
from energysite.models import AuditEntry
from tests.control.ticking.house import ANN, BOB, EVE, NOON, held, make_controller, wipe

AT = NOON.timestamp()
DECIDED = Decided(1, 1.0, "strategy", Said("surplus_above", {"surplus_w": 2640, "above_w": 1200, "for_s": 300}), 1.0, surplus_w=2640)
DEVICE = Device(level=1.0, read=1.0, power_w=1980, changed_s=60)


def seen(device: Device | None = DEVICE) -> Snapshot:
    return Snapshot(at=AT, mono=1.0, grid=Grid(), devices={} if device is None else {1: device})


def state(device: Device | None = DEVICE, *, dry_run: bool = False) -> dict[str, object]:
    return telling.state_of(Load(1, "Car", dry_run=dry_run), DECIDED, seen(device), None, Day(energy_wh=1999.6, solar_wh=1500), 0.0)


@pytest.fixture
def _nothing_told():
    wipe()
    yield
    wipe()


@pytest.mark.parametrize("name", ["Car", "x" * 80, "漢" * 80], ids=["short", "long", "wide"])
@pytest.mark.parametrize("params", [{}, {"by": "ü" * 150, "until_at": AT}, {f"number_{i}_w": 123_456 for i in range(30)}])
def test_a_frame_of_a_controller_has_450_bytes_at_most(name, params):
    decided = Decided(1, 1.0, "override", Said("button_on", params), 1.0, next_at=AT + 7200.123456, surplus_w=-12_345)
    frame = telling.frame_of(Load(1, name), decided, seen(), Override(1.0, AT + 7200.5, "x"), NOON)
    on_the_wire = json.dumps({"type": "frame", "full": True, **frame}, separators=(",", ":"), ensure_ascii=False)
    assert len(on_the_wire.encode()) <= 450
    assert (frame["source"], frame["kind"], frame["level"], frame["code"]) == (name, "control", 1.0, "button_on")


def test_a_frame_tells_the_sentence_where_there_is_room():
    frame = telling.frame_of(Load(1, "Car"), DECIDED, seen(), None, NOON)
    assert (frame["params"]["surplus_w"], frame["power_w"], frame["mode"], frame["dry"]) == (2640, 1980, "auto", False)


def test_a_state_says_what_was_decided_and_what_the_day_brought():
    told = state()
    assert (told["status"], told["error"], told["code"], told["energy_wh"], told["solar_wh"]) == ("on", None, "surplus_above", 2000, 1500)
    assert json.dumps(told)


@pytest.mark.parametrize(
    ("device", "words"),
    [
        (None, "has not told"),
        (Device(reachable=False), "does not answer"),
        (Device(locked="over_temperature"), "overheated"),
        (Device(told_s=40.0), "told nothing for 40"),
    ],
)
def test_what_a_person_should_do_something_about_is_an_error_in_words(device, words):
    told = state(device)
    assert told["status"] == "error"
    assert words in str(told["error"])
    assert state(device, dry_run=True)["status"] == "dry_run"


def test_an_outputs_trouble_is_said_in_its_words():
    told = telling.output_state(
        {"level": 0, "reachable": False, "error": {"text": "%(host)s does not answer.", "params": {"host": "10.0.0.9"}}}
    )
    assert (told["status"], told["error"]) == ("error", "10.0.0.9 does not answer.")
    assert telling.output_state({"level": 1, "reachable": True, "error": None})["status"] == "on"


@pytest.mark.django_db
@pytest.mark.usefixtures("_nothing_told")
def test_a_page_hears_everything_of_each_controller_in_order_of_priority():
    second, first = make_controller("Second", priority=5), make_controller("First", priority=1)
    overrides.begin(BOB, first, 1.0, NOON + timedelta(hours=1), NOON)
    ControllerDay.objects.create(controller=first, local_date=date(2026, 7, 14), energy_wh=2000, solar_wh=1500, grid_wh=500)
    held("First plug", power_w=900)
    live.client().hset(TICKING, "tick", json.dumps({"at": AT, "took_s": 0.03, "late_s": 0.0, "loads": 2}))
    agents.report("First", code="mode_on", params={})
    with CaptureQueriesContext(connection) as asked:
        found = queries.overview(NOON + timedelta(seconds=12))
    assert len(asked) <= 6
    assert [one.row for one in found.controllers] == [first, second]
    one = found.controllers[0]
    assert one.override is not None
    assert (one.state["code"], one.held["power_w"], one.solar_pct, one.override.by) == ("mode_on", 900, 75, "bob")
    assert (found.tick["loads"], found.live, found.copied) == (2, True, False)
    assert (found.controllers[1].override, found.controllers[1].solar_pct, found.controllers[1].silent_s(NOON)) == (None, None, None)
    assert queries.overview(NOON + timedelta(hours=1)).controllers[0].override is None, "its end has come, whatever the tick did"


@pytest.mark.django_db
def test_the_log_is_read_a_page_at_a_time():
    car = make_controller()
    for second in range(5):
        given = {"level": 0, "wish": 0, "rule": "mode", "code": f"c{second}", "dry_run": False}
        Decision.objects.create(controller=car, time=NOON + timedelta(seconds=second), **given)
    newest = queries.decisions(car, limit=2)
    assert [one.code for one in newest] == ["c4", "c3"]
    assert [one.code for one in queries.decisions(car, before=newest[-1].time, limit=2)] == ["c2", "c1"]
    Switch.objects.create(output=car.output, time=NOON, level=1, cause="leased")
    assert len(queries.switches(car.output, NOON, NOON + timedelta(seconds=1))) == 1
    assert queries.switches(car.output, NOON - timedelta(days=1), NOON) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("actor", "message", "words"),
    [
        (EVE, {"command": "set_config", "values": {"mode": "on"}, "version": 1}, "Ask the owner"),
        (ANN, {"command": "set_config", "values": {"mood": "on"}, "version": 1}, "no such setting"),
        (ANN, {"command": "set_config", "values": {"mode": 1}, "version": 1}, "is not text"),
        (ANN, {"command": "set_config", "values": {"mode": "on"}, "version": 7}, "version 1, you had 7"),
        (ANN, {"command": "switch", "level": 1}, "get_states, get_config or set_config"),
        (ANN, {"command": "get_states", "level": 1}, "takes no"),
    ],
)
def test_a_socket_is_told_what_was_wrong_and_nothing_is_switched(actor, message, words):
    make_controller()
    answer = agents.answer(lambda: actor, "Car", json.dumps(message))
    assert answer["ok"] is False
    assert words in answer["error"]
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db
def test_ticks_older_than_a_period_are_dropped_by_rule_12():
    make_controller(period_s=30)
    row = PeriodicTask.objects.get(name="agent: Car")
    assert (row.task, row.expire_seconds, row.interval.every) == ("control.tasks.tick", 30, 30)


@pytest.mark.django_db
@pytest.mark.usefixtures("_nothing_told")
def test_a_person_who_says_what_is_wanted_ends_a_pause_but_no_lock_by_rule_7():
    car = make_controller()
    held("Car plug", paused=True)
    overrides.set_mode(BOB, "Car", "auto", 1)
    car.output.refresh_from_db()
    assert car.output.release == 1
    held("Car plug", paused=True, locked="over_temperature")
    overrides.begin(BOB, car, 1.0, None, NOON)
    car.output.refresh_from_db()
    assert car.output.release == 1, "somebody has to look at it first"
