"""Readings set aside in the admin: each answer says what it changes before it does it; only an owner decides, by POST; all is audited."""

import re
from datetime import timedelta
from html import unescape
from importlib import import_module
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.test import Client, RequestFactory

from energysite.models import AuditEntry
from meters.models import CounterCycle, ElectricityReading, MeterPeak, RejectEpisode, Source
from tests.meters import trusting
from tests.meters.trusting import NOON

pytestmark = pytest.mark.django_db
HARM = "<img src=x onerror=alert(1)>"
LIST = "/admin/meters/rejectepisode/"


@pytest.fixture
def owner() -> Client:
    return trusting.owner()


@pytest.fixture
def source() -> Source:
    return trusting.source()


def where(episode: RejectEpisode) -> str:
    return f"{LIST}{episode.pk}/change/"


def shown(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", response.content.decode().partition('id="content"')[2])).split())


def answer(client: Client, episode: RejectEpisode, which: str) -> Any:
    response = client.post(f"{LIST}{episode.pk}/decide/", {"answer": which}, follow=True)
    episode.refresh_from_db()
    return response


def counters(source: Source) -> list[int | None]:
    return list(ElectricityReading.objects.filter(source=source).order_by("time").values_list("import_t1_wh", flat=True))


def test_the_page_shows_figures_readings_and_what_each_answer_would_change(owner: Client, source: Source) -> None:
    trusting.replaced_meter(source)
    text = shown(owner, where(RejectEpisode.objects.get()))
    assert "House 80 readings, 10 November 2026, 12:30 to 12:43:10." in text
    assert "Accepted beside it 54,201.112 kWh, 10 November 2026, 12:18:40" in text
    assert "10 Nov 2026, 12:30 1,204.310 kWh" in text and "10 Nov 2026, 12:43:10 1,204.389 kWh" in text
    assert "80 readings enter the history." in text
    assert "10 Nov 2026, Import, register 1 0.112 kWh 0.191 kWh" in text
    assert "No reading moves. No day changes." in text, "of leaving them out"
    assert len(counters(source)) == 113, "looking changes nothing"


def test_taken_in_they_begin_a_new_cycle_and_undone_they_lie_aside_again(owner: Client, source: Source) -> None:
    trusting.replaced_meter(source)
    episode = RejectEpisode.objects.get()
    response = answer(owner, episode, "overrule")
    assert "They are taken in." in response.content.decode()
    assert (episode.decision, episode.decided_by) == ("overruled", "ann")
    assert len(counters(source)) == 193
    assert CounterCycle.objects.get().offset == 54_201_112 - 1_204_310
    assert "taken in by ann" in shown(owner, where(episode))
    assert "+52,996.802 kWh" in shown(owner, "/admin/meters/countercycle/")

    answer(owner, episode, "undo")
    assert (episode.decision, episode.decided) == ("open", None)
    assert len(counters(source)) == 113 and not CounterCycle.objects.exists()
    taken, undone = AuditEntry.objects.filter(actor="ann").order_by("pk")
    assert (taken.action, undone.action, taken.target) == ("readings taken in", "decision undone", "House")


def test_left_out_they_stay_out_and_nobody_is_asked_again(owner: Client, source: Source) -> None:
    trusting.replaced_meter(source)
    episode = RejectEpisode.objects.get()
    answer(owner, episode, "accept")
    assert episode.decision == "accepted" and len(counters(source)) == 113
    text = shown(owner, where(episode))
    assert "Was the meter replaced" not in text and "left out by ann" in text
    assert AuditEntry.objects.get(actor="ann").action == "readings left out"


def test_a_rise_is_counted_or_a_new_counter_and_both_are_shown_before(owner: Client, source: Source) -> None:
    trusting.feed(source, [1_000_000 + i for i in range(60)])
    trusting.feed(source, [9_000_000 + i for i in range(80)], NOON + timedelta(minutes=30))
    episode = RejectEpisode.objects.get(asks=True)
    text = shown(owner, where(episode))
    assert "Was that much really counted" in text
    assert "0.059 kWh 8,000.079 kWh" in text and "0.059 kWh 0.138 kWh" in text
    answer(owner, episode, "counted")
    assert not CounterCycle.objects.exists() and len(counters(source)) == 140
    assert AuditEntry.objects.get(actor="ann").action == "readings taken in, rise counted"


def test_an_answer_that_is_impossible_is_refused_in_words(owner: Client, source: Source) -> None:
    trusting.feed(source, [1000, 1001, 500, 1002, 1003])
    episode = RejectEpisode.objects.get()
    text = shown(owner, where(episode))
    assert "a counter does not go back" in text
    response = answer(owner, episode, "overrule")
    assert "a counter does not go back" in unescape(response.content.decode())
    assert episode.decision == "open" and len(counters(source)) == 4
    answer(owner, episode, "accept")
    assert "decided already" in answer(owner, episode, "accept").content.decode()
    assert owner.post(f"{LIST}{episode.pk}/decide/", {"answer": "maybe"}).status_code == 404


def test_deciding_takes_a_post_with_a_token(owner: Client, source: Source) -> None:
    trusting.replaced_meter(source)
    episode = RejectEpisode.objects.get()
    assert owner.get(f"{LIST}{episode.pk}/decide/?answer=accept").status_code == 405
    strict = Client(enforce_csrf_checks=True, headers={"host": "localhost"})
    strict.force_login(User.objects.get(username="ann"), backend=trusting.BACKEND)
    assert strict.post(f"{LIST}{episode.pk}/decide/", {"answer": "accept"}).status_code == 403
    episode.refresh_from_db()
    assert episode.decision == "open"


@pytest.mark.parametrize("role", ["member", "viewer", None])
def test_nobody_but_an_owner_looks_or_decides(role: str | None, source: Source) -> None:
    User.objects.create(username="ann", is_superuser=True)
    trusting.replaced_meter(source)
    episode = RejectEpisode.objects.get()
    client = Client(headers={"host": "localhost"})
    if role is not None:
        user = User.objects.create(username=role, is_staff=True)
        user.groups.add(Group.objects.get_or_create(name=role)[0])
        client.force_login(user, backend=trusting.BACKEND)
    for response in (client.get(LIST), client.get(where(episode)), client.post(f"{LIST}{episode.pk}/decide/", {"answer": "overrule"})):
        assert response.status_code == 403 or response.headers["Location"].startswith(("/login/", "/admin/login/"))
    assert len(counters(source)) == 113


def test_the_list_is_filtered_by_what_asks_rule_decision_and_source(owner: Client, source: Source) -> None:
    trusting.replaced_meter(source)
    other = trusting.source("Barn")
    trusting.feed(other, [1000, 1001, 500, 1002])
    assert "waits for an answer" in shown(owner, LIST)
    for query, house, barn in (
        ("asks__exact=1", 1, 0),
        ("rule__exact=drop", 1, 1),
        ("decision__exact=accepted", 0, 0),
        (f"source__id__exact={other.pk}", 0, 1),
    ):
        found = [episode.source.name for episode in owner.get(f"{LIST}?{query}").context["cl"].queryset]
        assert (found.count("House"), found.count("Barn")) == (house, barn), query


def test_nothing_here_is_added_edited_or_removed(owner: Client, source: Source) -> None:
    trusting.replaced_meter(source)
    episode = RejectEpisode.objects.get()
    CounterCycle.objects.create(source=source, register="import_t1_wh", since=NOON, offset=5)
    MeterPeak.objects.create(source=source, month=NOON.date().replace(day=1), w=3480, time=NOON, told=NOON)
    for model in ("rejectepisode", "countercycle", "meterpeak"):
        pk = getattr(episode, "pk", 1)
        assert owner.get(f"/admin/meters/{model}/add/").status_code == 403
        assert owner.post(f"/admin/meters/{model}/{pk}/delete/", {"post": "yes"}).status_code in (302, 403)
    assert (RejectEpisode.objects.count(), CounterCycle.objects.count(), MeterPeak.objects.count()) == (1, 1, 1)


def test_the_meters_own_peaks_are_listed_by_month(owner: Client, source: Source) -> None:
    MeterPeak.objects.create(source=source, month=NOON.date().replace(day=1), w=3480, time=NOON, told=NOON)
    text = shown(owner, "/admin/meters/meterpeak/")
    assert "November 2026" in text and "3.480 kW" in text and "10 November 2026, 12:00" in text


def test_a_sources_name_is_text_and_nothing_else(owner: Client) -> None:
    trusting.replaced_meter(trusting.source(HARM))
    for path in (LIST, where(RejectEpisode.objects.get())):
        html = owner.get(path).content.decode()
        assert HARM not in html and "&lt;img src=x" in html


@pytest.mark.parametrize(
    ("module", "view", "arguments"),
    [
        ("admin_trust", "look", ["1"]),
        ("admin_trust", "decide", [1]),
        ("admin_corrections", "add", []),
        ("admin_corrections", "undo", [1]),
        ("admin_by_hand", "add_source", []),
        ("admin_by_hand", "readings", [1]),
        ("admin_by_hand", "remove", [1]),
        ("admin_replace", "replaced", [1]),
        ("admin_replace", "retire", [1]),
        ("admin_replace", "use_again", [1]),
    ],
)
def test_each_view_asks_the_table_itself(rf: RequestFactory, module: str, view: str, arguments: list[Any]) -> None:
    import_module("energysite.urls")  # the admin's modules are found there, in their order
    request = rf.post("/admin/")
    request.user = User.objects.create(username="member")
    request.user.groups.add(Group.objects.get_or_create(name="member")[0])
    with pytest.raises(PermissionDenied):
        getattr(import_module(f"meters.{module}"), view)(request, *arguments)
