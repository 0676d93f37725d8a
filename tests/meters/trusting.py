"""For tests of the pages by which a person sets readings right: an owner, sources, and readings judged as any others are."""

from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client

from meters.counting.judge import take
from meters.kinds import KINDS
from meters.models import Source

BACKEND = "django.contrib.auth.backends.ModelBackend"
NOON = datetime(2026, 11, 10, 11, tzinfo=UTC)  # 12:00 in Brussels


def owner() -> Client:
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.create(username="ann", is_superuser=True), backend=BACKEND)
    return client


def source(name: str = "House", kind: str = "electricity", **fields: object) -> Source:
    medium = {"volume": "gas", "production": "solar"}.get(kind, kind)
    return Source.objects.create(**{"kind": kind, "medium": medium, "name": name, **fields})


def feed(source: Source, counters: list[int], start: datetime = NOON, step: timedelta = timedelta(seconds=10)) -> None:
    """One reading of the first register each step, through the judge."""
    kind = KINDS[source.kind]
    lacking = len(kind.columns) - 4
    rows = [(source.pk, start + i * step, value, *[None] * lacking, 0) for i, value in enumerate(counters)]
    with transaction.atomic():
        take(kind.name, rows, start + len(rows) * step)


def replaced_meter(source: Source) -> None:
    """It stood at 54,201.112 kWh; then 80 readings over thirteen minutes begin at 1,204.310 kWh."""
    feed(source, [54_201_000 + i for i in range(113)])
    feed(source, [1_204_310 + i for i in range(80)], NOON + timedelta(minutes=30))
