"""A person's word by the page's forms: who may, what is refused in words, and that nothing changed then."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from control.models import Commander, Controller, Departure, Output, Override
from control.ticking import copied
from energysite import agents, live
from energysite.models import AuditEntry
from energysite.permissions import MEMBER, OWNER, VIEWER, Actor
from tests.dashboard.control.house import logged_in, make_load

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _quiet() -> None:
    live.client().flushdb()


def said(client: Client, path: str, **values: object) -> str:
    """The sentence that a form is answered with."""
    answer = client.post(f"/control/{path}", values, follow=True)
    assert answer.status_code == 200
    return " ".join(str(message) for message in answer.context["messages"])


def test_a_member_overrides_for_a_while_and_ends_it() -> None:
    car, client = make_load(), logged_in("member")
    assert "Car is to be on until" in said(client, "loads/Car/override/", level="on", minutes="30")
    word = Override.objects.get(ended=None)
    assert (word.controller, word.level, word.blind) == (car, 1.0, False)
    assert timedelta(minutes=29) < word.until - timezone.now() <= timedelta(minutes=30)
    assert word.by == client.get("/control/").context["actor"].name
    assert "Car is to be off until" in said(client, "loads/Car/override/", level="off", minutes="1440")
    assert Override.objects.get(ended=None).level == 0.0
    assert said(client, "loads/Car/override/end/") == "Car decides by itself again."
    assert said(client, "loads/Car/override/end/") == "That override was over already."
    assert not Override.objects.filter(ended=None).exists()


def test_on_without_a_meter_is_a_named_persons_choice_rule_7() -> None:
    make_load()
    client = logged_in("owner")
    said(client, "loads/Car/override/", level="on", minutes="120", blind="on")
    word = Override.objects.get(ended=None)
    assert word.blind
    assert word.by.startswith("owner")
    said(client, "loads/Car/override/", level="off", minutes="120", blind="on")
    assert not Override.objects.get(ended=None).blind


@pytest.mark.parametrize("values", [{}, {"level": "on"}, {"level": "half", "minutes": "30"}, {"level": "on", "minutes": "100000"}])
def test_a_form_that_was_tampered_with_overrides_nothing(values: dict[str, str]) -> None:
    make_load()
    assert said(logged_in("member"), "loads/Car/override/", **values) == "Choose on or off, and how long."
    assert not Override.objects.exists()


@pytest.mark.parametrize("path", ["override/", "override/end/", "mode/", "plan/", "release/"])
def test_a_viewer_switches_nothing_and_is_sent_to_the_owner(path: str) -> None:
    make_load()
    client = logged_in("viewer")
    answer = client.post(f"/control/loads/Car/{path}", {"level": "on", "minutes": "30", "mode": "on", "version": "1"})
    assert answer.status_code == 403
    assert "Ask the owner" in answer.content.decode()
    assert not Override.objects.exists()
    assert Controller.objects.get().mode == "auto"
    page = client.get("/control/").content.decode()
    assert "You may look only. To switch it: ask the owner." in page
    assert 'name="level"' not in page


@pytest.mark.parametrize("path", ["override/", "mode/", "release/"])
def test_looking_switches_nothing(path: str) -> None:
    make_load()
    assert logged_in("owner").get(f"/control/loads/Car/{path}").status_code == 405


def test_a_form_without_its_token_is_refused() -> None:
    make_load()
    client = logged_in("owner")
    client.handler.enforce_csrf_checks = True
    assert client.post("/control/loads/Car/override/", {"level": "on", "minutes": "30"}).status_code == 403
    assert not Override.objects.exists()


def test_the_mode_is_chosen_at_the_version_that_was_seen() -> None:
    car, client = make_load(), logged_in("member")
    assert said(client, "loads/Car/mode/", mode="on", version=car.version) == "Car: on."
    assert Controller.objects.get().mode == "on"
    assert "The settings have changed meanwhile" in said(client, "loads/Car/mode/", mode="off", version=car.version)
    assert said(client, "loads/Car/mode/", mode="off", version="x") == "The form is incomplete. Reload the page."
    assert "There is no mode" in said(client, "loads/Car/mode/", mode="boost", version=car.version + 1)
    assert Controller.objects.get().mode == "on"
    assert AuditEntry.objects.filter(target="Car", role=MEMBER).exists()


def test_a_plan_is_saved_as_a_whole_or_not_at_all() -> None:
    car, client = make_load(strategy="plan"), logged_in("member")
    rows = {"day": ["1", "5", "1"], "by": ["07:30", "06:00", ""], "kwh": ["14", "9,5", ""]}
    assert said(client, "loads/Car/plan/", version=car.version, **rows) == "The plan of Car is saved."
    assert [str(one) for one in car.departures.all()] == ["Monday 07:30: 14 kWh", "Friday 06:00: 9.5 kWh"]
    version = Controller.objects.get().version
    for wrong, sentence in (
        ({"day": ["1"], "by": ["07:30"], "kwh": ["much"]}, "“much” is no number of kWh."),
        ({"day": ["1"], "by": [""], "kwh": ["5"]}, "A departure needs an hour and how many kWh."),
        ({"day": ["1", "2"], "by": ["07:30"], "kwh": ["5"]}, "The form is incomplete. Reload the page."),
        ({"day": ["9"], "by": ["07:30"], "kwh": ["5"]}, "9"),
        ({"day": ["1", "1"], "by": ["07:30", "07:30"], "kwh": ["5", "6"]}, "already exists"),
        ({"day": ["1"], "by": ["25:30"], "kwh": ["nan"]}, ""),
    ):
        assert sentence in said(client, "loads/Car/plan/", version=version, **wrong)
        assert Departure.objects.count() == 2, wrong
    assert said(client, "loads/Car/plan/", version=version, day="1", by="", kwh="") == "The plan of Car is saved."
    assert not Departure.objects.exists()


def test_what_was_locked_is_released_by_a_person_rule_9() -> None:
    car, client = make_load(), logged_in("member")
    assert said(client, "loads/Car/release/") == "Car's plug may switch again."
    assert Output.objects.get(pk=car.output_id).release == 1
    assert AuditEntry.objects.filter(action="output released").exists()


def test_an_answer_leads_back_to_the_page_of_the_form_and_nowhere_else() -> None:
    make_load()
    client = logged_in("member")
    for asked, led in (
        ("/control/loads/Car/", "/control/loads/Car/"),
        ("/admin/", "/control/"),
        ("https://evil.example/", "/control/"),
        ("//evil.example", "/control/"),
    ):
        assert client.post("/control/loads/Car/override/end/", {"next": asked})["Location"] == led


def test_only_the_owner_answers_for_a_copied_installation_rule_12() -> None:
    Commander.objects.update_or_create(pk=1, defaults={"copied": True, "machine": "another"})
    car = make_load()
    assert logged_in("member").post("/control/machine/", {"commands": "yes"}).status_code == 403
    assert Commander.objects.get().copied
    assert said(logged_in("owner"), "machine/", commands="no") == "All controllers here are in dry-run."
    assert Controller.objects.get(pk=car.pk).dry_run
    Commander.objects.update(copied=True)
    assert "This machine commands the house now." in said(logged_in("owner"), "machine/", commands="yes")
    assert (Commander.objects.get().copied, Commander.objects.get().machine) == (False, copied.fingerprint())


# Agents


def filled_in(client: Client, name: str) -> dict[str, object]:
    """What a browser sends of the form as it came."""
    form = client.get(f"/control/agents/{name}/").context["form"]
    known = {field: form[field].value() for field in form.fields}
    return {field: value for field, value in known.items() if value is not None and value is not False}


def test_the_owner_changes_an_agents_settings_without_a_script() -> None:
    car, client = make_load(), logged_in("owner")
    sent = {**filled_in(client, "Car"), "version": car.version, "priority": 3, "window_from": "22:00"}
    assert client.post("/control/agents/Car/", sent).status_code == 302
    saved = Controller.objects.get()
    assert (saved.priority, f"{saved.window_from:%H:%M}", saved.version) == (3, "22:00", car.version + 1)
    again = client.post("/control/agents/Car/", {**sent, "priority": 4})
    assert "The settings have changed meanwhile" in again.content.decode()
    wrong = client.post("/control/agents/Car/", {**sent, "version": saved.version, "priority": 0})
    assert wrong.context["form"].errors["priority"]
    assert Controller.objects.get().priority == 3


def test_who_may_not_configure_reads_the_settings_in_words() -> None:
    make_load(load="ev")
    for role in ("member", "viewer"):
        client = logged_in(role)
        page = client.get("/control/agents/Car/").content.decode()
        assert "electric car" in page
        assert "Ask the owner to change these." in page
        assert '<form class="form' not in page
        assert client.post("/control/agents/Car/", {"version": "1", "priority": "3"}).status_code in (200, 403)
    assert Controller.objects.get().priority == 10


def test_a_password_is_never_shown_and_stays_where_the_field_is_left_empty() -> None:
    output = agents.create(Output, name="Plug", family="shelly2", address="http://127.0.0.1:9", username="admin", password="hush")
    client = logged_in("owner")
    sent = {**filled_in(client, "Plug"), "version": output.version, "password": "", "rated_switches": 50_000}
    answer = client.post("/control/agents/Plug/", sent)
    assert answer.status_code == 302, answer.context["form"].errors
    saved = Output.objects.get()
    assert (saved.password, saved.rated_switches) == ("hush", 50_000)
    assert "hush" not in client.get("/control/agents/Plug/").content.decode()
    assert "hush" not in logged_in("viewer").get("/control/agents/Plug/").content.decode()


def test_the_socket_says_no_in_words_to_a_viewer_and_to_settings_that_contradict() -> None:
    car = make_load()
    command = '{"command": "set_config", "version": %d, "values": %s}'
    viewer = agents.answer(lambda: Actor("x", VIEWER), "Car", command % (car.version, '{"priority": 2}'))
    assert viewer["error"] == "You may not do this. Ask the owner."
    wrong = agents.answer(lambda: Actor("x", OWNER), "Car", command % (car.version, '{"upper_w": "much", "nonsense": 1}'))
    assert set(wrong["errors"]) == {"upper_w", "nonsense"}
    assert not Controller.objects.filter(priority=2).exists()


def test_an_agent_that_is_not_there_is_a_404() -> None:
    assert logged_in().get("/control/agents/Nobody/").status_code == 404
