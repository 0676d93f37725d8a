"""Any number of workers on the same blocks, killed at any moment: each block is done once, none is left out, no claim is stolen."""

import os
import random
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from energysite.blocks import Sample
from meters.blocks.claims import CLAIM
from meters.blocks.process import drain, process
from meters.blocks.touch import reopen, span
from meters.models import Block, DataManager
from tests.meters.blocks.known import Q, at, expected, found, make_source, manager, store, stored

BLOCKS = 10_000
ROOT = Path(__file__).resolve().parents[3]
# What no worker can hide: every change of a block's state or claim.
WATCH = """
    CREATE TABLE block_history (block bigint, was text, became text, claim_was timestamptz, claim timestamptz);
    CREATE FUNCTION note_block() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO block_history VALUES (NEW.id, OLD.state, NEW.state, OLD.busy_until, NEW.busy_until); RETURN NULL;
    END $$;
    CREATE TRIGGER note_block AFTER UPDATE ON meters_block FOR EACH ROW EXECUTE FUNCTION note_block();"""
FORGET = "DROP TRIGGER note_block ON meters_block; DROP FUNCTION note_block; DROP TABLE block_history"


def ask(sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


@pytest.fixture
def watched(transactional_db):
    with connection.cursor() as cursor:
        cursor.execute(WATCH)
    yield
    with connection.cursor() as cursor:
        cursor.execute(FORGET)


@pytest.mark.slow
def test_eight_workers_ten_thousand_blocks_fifty_kills(watched):
    source = make_source("volume", cadence_s=900)
    store(source, [Sample(Q + i * 900, (i * 3,)) for i in range(BLOCKS + 1)])
    quarters = manager(source)
    database = connection.settings_dict
    environment = {
        **os.environ,
        "DATABASE_URL": f"postgresql://{database['USER']}@/{database['NAME']}?host={database['HOST']}",
        "DJANGO_SETTINGS_MODULE": "energysite.settings",
    }
    now = Q + (BLOCKS + 1) * 900
    words = [sys.executable, "-m", "tests.meters.blocks.nursery", str(quarters.pk), "7", str(now)]
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3_000:]

    rows = Block.objects.filter(source=source)
    assert rows.count() == BLOCKS
    assert not rows.exclude(state__in=["done", "closed"]).exists()
    assert not rows.exclude(energy1=3).exists()
    assert not rows.exclude(busy_until=None).exists()
    assert ask("SELECT count(*), count(DISTINCT block) FROM block_history WHERE was = 'todo' AND became = 'done'") == [(BLOCKS, BLOCKS)]
    assert ask("SELECT count(*) FROM block_history WHERE was = 'done' AND became = 'done' AND claim IS NULL") == [(0,)]
    # A claim says when it was made: a block that was claimed already, only after that claim had run out.
    [(again, stolen)] = ask(
        "SELECT count(*), count(*) FILTER (WHERE claim_was > claim - %s) FROM block_history"
        " WHERE claim IS NOT NULL AND claim_was IS NOT NULL",
        CLAIM,
    )
    assert stolen == 0
    assert again > 0, "nobody was killed in the middle of his work: the test shows nothing"


def test_late_readings_while_several_workers_compute(transactional_db):
    chance = random.Random(3)
    source = make_source("volume", cadence_s=300)
    everything = [Sample(Q + i * 300, (i * i // 7,)) for i in range(900)]
    late = sorted(chance.sample(range(1, 899), 60))
    store(source, [sample for i, sample in enumerate(everything) if i not in late])
    managers = [manager(source), manager(source, 86_400)]
    now, over, errors = at(everything[-1].time), threading.Event(), []

    def compute() -> None:
        try:
            own = list(DataManager.objects.filter(pk__in=[one.pk for one in managers]).select_related("source"))
            while not over.is_set():
                for one in own:
                    process(one, now, most=50)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=compute) for _i in range(3)]
    for worker in workers:
        worker.start()
    try:
        for i in chance.sample(late, len(late)):
            times = sorted(time for (time,) in ask("SELECT time FROM meters_volumereading WHERE source_id = %s", source.pk))
            moment = at(everything[i].time)
            with transaction.atomic():
                store(source, [everything[i]])
                reopen(source.pk, [span(max(t for t in times if t < moment), moment, min(t for t in times if t > moment))])
    finally:
        over.set()
        for worker in workers:
            worker.join()
    assert not errors
    drain(managers, now)
    rows = stored(source)
    assert {start: found(block) for start, block in rows.items() if block.state == "done"} == {
        start: values for start in rows if (values := expected(everything, start, start + 900, set_s=300)) is not None
    }
    for block in stored(source, 86_400).values():
        if block.state == "done":
            assert block.energy1 == sum(rows[start].energy1 or 0 for start in rows if block.start <= rows[start].start < block.end)
