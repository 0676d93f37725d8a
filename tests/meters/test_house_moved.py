"""The house moves to another zone: its days are made anew by a worker, from the same quarters."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from energysite import live
from energysite.models import House
from meters import tasks
from meters.blocks.managers import ensure_defaults
from meters.blocks.process import drain
from meters.counting import judge
from meters.models import Block, Source

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
QUEUE = "celery"


def asked() -> list[str]:
    return [json.loads(message)["headers"]["task"] for message in live.client().lrange(QUEUE, 0, -1)]


def made() -> Source:
    source = Source.objects.create(kind="volume", medium="gas", name="Gas", serial="g")
    ensure_defaults(source)
    rows = [(source.pk, BEGIN + timedelta(seconds=300 * i), 10_000 + i, 0) for i in range(4 * 288 + 1)]
    judge.store("volume", rows, BEGIN + timedelta(days=5))
    return source


@pytest.mark.django_db
def test_days_of_another_zone_are_made_from_the_same_quarters() -> None:
    house, source = House.load(), made()
    drain(source.managers.all(), BEGIN + timedelta(days=5))
    days = Block.objects.filter(source=source, length_s=86400)
    assert days.get(local_date=date(2026, 3, 2)).start == datetime(2026, 3, 1, 23, tzinfo=UTC)
    house.zone = "Asia/Kolkata"
    house.save()
    tasks.rebuild_days()
    assert days.get(local_date=date(2026, 3, 2)).start == datetime(2026, 3, 1, 18, 30, tzinfo=UTC)
    assert days.get(local_date=date(2026, 3, 2)).energy1 == 288
    assert not days.filter(start=datetime(2026, 3, 1, 23, tzinfo=UTC)).exists()


@pytest.mark.django_db
def test_saving_the_house_asks_a_worker(django_capture_on_commit_callbacks: Callable[..., object]) -> None:
    house = House.load()
    live.client().delete(QUEUE)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        house.zone = "Europe/Lisbon"
        house.save()
    assert asked() == ["meters.tasks.rebuild_days"]
    live.client().delete(QUEUE)
