"""A controller's settings: what goes together, what the sockets may set, and its page in the admin."""

import json
from datetime import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.test import Client

from control.models import Controller, Decision, Departure, Output
from energysite import agents, confirm
from energysite.agents import NotAllowed, Refused, StaleVersion
from energysite.models import AuditEntry
from meters.models import AnalogInput
from tests.control.ticking.house import ANN, BOB, EVE, NOON, make_controller, make_output, wipe

pytestmark = pytest.mark.django_db
PAGE = "/admin/control/controller/"


@pytest.fixture(autouse=True)
def _nothing_told():
    wipe()
    yield
    wipe()


@pytest.fixture
def car() -> Controller:
    return make_controller()


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"strategy": "threshold", "upper_w": 0}, "upper_w", "no surplus"),
    ({"strategy": "threshold", "deadband_w": 0}, "deadband_w", "would flap"),
    ({"strategy": "window"}, "window_from", "from when"),
    ({"strategy": "window", "window_from": "07:00:00"}, "window_to", "until when"),
    ({"strategy": "window", "window_from": "07:00:00", "window_to": "07:00:00"}, "window_to", "ends when it begins"),
    ({"strategy": "window", "window_from": "07:00:00", "window_to": "09:00:00", "window_days": "21"}, "window_days", "in order"),
    ({"strategy": "signal"}, "signal", "which analog input"),
    ({"strategy": "budget", "without_meter": True}, "without_meter", "found with it"),
    ({"peak": "up_to", "peak_up_to_w": 2500}, "peak_up_to_w", "choose more"),
    ({"peak": "departure"}, "peak", "Only a weekly plan"),
    ({"load": "heat_pump"}, "min_on_s", "1200 s or more"),
    ({"load_w": 4000}, "load_w", "too much"),
    ({"period_s": 7200}, "period_s", "an hour or less"),
    ({"period_s": 0}, "period_s", "1 second or more"),
    ({"switches_a_day": 1}, "switches_a_day", "greater than or equal"),
    ({"priority": 0}, "priority", "greater than or equal"),
    ({"sun_pct": 101}, "sun_pct", "less than or equal"),
    ({"sun_pct": 0, "start_wh": 100}, "start_wh", "never waits"),
    ({"upper_w": "much"}, "upper_w", "not a whole number"),
    ({"upper_w": 10**40}, "upper_w", "less than or equal"),
    ({"signal_value": float("nan")}, "signal_value", "number"),
    ({"dry_run": 1}, "dry_run", "neither true nor false"),
    ({"output": "1"}, "output", "not a whole number"),
    ({"output": True}, "output", "not a whole number"),
    ({"output": 999_999}, "output", "not one of the available choices"),
    ({"output": 10**40}, "output", "not one of the available choices"),
    ({"output": None}, "output", "cannot be empty"),
    ({"signal": 999_999}, "signal", "not one of the available choices"),
    ({"window_from": 7}, "window_from", "not text"),
    ({"window_from": "25:00"}, "window_from", "valid time"),
    ({"strategy": "magic"}, "strategy", "not one of the available choices"),
    ({"name": "Other"}, "name", "no such setting"),
    ({"sed": 1}, "sed", "no such setting"),
]


@pytest.mark.parametrize(("values", "field", "words"), WRONG, ids=[json.dumps(values)[:60] for values, _f, _w in WRONG])
def test_what_contradicts_or_is_of_the_wrong_type_is_refused_at_its_field(car, values, field, words):
    with pytest.raises(Refused) as refused:
        agents.set_config(ANN, "Car", values, 1)
    assert words in " ".join(refused.value.errors[field])
    car.refresh_from_db()
    assert car.version == 1


def test_what_get_config_shows_set_config_takes(car):
    agents.set_config(ANN, "Car", {"strategy": "window", "window_from": "22:30", "window_to": "06:00:00"}, 1)
    shown = agents.get_config(EVE, "Car")
    assert (shown["values"]["window_from"], shown["values"]["output"]) == ("22:30:00", car.output_id)
    json.dumps(shown)
    assert agents.set_config(ANN, "Car", shown["values"], 2)["version"] == 2, "nothing changed"
    assert AuditEntry.objects.get().detail["changed"]["window_from"] == [None, "22:30:00"]


def test_an_output_has_one_commander_by_rule_12(car):
    with pytest.raises(ValidationError, match="one commander"):
        make_controller("Second", car.output)
    other = make_controller("Second")
    with pytest.raises(Refused, match="one commander"):
        agents.set_config(ANN, "Second", {"output": car.output_id}, other.version)


def test_a_controller_whose_output_is_in_use_keeps_it():
    car = make_controller()
    with pytest.raises(Exception, match="protected"):
        car.output.delete()
    assert Output.objects.count() == 1


def test_only_the_owner_sets_and_only_what_is_new(car):
    for actor in (BOB, EVE):
        with pytest.raises(NotAllowed, match="Ask the owner"):
            agents.set_config(actor, "Car", {"priority": 2}, 1)
    agents.set_config(ANN, "Car", {"priority": 2}, 1)
    with pytest.raises(StaleVersion):
        agents.set_config(ANN, "Car", {"priority": 3}, 1)


def test_a_heat_pump_runs_and_rests_for_twenty_minutes_by_rule_13(car):
    agents.set_config(ANN, "Car", {"load": "heat_pump", "min_on_s": 1200, "min_off_s": 1200}, 1)
    with pytest.raises(Refused, match="1200 s or more"):
        agents.set_config(ANN, "Car", {"min_off_s": 1199}, 2)


