"""The configured inverters as a process knows them, also while the database or Valkey is away."""

import json
import logging
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from energysite import agents, live
from energysite.database import DatabaseAway
from meters.models import Source
from solar import fleet as fleets
from solar.fleet import Counter, Fleet
from solar.models import Inverter, InverterSource
from tests import database_away
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def away() -> Iterator[Callable[[], None]]:
    with database_away.switch() as toggle:
        yield toggle


def _make(**fields: Any) -> Inverter:
    given = {"name": "Roof", "family": "sma", "address": "http://192.168.1.9", "password": "sunny side up", "period_s": 10}
    return agents.create(Inverter, **{**given, **fields})


def _counter(inverter: Inverter, **fields: Any) -> Counter:
    source = Source.objects.create(name="Roof", kind="production", medium="solar")
    InverterSource.objects.create(inverter=inverter, unit="1", source=source, **fields)
    return Counter("1", "production", source.pk, **fields)


class Clock:
    at = 0.0

    def __call__(self) -> float:
        return self.at


def test_it_is_read_once_and_again_when_any_agent_changed(tmp_path: Path, django_assert_num_queries: Any) -> None:
    inverter = _make()
    fleet = Fleet(tmp_path / "inverters.json")
    with django_assert_num_queries(2):
        known = fleet.of(inverter.pk)
    assert known is not None
    assert known.inverter.password == "sunny side up"
    with django_assert_num_queries(0):
        fleet.of(inverter.pk)
    inverter.address = "http://192.168.1.10"
    inverter.save()
    changed = fleet.of(inverter.pk)
    assert changed is not None
    assert changed.inverter.address == "http://192.168.1.10"
    inverter.delete()
    assert fleet.of(inverter.pk) is None


def test_it_is_read_again_after_half_a_minute_all_the_same(tmp_path: Path) -> None:
    inverter, clock = _make(), Clock()
    fleet = Fleet(tmp_path / "inverters.json", clock)
    fleet.of(inverter.pk)
    Inverter.objects.update(period_s=20)  # which tells nobody
    known = fleet.of(inverter.pk)
    assert known is not None
    assert known.inverter.period_s == 10
    clock.at = fleets.READ_EVERY_S
    known = fleet.of(inverter.pk)
    assert known is not None
    assert known.inverter.period_s == 20


def test_a_process_that_starts_while_the_database_is_away_knows_them_from_the_disk(tmp_path: Path, away: Callable[[], None]) -> None:
    inverter = _make()
    counter = _counter(inverter, base_wh=4000, day=date(2026, 6, 21))
    path = tmp_path / "inverters.json"
    Fleet(path).of(inverter.pk)
    away()
    known = Fleet(path).of(inverter.pk)
    assert known is not None
    assert {field.attname: getattr(known.inverter, field.attname) for field in Inverter._meta.concrete_fields} == {
        field.attname: getattr(inverter, field.attname) for field in Inverter._meta.concrete_fields
    }
    assert known.counters == (counter,)
    with pytest.raises(DatabaseAway):
        Fleet(tmp_path / "none.json").of(inverter.pk)


def test_passwords_are_encrypted_on_the_disk_and_the_file_is_the_owners_alone(tmp_path: Path) -> None:
    inverter = _make()
    path = tmp_path / "config" / "inverters.json"
    Fleet(path).of(inverter.pk)
    assert "sunny" not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["inverters.json"]


@pytest.mark.parametrize("text", ["", "[]", '{"inverters": [{}]}', '{"inverters": 5}'])
def test_a_copy_that_cannot_be_used_is_said(tmp_path: Path, away: Callable[[], None], caplog: pytest.LogCaptureFixture, text: str) -> None:
    path = tmp_path / "inverters.json"
    path.write_text(text)
    away()
    with caplog.at_level(logging.ERROR), pytest.raises(DatabaseAway):
        Fleet(path).of(1)
    assert "cannot be used" in caplog.text


def test_a_base_that_grew_while_the_database_was_away_is_written_when_it_is_back(tmp_path: Path, away: Callable[[], None]) -> None:
    inverter = _make()
    counter = _counter(inverter, base_wh=4000, day=date(2026, 6, 21))
    fleet = Fleet(tmp_path / "inverters.json")
    fleet.of(inverter.pk)
    away()
    fleet.learned(inverter.pk, Counter("1", "production", counter.source_id, 9000, date(2026, 6, 22)))
    known = fleet.of(inverter.pk)
    assert known is not None
    assert known.counters[0].base_wh == 9000
    assert json.loads((tmp_path / "inverters.json").read_text())["inverters"][0]["counters"][0]["base_wh"] == 9000
    away()

    def written() -> bool:
        fleet.of(inverter.pk)
        return InverterSource.objects.get().base_wh == 9000

    until(written, 5, "the base in the database")
    assert InverterSource.objects.get().day == date(2026, 6, 22)


def test_a_source_that_a_person_retired_is_not_counted_on(tmp_path: Path) -> None:
    inverter = _make()
    _counter(inverter)
    Source.objects.update(retired="2026-06-21T00:00:00Z")
    known = Fleet(tmp_path / "inverters.json").of(inverter.pk)
    assert known is not None
    assert known.counters == ()
    assert live.client().get(live.AGENTS_GENERATION) is not None
