"""get_states, get_config, set_config: validated, permitted, audited, told to running processes. Real PostgreSQL and Valkey."""

import json

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command

from energysite import agent_states, agents, audit, live
from energysite.models import AgentState, AuditEntry
from energysite.permissions import MEMBER, OWNER, STRANGER, VIEWER, Actor
from meters.models import Meter
from tests.waiting import until

ANN = Actor("ann", OWNER)
EVE = Actor("eve", VIEWER)


@pytest.fixture
def meter(db):
    return agents.create(Meter, name="Main", connection="socket://127.0.0.1:4001")


def test_an_agent_is_made_with_its_row_in_the_registry(meter):
    assert AgentState.objects.get(pk="Main").kind == "meter"
    assert agents.get("Main") == meter
    assert meter.version == 1


def test_an_agent_that_is_deleted_in_bulk_frees_its_name(meter):
    Meter.objects.all().delete()
    assert not AgentState.objects.exists()
    agents.create(Meter, name="Main", connection="socket://127.0.0.1:4001")


@pytest.mark.parametrize("fields", [{"name": "Main"}, {"name": "a/b"}, {"period_s": 0}, {"connection": "/etc/passwd"}, {"share_port": 80}])
def test_an_agent_with_wrong_settings_is_not_made(meter, fields):
    with pytest.raises(ValidationError):
        agents.create(Meter, **{"name": "Second", "connection": "socket://127.0.0.1:4002", **fields})
    assert Meter.objects.count() == 1


def test_the_version_grows_with_each_save_and_the_name_never_changes(meter):
    meter.enabled = False
    meter.save()
    meter.slot_s = 60
    meter.save(update_fields=["slot_s"])
    assert Meter.objects.get().version == 3
    meter.name = "Other"
    with pytest.raises(ValidationError):
        meter.save()


def test_get_config_shows_what_set_config_takes(meter):
    shown = agents.get_config(EVE, "Main")
    assert shown["version"] == 1
    assert shown["values"]["connection"] == "socket://127.0.0.1:4001"
    assert not {"id", "name", "state", "version"} & set(shown["values"])
    assert agents.set_config(ANN, "Main", shown["values"], 1)["version"] == 1, "nothing changed, so nothing was saved"


def test_set_config_saves_audits_and_answers_the_new_version(meter):
    result = agents.set_config(ANN, "Main", {"take": "mean", "slot_s": 60}, 1)
    assert (result["version"], result["values"]["take"]) == (2, "mean")
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.role, entry.action, entry.target) == ("ann", OWNER, "agent configured", "Main")
    assert entry.detail == {"version": 2, "changed": {"take": ["all", "mean"], "slot_s": [10, 60]}}


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"enabled": "maybe"}, "enabled", '"maybe" is neither true nor false'),
        ({"enabled": 1}, "enabled", "neither true nor false"),
        ({"period_s": "a lot"}, "period_s", "not a whole number"),
        ({"period_s": 2.5}, "period_s", "not a whole number"),
        ({"period_s": True}, "period_s", "not a whole number"),
        ({"period_s": 0}, "period_s", "1 second or more"),
        ({"period_s": -1}, "period_s", "greater than or equal"),
        ({"slot_s": 7}, "slot_s", "not one of the available choices"),
        ({"connection": 5}, "connection", "not text"),
        ({"connection": None}, "connection", "cannot be empty"),
        ({"connection": ""}, "connection", "required"),
        ({"connection": "/etc/passwd"}, "connection", ""),
        ({"share_port": 80}, "share_port", "between 1024 and 65535"),
        ({"colour": "red"}, "colour", "no such setting"),
        ({"name": "Other"}, "name", "no such setting"),
        ({"version": 9}, "version", "no such setting"),
        ({"state": "x"}, "state", "no such setting"),
    ],
)
def test_a_wrong_value_is_refused_by_name_and_in_words(meter, values, field, words):
    with pytest.raises(agents.Refused) as refusal:
        agents.set_config(ANN, "Main", {"slot_s": 30, **values}, 1)
    assert words in " ".join(refusal.value.errors[field])
    assert field in str(refusal.value)
    stored = Meter.objects.get()
    assert (stored.slot_s, stored.version) == (10, 1)
    assert not AuditEntry.objects.exists()


def test_a_version_somebody_else_has_overtaken_is_refused(meter):
    agents.set_config(ANN, "Main", {"slot_s": 30}, 1)
    with pytest.raises(agents.StaleVersion, match="version 2, you had 1"):
        agents.set_config(ANN, "Main", {"slot_s": 60}, 1)
    assert Meter.objects.get().slot_s == 30


@pytest.mark.parametrize(
    ("actor", "may_look", "may_change"),
    [
        (ANN, True, True),
        (Actor("m", MEMBER), True, False),
        (EVE, True, False),
        (STRANGER, False, False),
    ],
)
def test_the_permission_table_decides(meter, actor, may_look, may_change):
    for allowed, ask in (
        (may_look, lambda: agents.get_states(actor, "Main")),
        (may_look, lambda: agents.get_config(actor, "Main")),
        (may_change, lambda: agents.set_config(actor, "Main", {"slot_s": 15}, 1)),
    ):
        if allowed:
            ask()
        else:
            with pytest.raises(agents.NotAllowed):
                ask()


