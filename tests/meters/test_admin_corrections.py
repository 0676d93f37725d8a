"""A correction is shown before it is made, adds to its quarter alone, and is undone but never edited."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from energysite.models import AuditEntry
from meters.models import Correction, Source
from tests.meters import trusting

pytestmark = pytest.mark.django_db
HARM = "<img src=x onerror=alert(1)>"
ADD, LIST = "/admin/meters/correction/add/", "/admin/meters/correction/"


@pytest.fixture
def owner() -> Client:
    return trusting.owner()


@pytest.fixture
def source() -> Source:
    """100 Wh a quarter from the evening before October's long day until after it."""
    made = trusting.source()
    trusting.feed(made, [100 * i for i in range(120)], datetime(2026, 10, 24, 21, 45, tzinfo=UTC), timedelta(minutes=15))
    return made


def page(source: Source, day: str = "2026-10-25") -> str:
    return f"{ADD}?register={source.pk}%3Aimport_t1_wh&date={day}"


def text(response: Any) -> str:
    assert response.status_code == 200
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", response.content.decode().partition('id="content"')[2])).split())


def sent(**changed: str) -> dict[str, str]:
    return {"quarter": "2026-10-25T01:15Z", "way": "difference", "amount": "-0.050", "unit": "1000", "note": "a stuck pulse", **changed}


def saved(client: Client, path: str, values: dict[str, str]) -> Any:
    """Look first, as a person does, then save what was shown."""
    shown = client.post(path, values)
    assert shown.status_code == 200 and shown.context["result"], text(shown)
    return client.post(path, {**values, "seen": shown.context["form"].data["seen"], "save": "1"})


def test_the_day_of_a_hundred_quarters_names_both_two_o_clocks(owner: Client, source: Source) -> None:
    response = owner.get(page(source))
    options = response.context["form"].fields["quarter"].choices
    assert len(options) == 100
    names = [name for _key, name in options]
    assert names[9] == "02:15 summer time – 0.100 kWh" and names[13] == "02:15 winter time – 0.100 kWh"
    assert names[0] == "00:00 – 0.100 kWh"


def test_nothing_is_saved_before_the_result_was_shown(owner: Client, source: Source) -> None:
    response = owner.post(page(source), {**sent(), "save": "1"})
    assert "What you entered is not what was shown." in text(response)
    assert not Correction.objects.exists()
    shown = text(owner.post(page(source), sent()))
    assert "Counted by the meter 0.100 kWh Stands now 0.100 kWh Difference −0.050 kWh Will be 0.050 kWh" in shown
    assert not Correction.objects.exists() and not AuditEntry.objects.filter(action="quarter corrected").exists()


def test_a_difference_is_kept_with_its_note_and_audited(owner: Client, source: Source) -> None:
    assert saved(owner, page(source), sent()).url == LIST
    made = Correction.objects.get()
    assert (made.register, made.delta, made.note, made.author) == ("import_t1_wh", -50, "a stuck pulse", "ann")
    assert made.start == datetime(2026, 10, 25, 1, 15, tzinfo=UTC)
    assert AuditEntry.objects.get(action="quarter corrected").target == "House"
    listed = text(owner.get(LIST))
    assert "25 October 2026, 02:15 winter time" in listed and "−0.050 kWh" in listed and "counts, by ann" in listed
    again = owner.get(page(source)).context["form"].fields["quarter"].choices
    assert again[13][1] == "02:15 winter time – 0.050 kWh"


def test_the_right_value_takes_earlier_corrections_into_account(owner: Client, source: Source) -> None:
    saved(owner, page(source), sent())
    saved(owner, page(source), sent(way="value", amount="120", unit="1"))
    assert [one.delta for one in Correction.objects.order_by("pk")] == [-50, 70]
    assert "Nothing" not in text(owner.get(LIST))
    same = owner.post(page(source), sent(way="value", amount="0,12"))
    assert "That changes nothing." in text(same)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"amount": "-0.101"}, "it cannot become less than nothing"),
        ({"amount": "0"}, "That changes nothing."),
        ({"amount": "lots"}, "Write a number"),
        ({"way": "value", "amount": "-1"}, "without a sign"),
        ({"note": ""}, "required"),
        ({"quarter": "2026-10-26T01:15Z"}, "not one of the available choices"),
        ({"amount": "90000000", "unit": "1"}, "cannot be counted in a day"),
    ],
)
def test_what_cannot_be_is_refused_in_words_before_saving(owner: Client, source: Source, changed: dict[str, str], words: str) -> None:
    response = owner.post(page(source), sent(**changed))
    assert words in text(response)
    assert not response.context["result"]


