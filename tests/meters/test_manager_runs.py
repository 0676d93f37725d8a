"""A run of a data manager: one at a time, told in its state, cheap when nothing is due, taken over after a kill -9."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from energysite import agent_states, live
from energysite.agent_runs import Claim
from energysite.models import AgentState
from meters import manager_runs
from meters.blocks import managers
from meters.models import Block, DataManager, Source
from meters.tasks import run_manager
from meters.turns import Turns
from tests.conftest import SERVERS
from tests.meters.blocks.known import Q, Sample, at, make_source, store
from tests.running_site import BASE_DIR
from tests.waiting import until

pytestmark = pytest.mark.django_db
LENGTH = 900
END = at(Q + 4 * LENGTH + 30)


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    yield
    live.client().delete(*(live.client().keys("agent:*") or ["none"]))


def speak(source: Source, first: int = Q, last: int = Q + 4 * LENGTH, every_s: int = 10) -> None:
    store(source, [Sample(time, (time - Q + 1_000_000, 0, 0, 0), (3600, 1200, 1200, 1200)) for time in range(first, last + 1, every_s)])


@pytest.fixture
def source() -> Source:
    found = make_source()
    speak(found)
    managers.ensure_defaults(found)
    return found


def quarter(source: Source) -> DataManager:
    return source.managers.get(length_s=LENGTH)


def run(manager: DataManager, now: datetime = END) -> dict[str, Any]:
    """Its state after a run at that time."""
    manager_runs.run(manager.pk, lambda: now)
    return state(manager)


def state(manager: DataManager) -> dict[str, Any]:
    return agent_states.read(live.client(), manager.name)


def busy_until(manager: DataManager) -> datetime | None:
    return AgentState.objects.get(pk=manager.name).busy_until


def test_a_run_processes_what_is_due_and_tells_it(source: Source) -> None:
    told = run(quarter(source))
    assert (told["status"], told["error"], told["claimed"], told["done"], told["faulty"], told["backlog"]) == ("idle", None, 4, 4, 0, 0)
    assert told["last_run"] == told["last_work"] == END.timestamp()
    assert told["seconds"] > 0
    assert busy_until(quarter(source)) is None, "free for the next one"
    assert Block.objects.filter(state="done", length_s=LENGTH).count() == 4


def test_a_run_with_nothing_to_do_says_when_it_was_and_keeps_what_the_last_one_did(source: Source) -> None:
    run(quarter(source))
    told = run(quarter(source), END + timedelta(minutes=1))
    assert (told["done"], told["last_work"], told["last_run"]) == (4, END.timestamp(), END.timestamp() + 60)


def test_a_run_goes_on_while_it_gets_all_that_it_may_take(source: Source) -> None:
    DataManager.objects.update(blocks_per_run=1)
    assert run(quarter(source))["done"] == 4


def test_a_long_run_ends_with_its_period_and_tells_what_is_left(source: Source) -> None:
    DataManager.objects.update(blocks_per_run=1, period_s=0)
    told = run(quarter(source))
    assert (told["done"], told["backlog"]) == (1, 3)


@pytest.mark.parametrize("gone", [True, False])
def test_a_manager_that_is_switched_off_or_gone_ends_quietly(source: Source, gone: bool) -> None:
    manager = quarter(source)
    pk = manager.pk
    if gone:
        DataManager.objects.filter(pk=pk).delete()
    else:
        DataManager.objects.update(enabled=False)
    run_manager(pk)
    assert not Block.objects.exists()
    assert state(manager) == {}


def test_a_run_that_meets_another_is_skipped_and_counted(source: Source) -> None:
    manager = quarter(source)
    other = Claim(manager.name, END, timedelta(minutes=5))
    assert other.taken
    for _ in range(2):
        told = run(manager)
    assert told == {"skipped": 2}
    assert not Block.objects.exists()
    other.free()
    assert run(manager)["done"] == 4
    assert state(manager)["skipped"] == 2


def test_a_claim_is_one_run_s_until_it_runs_out(source: Source) -> None:
    name, length = quarter(source).name, timedelta(minutes=5)
    first = Claim(name, END, length)
    assert not Claim(name, END + length - timedelta(seconds=1), length).taken
    assert first.renew(END + timedelta(minutes=4))
    assert not Claim(name, END + length, length).taken, "it was made longer"
    second = Claim(name, END + timedelta(minutes=9), length)
    assert second.taken
    first.free()
    assert busy_until(quarter(source)) == END + timedelta(minutes=14), "the late one frees nothing that is not its own"
    assert not first.renew(END + timedelta(minutes=9))
    second.free()
    assert busy_until(quarter(source)) is None


@pytest.mark.django_db(transaction=True)
def test_of_many_at_the_same_moment_one_gets_the_claim(source: Source) -> None:
    name, ready, taken = quarter(source).name, threading.Barrier(6), []

    def work() -> None:
        ready.wait(10)
        taken.append(Claim(name, END, timedelta(minutes=5)).taken)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(taken) == [False] * 5 + [True]


@pytest.mark.django_db(transaction=True)
def test_an_error_is_told_and_raised_and_the_next_run_goes_on(source: Source) -> None:
    manager = quarter(source)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE meters_block RENAME TO meters_block_away")
        try:
            with pytest.raises(DatabaseError, match="meters_block"):
                run(manager)
        finally:
            cursor.execute("ALTER TABLE meters_block_away RENAME TO meters_block")
    told = state(manager)
    assert told["status"] == "error"
    assert "The database refused" in told["error"]
    assert "tried again" in told["error"]
    assert busy_until(manager) is None
    told = run(manager)
    assert (told["status"], told["error"], told["done"]) == ("idle", None, 4)


def test_the_minutes_of_a_new_source_are_made_after_its_first_quarter() -> None:
    source = make_source()
    managers.ensure_defaults(source)
    assert not source.managers.filter(length_s=60).exists()
    speak(source)
    run(quarter(source))
    assert source.managers.filter(length_s=60, builtin=True).exists()


def test_an_archive_tells_what_went(source: Source) -> None:
    archive = source.managers.get(algorithm="archive")
    told = run(archive, END + timedelta(days=60))
    assert told["rows"] == 0
    assert told["kept_back"] > 0, "nothing is behind closed blocks yet"
    Source.objects.update(retired=END)
    for days in (1, 3, 5):
        for manager in source.managers.exclude(algorithm="archive").order_by("length_s"):
            run(manager, END + timedelta(days=days))
    told = run(archive, END + timedelta(days=60))
    assert (told["status"], told["error"]) == ("idle", None)
    assert told["rows"] > 300


def test_twelve_managers_with_nothing_to_do_cost_next_to_nothing() -> None:
    """Each claims, looks, and frees: a fixed number of look-ups, whatever the history; none of them writes a block."""
    sources = [make_source(kind) for kind in ("electricity", "volume", "production")]
    for source in sources:
        numbers = (
            {"electricity": 4, "volume": 1, "production": 1}[source.kind],
            {"electricity": 4, "volume": 0, "production": 1}[source.kind],
        )
        store(source, [Sample(Q + n * 10, (n,) * numbers[0], (1,) * numbers[1]) for n in range(400)])
        managers.ensure_defaults(source)
    every = list(DataManager.objects.all())
    assert len(every) == 11
    for _ in range(2):
        for manager in every:
            run(manager)
    cost: dict[str, set[int]] = {}
    statements: list[str] = []
    began = time.process_time()
    for manager in every:
        with CaptureQueriesContext(connection) as queries:
            manager_runs.run(manager.pk, lambda: END)
        cost.setdefault(manager.get_length_s_display(), set()).add(len(queries))
        statements += [query["sql"] for query in queries]
    spent_ms = 1000 * (time.process_time() - began) / len(every)
    most = {"quarter of an hour": 6, "day": 8, "1 minute": 10, "no reading stays (archive)": 14}
    assert {name: max(numbers) for name, numbers in cost.items() if max(numbers) > most[name]} == {}
    assert not [sql for sql in statements if sql.startswith("UPDATE meters_block")]
    per_second = spent_ms * sum(1 / manager.period_s for manager in every)
    assert per_second < 1, f"{per_second:.2f} ms a second for {len(every)} managers"


KILLED = """
import sys
from datetime import datetime
import django
django.setup()
from meters import manager_runs
manager_runs.run(int(sys.argv[1]), lambda: datetime.fromisoformat(sys.argv[2]))
"""


def child(manager: DataManager, now: datetime) -> "subprocess.Popen[str]":
    """A worker's run in a process of its own, on this test's database."""
    assert SERVERS.postgres is not None
    url = SERVERS.postgres.url.replace("/energysite?", f"/{connection.settings_dict['NAME']}?")
    assert url != SERVERS.postgres.url
    environment = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "energysite.settings"}
    arguments = [sys.executable, "-c", KILLED, str(manager.pk), now.isoformat()]
    return subprocess.Popen(arguments, cwd=BASE_DIR, env=environment, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_run_killed_in_the_middle_is_taken_over_when_its_claim_has_run_out(source: Source) -> None:
    manager = quarter(source)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE meters_block IN ACCESS EXCLUSIVE MODE")  # the run waits here, in its middle
        worker = child(manager, END)
        try:
            until(lambda: busy_until(manager) or worker.poll() is not None, 20, "the claim of the run")
            assert worker.poll() is None, worker.communicate()[1]
        finally:
            worker.send_signal(signal.SIGKILL)
            worker.communicate()
    claimed = busy_until(manager)
    assert claimed == END + manager_runs.STEP
    assert run(manager, claimed - timedelta(seconds=1)) == {"skipped": 1}
    assert not Block.objects.filter(state="done").exists()
    assert run(manager, claimed)["done"] == 4
    assert busy_until(manager) is None


def test_of_the_runs_of_one_process_a_few_work_some_wait_and_the_others_are_turned_away() -> None:
    turns = Turns(most=1, queue=1, patience_s=10)
    release, working, results = threading.Event(), threading.Event(), []

    def work() -> None:
        with turns.turn() as mine:
            working.set()
            assert release.wait(10)
            results.append(mine)

    first, second = threading.Thread(target=work), threading.Thread(target=work)
    first.start()
    assert working.wait(10)
    assert not turns.wanted()
    second.start()
    until(turns.wanted, 10)
    with turns.turn() as third:
        assert not third
    release.set()
    first.join(10)
    second.join(10)
    assert results == [True, True]
    with turns.turn() as again:
        assert again


def test_who_has_waited_long_enough_comes_again_on_its_period() -> None:
    turns = Turns(most=1, queue=1, patience_s=0.01)
    with turns.turn() as first, turns.turn() as second:
        assert (first, second) == (True, False)


def test_who_has_much_to_do_goes_on_when_those_who_waited_are_in() -> None:
    turns = Turns(most=1, queue=2, patience_s=10)
    entered, release, lingered = threading.Event(), threading.Event(), []

    def wait_for_a_turn() -> None:
        with turns.turn():
            entered.set()
            assert release.wait(10)

    def linger() -> None:
        lingered.append((turns.let_in(), entered.is_set()))

    with turns.turn():
        waiting = threading.Thread(target=wait_for_a_turn)
        waiting.start()
        until(turns.wanted, 10)
        lingering = threading.Thread(target=linger)
        lingering.start()
        until(lambda: turns._lingering == 1, 10)
        assert not turns.let_in()  # one already takes a thread for it
        assert lingered == []
    lingering.join(10)
    release.set()
    waiting.join(10)
    assert lingered and lingered[0][0]