def test_an_address_is_changed_only_by_who_gave_the_password_lately(meter):
    left_open = Actor("ann", OWNER, stale=True)
    with pytest.raises(agents.NotAllowed, match="password again"):
        agents.set_config(left_open, "Main", {"connection": "socket://127.0.0.1:4999", "slot_s": 30}, 1)
    stored = Meter.objects.get()
    assert (stored.connection, stored.slot_s) == ("socket://127.0.0.1:4001", 10)
    assert agents.set_config(left_open, "Main", {"connection": stored.connection, "slot_s": 30}, 1)["version"] == 2
    assert agents.set_config(ANN, "Main", {"connection": "socket://127.0.0.1:4999"}, 2)["version"] == 3


def test_secrets_are_masked_kept_when_they_come_back_masked_and_never_audited(meter, monkeypatch):
    monkeypatch.setattr(Meter, "secret_fields", ("connection",))
    shown = agents.get_config(EVE, "Main")
    assert shown["values"]["connection"] == audit.MASK
    agents.set_config(ANN, "Main", {**shown["values"], "slot_s": 30}, 1)
    assert Meter.objects.get().connection == "socket://127.0.0.1:4001"
    agents.set_config(ANN, "Main", {"connection": "socket://127.0.0.1:4999"}, 2)
    assert Meter.objects.get().connection == "socket://127.0.0.1:4999"
    assert "4999" not in json.dumps(list(AuditEntry.objects.values_list("detail", flat=True)))


def test_running_processes_hear_of_a_change_after_the_commit(meter, django_capture_on_commit_callbacks):
    listener = live.connect().pubsub(ignore_subscribe_messages=True)
    listener.subscribe(live.AGENTS_CHANGED)
    until(lambda: listener.subscribed)
    with django_capture_on_commit_callbacks() as callbacks:
        agents.set_config(ANN, "Main", {"slot_s": 30}, 1)
    assert listener.get_message(timeout=0.1) is None
    for callback in callbacks:
        callback()
    assert until(lambda: listener.get_message(timeout=0.1))["data"] == b"Main"
    listener.close()


def test_a_name_nobody_has_is_said(db):
    with pytest.raises(agents.UnknownAgent, match="Nobody"):
        agents.get_states(ANN, "Nobody")
    with pytest.raises(agents.UnknownAgent):
        agents.get_states(ANN, "Main\0")


@pytest.mark.django_db(transaction=True)
def test_the_state_is_live_at_once_and_in_the_database_once_a_minute_or_on_error():
    agents.create(Meter, name="Reporter", connection="socket://127.0.0.1:4001")
    agents.report("Reporter", status="live", error=None, telegrams=1)
    until(lambda: AgentState.objects.get(pk="Reporter").state.get("telegrams") == 1)
    agents.report("Reporter", telegrams=2)
    answer = agents.get_states(EVE, "Reporter")
    assert (answer["live"], answer["state"]["telegrams"], answer["state"]["status"]) == (True, 2, "live")
    agents.report("Reporter", error="no answer", telegrams=3)
    stored = until(lambda: (row := AgentState.objects.get(pk="Reporter")).state.get("error") and row)
    assert (stored.state["telegrams"], stored.state["status"]) == (3, "live")
    agent_states.forget("Reporter")
    answer = agents.get_states(EVE, "Reporter")
    assert (answer["live"], answer["state"]["telegrams"]) == (False, 3)


def answer(text, actor=ANN):
    return agents.answer(lambda: actor, "Main", text if isinstance(text, str) else json.dumps(text))


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("{", "not JSON"),
        ("[" * 4000, "not JSON"),
        ('{"command": "get_states", "\\ud800": 1}', "not JSON"),
        ("[]", "JSON object"),
        ({"command": "destroy"}, "JSON object whose"),
        ({"command": ["get_states"]}, "JSON object whose"),
        ({"command": "get_states", "extra": 1}, "takes no “extra”"),
        ({"command": "set_config", "values": {}}, "version"),
        ({"command": "set_config", "values": {}, "version": True}, "version"),
        ({"command": "set_config", "values": [1], "version": 1}, "values"),
    ],
)
def test_a_message_that_makes_no_sense_gets_a_sentence(meter, message, words):
    reply = answer(message)
    assert reply["ok"] is False
    assert words in reply["error"]


def test_messages_get_what_the_functions_return(meter):
    assert answer({"command": "get_config"})["values"]["take"] == "all"
    reply = answer({"command": "set_config", "values": {"take": "last"}, "version": 1})
    assert (reply["ok"], reply["version"]) == (True, 2)
    refused = answer({"command": "set_config", "values": {"take": "some"}, "version": 2})
    assert refused["errors"].keys() == {"take"}
    assert answer({"command": "set_config", "values": {"take": "first"}, "version": 2}, EVE)["ok"] is False


def test_an_agent_that_is_not_requestable_answers_nothing(meter):
    meter.requestable = False
    meter.save()
    assert "requestable" in answer({"command": "get_states"})["error"]


def test_every_kind_of_agent_can_be_asked():
    call_command("check", "--tag", "models")
    assert agents.kinds()["meter"] is Meter