def test_a_reading_that_came_meanwhile_shows_the_result_anew(owner: Client, source: Source) -> None:
    seen = owner.post(page(source), sent()).context["form"].data["seen"]
    Correction.objects.create(
        source=source, register="import_t1_wh", start=datetime(2026, 10, 25, 1, 15, tzinfo=UTC), delta=-20, note="x", author="bob"
    )
    response = owner.post(page(source), {**sent(), "seen": seen, "save": "1"})
    assert "What you entered is not what was shown." in text(response)
    assert Correction.objects.count() == 1


@pytest.mark.parametrize("query", ["", "?register=1", "?register=0:x&date=2026-10-25", "?register=1:import_t1_wh&date=2030-01-01"])
def test_without_a_register_and_a_day_it_asks_for_them(owner: Client, source: Source, query: str) -> None:
    assert "Show the quarters of this day" in text(owner.get(ADD + query))


def test_undone_it_stays_in_the_list_and_counts_no_more(owner: Client, source: Source) -> None:
    saved(owner, page(source), sent())
    made = Correction.objects.get()
    detail = f"{LIST}{made.pk}/change/"
    assert "Undo" in text(owner.get(detail))
    assert owner.get(f"{LIST}{made.pk}/undo/").status_code == 405
    owner.post(f"{LIST}{made.pk}/undo/")
    made.refresh_from_db()
    assert made.undone is not None and made.undone_by == "ann"
    assert "undone by ann" in text(owner.get(LIST))
    assert "undone already" in owner.post(f"{LIST}{made.pk}/undo/", follow=True).content.decode()
    assert owner.post(detail, {"delta": 5}).status_code == 403
    assert owner.post(f"{LIST}{made.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Correction.objects.count() == 1


def test_several_are_undone_from_the_list(owner: Client, source: Source) -> None:
    for quarter in ("2026-10-25T01:15Z", "2026-10-25T01:30Z"):
        saved(owner, page(source), sent(quarter=quarter))
    owner.post(LIST, {"action": "undo_selected", "_selected_action": list(Correction.objects.values_list("pk", flat=True))})
    assert not Correction.objects.filter(undone=None).exists()


@pytest.mark.parametrize("role", ["member", "viewer", None])
def test_nobody_but_an_owner_corrects_or_undoes(role: str | None, source: Source) -> None:
    User.objects.create(username="ann", is_superuser=True)
    start = datetime(2026, 10, 25, 1, 15, tzinfo=UTC)
    made = Correction.objects.create(source=source, register="import_t1_wh", start=start, delta=5, note="x", author="ann")
    client = Client(headers={"host": "localhost"})
    if role is not None:
        user = User.objects.create(username=role, is_staff=True)
        user.groups.add(Group.objects.get_or_create(name=role)[0])
        client.force_login(user, backend=trusting.BACKEND)
    for response in (client.get(LIST), client.get(page(source)), client.post(page(source), sent()), client.post(f"{LIST}{made.pk}/undo/")):
        assert response.status_code == 403 or response.headers["Location"].startswith(("/login/", "/admin/login/"))
    made.refresh_from_db()
    assert made.undone is None


def test_names_and_notes_are_text_and_nothing_else(owner: Client, source: Source) -> None:
    Source.objects.update(name=HARM)
    saved(owner, page(source), sent(note=HARM))
    made = Correction.objects.get()
    for path in (LIST, ADD, page(source), f"{LIST}{made.pk}/change/"):
        html = owner.get(path).content.decode()
        assert HARM not in html and "&lt;img src=x" in html, path
