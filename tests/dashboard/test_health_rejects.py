"""Readings set aside on the health page and the banner: what they show, what is asked, and a link for who may decide."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from meters.models import RejectEpisode, Source
from tests.dashboard.test_health import page
from tests.meters import trusting

pytestmark = pytest.mark.django_db

HARM = "<img src=x onerror=alert(1)>"


@pytest.fixture
def client(client: Client) -> Client:
    client.defaults["HTTP_HOST"] = "localhost"
    return client


@pytest.fixture
def swapped() -> RejectEpisode:
    trusting.replaced_meter(trusting.source())
    return RejectEpisode.objects.get()


def test_a_house_without_any_says_so(client: Client) -> None:
    assert "Readings set aside None waits for a decision." in page(client)


def test_a_lower_level_that_holds_is_told_in_words_and_asked_about(client: Client, swapped: RejectEpisode) -> None:
    text = page(client)
    said = (
        "House 80 readings, 10 November 2026, 12:30 to 12:43:10. They show 1,204.310 kWh (Import, register 1),"
        " before 54,201.112 kWh: lower than before. Was the meter replaced, or did its counter begin anew?"
    )
    assert text.count(said) == 2, "among the problems, and in its own list"
    assert "They count for nothing until the owner has decided." in text
    assert "Look and answer" in text


def test_who_may_not_decide_is_sent_to_the_owner(client: Client, swapped: RejectEpisode) -> None:
    text = page(client, "member")
    assert "Ask the owner to decide." in text
    assert "Look and answer" not in text


def test_one_stray_reading_is_listed_but_asks_nothing(client: Client) -> None:
    source = trusting.source()
    trusting.feed(source, [1000, 1001, 500, 1002])
    text = page(client)
    assert "1 reading at 10 November 2026, 12:00:20. They show 0.500 kWh (Import, register 1), before 1.001 kWh: lower than before." in text
    assert "wait for an answer" not in text
    assert "Was the meter replaced" not in text


def test_the_banner_of_the_first_page_tells_of_those_that_ask(client: Client, swapped: RejectEpisode) -> None:
    page(client)
    assert "Readings of House are set aside and wait for an answer: see Health." in client.get("/").content.decode()
    swapped.decision = RejectEpisode.Decision.ACCEPTED
    swapped.save()
    assert "wait for an answer" not in client.get("/").content.decode()


def test_decided_ones_stand_below_the_open_with_who_and_when(client: Client, swapped: RejectEpisode) -> None:
    swapped.decision, swapped.decided, swapped.decided_by = RejectEpisode.Decision.OVERRULED, timezone.now(), "ann"
    swapped.save()
    text = page(client)
    assert "None waits for a decision." in text
    assert "taken in by ann" in text


def test_the_list_has_an_end(client: Client) -> None:
    source = trusting.source()
    for i in range(23):
        at = timezone.now() - timedelta(hours=i)
        RejectEpisode.objects.create(source=source, rule="drop", first=at, last=at, count=1, parameters={"register": "import_t1_wh"})
    assert "And 3 more." in page(client)


def test_every_rule_has_its_words(client: Client) -> None:
    source = trusting.source(kind="volume", name="Gas")
    figures = {"register": "volume_l", "before": 12_000, "value": 9_000, "seconds": 60}
    now = timezone.now()
    for i, rule in enumerate(RejectEpisode.Rule.values):
        parameters = {"time": 0} if rule == "time" else {} if rule == "serial" else figures
        RejectEpisode.objects.create(source=source, rule=rule, first=now - timedelta(i), last=now, count=2, parameters=parameters)
    text = page(client)
    for words in (
        "They carry a time that cannot be true: 1 January 1970, 01:00.",
        "They show 9.000 m³, before 12.000 m³: lower than before.",
        "They show 9.000 m³, before 12.000 m³: a faster rise than the connection allows.",
        "They show 9.000 m³ at a time that has 12.000 m³ already.",
        "They come from another device than the one of that time.",
        "They show 9.000 m³ and lie between two counters",
    ):
        assert words in text


def test_a_sources_name_is_text_and_nothing_else(client: Client) -> None:
    source = trusting.source(HARM)
    trusting.replaced_meter(source)
    page(client)
    for path in ("/health/", "/"):
        shown = client.get(path).content.decode()
        assert HARM not in shown and "&lt;img src=x" in shown
    assert Source.objects.get().name == HARM
