"""The list of blocks: read only, quick however many there are, reasons in words, computed again when a person says so."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from energysite import live
from energysite.models import AuditEntry
from meters import block_list, block_words, reopening
from meters.blocks import managers
from meters.blocks.process import drain
from meters.models import Block, Dirty, Source
from tests.meters.blocks.known import Q, Sample, at, make_source, store

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"
LIST = "/admin/meters/block/"
QUEUE = "celery"


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    client = live.client()
    client.delete(QUEUE)
    yield
    client.delete(QUEUE, *(client.keys("agent:*") or ["none"]))


@pytest.fixture
def owner() -> Client:
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.create(username="ann", is_superuser=True), backend=BACKEND)
    return client


@pytest.fixture
def source() -> Source:
    """Six hours: 24 quarters and a day that is not over."""
    found = make_source(name="Main")
    store(found, [Sample(Q + n * 100, (n, 0, 0, 0), (60, 20, 20, 20)) for n in range(217)])
    managers.ensure_defaults(found)
    drain(found.managers.all(), at(Q + 6 * 3600))
    return found


def history(source: Source, days: int) -> None:
    """Closed quarters before the others, as an old house has them."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO meters_block (source_id, length_s, start, "end", state, attempts, recovered, energy1)
            SELECT %s, 900, begun, begun + interval '900 s', 'closed', 0, false, 1
            FROM generate_series(%s::timestamptz, %s::timestamptz - interval '900 s', interval '900 s') AS begun""",
            [source.pk, at(Q - days * 86_400), at(Q)],
        )
        cursor.execute("ANALYZE meters_block")


def rows(page: str) -> int:
    return page.count('name="_selected_action"')


def choose(client: Client, action: str, chosen: list[Block], **more: str) -> str:
    data = {"action": action, "_selected_action": [one.pk for one in chosen], **more}
    return client.post(LIST, data, follow=True).content.decode()


def test_a_faulty_block_says_why_in_words(owner: Client, source: Source) -> None:
    block = Block.objects.filter(length_s=900).order_by("start")[3]
    Block.objects.filter(pk=block.pk).update(state="faulty", attempts=2, reason={"code": "out_of_range"})
    shown = owner.get(f"{LIST}?state__exact=faulty").content.decode()
    assert "More energy than a block can hold" in shown
    assert rows(shown) == 1
    shown = owner.get(f"{LIST}{block.pk}/change/").content.decode()
    assert "import_t1_wh: 9 Wh, then at 36" in shown
    assert "power_w: 60, 60, 60" in shown
    assert "Save" not in shown


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (None, ""),
        ({}, ""),
        (
            {"code": "database", "sqlstate": "22012", "said": "division by zero"},
            "The database could not compute it: division by zero (22012)",
        ),
        ({"code": "database"}, "The database could not compute it:  ()"),
        ({"code": "of-tomorrow", "x": 1}, "of-tomorrow"),
    ],
)
def test_every_reason_becomes_a_sentence_and_an_unknown_code_is_shown(reason: Any, words: str) -> None:
    assert block_words.words(reason) == words.replace("  ", " ")


@pytest.mark.parametrize("way", ["add/", "{}/delete/", "{}/change/"])
def test_blocks_are_only_read(owner: Client, source: Source, way: str) -> None:
    before = list(Block.objects.order_by("pk").values())
    path = LIST + way.format(before[0]["id"])
    assert owner.post(path, {"post": "yes", "state": "closed"}).status_code == 403
    assert list(Block.objects.order_by("pk").values()) == before


@pytest.mark.parametrize("query", ["", "?state__exact=closed", "?length_s__exact=900&start__year=2026", "?recovered__exact=0&p=3"])
def test_a_page_of_a_long_history_counts_and_sorts_no_more_than_it_shows(owner: Client, source: Source, query: str) -> None:
    history(source, 365)
    owner.get(LIST)  # content types and the like
    with CaptureQueriesContext(connection) as queries:
        assert owner.get(LIST + query).status_code == 200
    asked = [entry["sql"] for entry in queries if '"meters_block"' in entry["sql"]]
    assert len(asked) <= 5, asked
    counts = [sql for sql in asked if "COUNT(" in sql]
    assert counts
    assert all(f"LIMIT {block_list.MOST_COUNTED}" in sql for sql in counts)
    pages = [sql for sql in asked if '"source_id" DESC' in sql]
    assert len(pages) == 1, asked
    with connection.cursor() as cursor:
        for sql in pages:
            cursor.execute(f"EXPLAIN {sql}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert "Seq Scan on meters_block" not in plan, plan
            assert "Index Scan Backward" in plan, plan


def test_a_date_is_chosen_by_year_month_and_day(owner: Client, source: Source) -> None:
    history(source, 400)
    shown = owner.get(LIST).content.decode()
    assert "?start__year=2025" in shown
    assert "?start__year=2026" in shown
    assert "?start__year=2024" not in shown
    shown = owner.get(f"{LIST}?start__year=2025").content.decode()
    assert "start__month=12&amp;start__year=2025" in shown
    assert "start__month=7&amp;start__year=2025" not in shown, "before the first block"
    shown = owner.get(f"{LIST}?start__year=2025&start__month=10").content.decode()
    assert "start__day=31" in shown
    shown = owner.get(f"{LIST}?start__year=2025&start__month=10&start__day=26&length_s__exact=900").content.decode()
    assert "100 blocks" in " ".join(re.sub("<[^>]*>", " ", shown).split()), "the day on which clocks are set back"


def test_an_empty_house_has_an_empty_list(owner: Client, db: None) -> None:
    response = owner.get(LIST)
    assert response.status_code == 200
    assert rows(response.content.decode()) == 0


def test_process_now_runs_the_managers_of_the_chosen_blocks(owner: Client, source: Source) -> None:
    chosen = [*Block.objects.filter(length_s=900)[:5], Block.objects.get(length_s=86_400)]
    assert "2 data managers run now" in choose(owner, "process_now", chosen)
    tasks = [json.loads(raw)["headers"] for raw in live.client().lrange(QUEUE, 0, -1)]
    assert [task["task"] for task in tasks] == ["meters.tasks.run_manager"] * 2
    assert AuditEntry.objects.get(action="blocks processed now").detail == {"blocks": 6, "managers": 2}


def test_chosen_blocks_go_back_to_do_with_their_day_after_a_question(owner: Client, source: Source) -> None:
    chosen = list(Block.objects.filter(length_s=900).order_by("start")[2:4])
    Block.objects.filter(length_s=86_400).update(state="done")
    Dirty.objects.all().delete()
    shown = choose(owner, "back_to_do", chosen)
    assert "Put 2 blocks and what overlaps them back to to-do?" in shown
    assert str(chosen[0]) in shown
    assert not Block.objects.filter(length_s=900, state="todo").exists()
    assert "3 blocks are back at to-do" in choose(owner, "back_to_do", chosen, confirmed="yes")
    assert list(Block.objects.filter(length_s=900, state="todo").order_by("start")) == chosen
    assert Block.objects.get(length_s=86_400).state == "todo"
    assert Dirty.objects.exists(), "whoever keeps totals of this day has to look again"
    assert AuditEntry.objects.get(action="blocks back to to-do").detail == {"blocks": 2, "opened": 3}


def test_too_many_at_once_are_refused(owner: Client, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reopening, "MOST_CHOSEN", 3)
    chosen = list(Block.objects.filter(length_s=900)[:4])
    assert "Choose 3 blocks at most" in choose(owner, "back_to_do", chosen, confirmed="yes")
    assert not Block.objects.filter(length_s=900, state="todo").exists()