def test_a_heater_on_an_output_that_cannot_switch_itself_off_is_refused_by_rule_3():
    bare = make_output("Bare", family="http", address="http://192.168.1.9", on_request="/on", off_request="/off")
    with pytest.raises(ValidationError, match="cannot switch itself off"):
        make_controller("Boiler", bare, load="boiler", load_w=500)


# In the admin


@pytest.fixture
def owner() -> Client:
    assert confirm.KEY, "imported, so that logging in counts as having given the password"
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.create(username="ann", is_superuser=True), backend="django.contrib.auth.backends.ModelBackend")
    return client


def values(output: Output, **changed: Any) -> dict[str, Any]:
    """The form as a browser sends it."""
    sent: dict[str, Any] = {"name": "Car", "enabled": "on", "requestable": "on", "output": output.pk, "load": "ev", "load_w": 2000}
    sent |= {"priority": 1, "mode": "auto", "dry_run": "on", "strategy": "budget", "min_on_s": "", "min_off_s": "", "switches_a_day": 12}
    sent |= {"peak": "never", "peak_up_to_w": 0, "battery_first": "on", "average_s": 300, "upper_w": 1200, "deadband_w": 600}
    sent |= {"min_change_s": 300, "start_wh": "", "borrow_wh": "", "sun_pct": 100, "window_from": "", "window_to": "", "signal": ""}
    sent |= {"window_days": "1234567", "signal_above": "on", "signal_value": "0.0", "signal_hysteresis": "0.0", "period_s": 10, "seen": 1}
    sent |= {"departures-TOTAL_FORMS": 0, "departures-INITIAL_FORMS": 0}
    return sent | changed


def departures(*rows: tuple[int, str, float]) -> dict[str, Any]:
    sent: dict[str, Any] = {"departures-TOTAL_FORMS": len(rows)}
    for i, (day, by, kwh) in enumerate(rows):
        sent |= {f"departures-{i}-day": day, f"departures-{i}-by": by, f"departures-{i}-kwh": kwh}
    return sent


@pytest.mark.parametrize(("load", "seconds"), [("ev", 300), ("heat_pump", 1200)])
def test_times_that_are_left_empty_are_those_of_the_load_by_rule_13(owner, load, seconds):
    response = owner.post(f"{PAGE}add/", values(make_output(), load=load))
    assert response.status_code == 302, response.context["adminform"].form.errors
    made = Controller.objects.get()
    assert (made.min_on_s, made.min_off_s, made.dry_run) == (seconds, seconds, True)
    assert AuditEntry.objects.get().action == "controller connected"


def test_a_plan_is_made_with_its_controller_and_written_down(owner):
    sent = values(make_output(), strategy="plan", **departures((1, "07:30", 14.0)))
    assert owner.post(f"{PAGE}add/", sent).status_code == 302
    made = Departure.objects.get()
    assert (made.day, made.by, made.kwh) == (1, time(7, 30), 14.0)
    assert AuditEntry.objects.get(action="controller plan").detail["changed"]["departures"] == [[], ["Monday 07:30: 14 kWh"]]


def test_a_page_that_is_older_than_the_settings_changes_nothing(owner, car):
    agents.set_config(ANN, "Car", {"priority": 4}, 1)
    response = owner.post(f"{PAGE}{car.pk}/change/", values(car.output, load="other", min_on_s=300, min_off_s=300))
    assert "Somebody changed these settings" in response.content.decode()
    car.refresh_from_db()
    assert car.priority == 4


def test_the_form_says_at_its_field_what_contradicts(owner, car):
    sent = values(car.output, load="other", strategy="window", min_on_s=300, min_off_s=300)
    text = owner.post(f"{PAGE}{car.pk}/change/", sent).content.decode()
    assert "Say from when." in text


def test_the_lists_show_sentences_and_are_only_read(owner, car):
    Decision.objects.create(controller=car, time=NOON, level=0, wish=0, rule="mode", code="mode_off", dry_run=False)
    assert "Off: set to off." in owner.get("/admin/control/decision/").content.decode()
    for model in ("decision", "switch", "override"):
        assert owner.get(f"/admin/control/{model}/").status_code == 200
        assert owner.get(f"/admin/control/{model}/add/").status_code == 403


def test_a_controller_is_removed_with_its_decisions_and_its_name_is_free(owner, car):
    Decision.objects.create(controller=car, time=NOON, level=0, wish=0, rule="mode", code="mode_off", dry_run=False)
    page = owner.get(f"{PAGE}{car.pk}/delete/").content.decode()
    assert "decisions: 1" in page
    owner.post(f"{PAGE}{car.pk}/delete/", {"post": "yes"})
    assert not Controller.objects.exists()
    make_controller("Car", Output.objects.get())


def test_the_house_has_an_own_target_of_the_month_peak(owner):
    page = owner.get("/admin/energysite/house/", follow=True).content.decode()
    assert 'name="own_peak_w"' in page


def test_a_signal_is_chosen_by_its_number(car):
    given = agents.create(AnalogInput, name="Tank", device="0.0", channel=1)
    agents.set_config(ANN, "Car", {"strategy": "signal", "signal": given.pk, "signal_value": 55.5}, 1)
    car.refresh_from_db()
    assert (car.signal, car.signal_value) == (given, 55.5)
