"""The managers that a source has by itself: for each kind, once, whoever asks, however often."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from energysite import agents
from energysite.models import AgentState
from meters.blocks import managers
from meters.models import DataManager, Source
from meters.storage import source_for
from tests.meters.blocks.known import Q, Sample, make_source, store
from tests.meters.rows import make_meter

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 9, 21, tzinfo=UTC)


def speaks(source: Source, every_s: int, times: int = 30) -> None:
    registers = {"electricity": (1, 2, 3, 4), "volume": (1,), "production": (1,), "analog": ()}[source.kind]
    powers = {"electricity": (1, 2, 3, 4), "volume": (), "production": (1,), "analog": (1,)}[source.kind]
    store(source, [Sample(Q + n * every_s, registers, powers) for n in range(times)])


def shape(source: Source) -> set[tuple[str, int, int, int | None]]:
    return set(source.managers.values_list("algorithm", "length_s", "period_s", "keep_days"))


@pytest.mark.parametrize(
    ("kind", "algorithm", "minutes"),
    [("electricity", "difference", True), ("production", "difference", True), ("analog", "mean", True), ("volume", "difference", False)],
)
def test_every_kind_of_source_gets_its_managers(kind: str, algorithm: str, minutes: bool) -> None:
    source = make_source(kind)
    speaks(source, 10)
    managers.ensure_defaults(source)
    minute = {(algorithm, 60, 60, 730)} if minutes else set()
    assert shape(source) == {(algorithm, 900, 60, None), (algorithm, 86_400, 300, None), ("archive", 0, 21_600, 30)} | minute
    for manager in source.managers.all():
        assert manager.builtin
        manager.full_clean()


def test_asked_again_nothing_is_made() -> None:
    source = make_source()
    assert len(managers.ensure_defaults(source)) == 3
    assert managers.ensure_defaults(source) == []
    assert managers.ensure_all() == []


@pytest.mark.parametrize(("every_s", "minutes"), [(1, True), (60, True), (61, False), (900, False)])
def test_minutes_come_once_readings_are_known_to_come_that_often(every_s: int, minutes: bool) -> None:
    source = make_source()
    managers.ensure_defaults(source)
    assert not source.managers.filter(length_s=60).exists(), "nothing is known yet"
    speaks(source, every_s)
    assert [manager.length_s for manager in managers.ensure_all()] == ([60] if minutes else [])


def test_a_cadence_that_a_person_set_is_believed() -> None:
    source = make_source(cadence_s=10)
    assert {manager.length_s for manager in managers.ensure_defaults(source)} == {900, 86_400, 60, 0}


def test_the_cadence_is_the_low_median_of_the_newest_intervals() -> None:
    source = make_source()
    assert managers.cadence_s(source) is None
    speaks(source, 3600 * 5, 3)
    assert managers.cadence_s(source) == 3600, "never taken for more"
    store(source, [Sample(Q + 90_000 + n * 10 + 3 * (n % 7 == 0), (1, 2, 3, 4), (1, 2, 3, 4)) for n in range(21)])
    assert managers.cadence_s(source) == 10


def test_a_device_that_is_met_for_the_first_time_has_its_managers_at_once() -> None:
    source = source_for(make_meter("Main"), "gas", "G1")
    assert sorted(source.managers.values_list("name", flat=True)) == ["Main gas archive", "Main gas day", "Main gas quarter"]


def test_names_fit_even_where_the_source_has_a_long_or_strange_or_taken_one() -> None:
    make_meter("odd-name quarter")
    long = "ä" * 120
    for name in ("odd/name", long, f"{long[:119]}b", "tab\tand\nline"):
        managers.ensure_defaults(make_source(name=name))
    names = set(DataManager.objects.values_list("name", flat=True))
    assert len(names) == 12
    assert {"odd-name quarter 2", "odd-name day", "tab and line quarter", f"{long[:72]} quarter", f"{long[:70]} quarter 2"} <= names
    for manager in DataManager.objects.all():
        manager.full_clean()
    assert AgentState.objects.filter(kind="manager").count() == 12


@pytest.mark.django_db(transaction=True)
def test_many_at_once_make_each_manager_once() -> None:
    source, other = make_source(cadence_s=1, name="one"), make_source(cadence_s=1, name="one/")
    ready, made, errors = threading.Barrier(8), [], []

    def work(wanted: Source) -> None:
        try:
            ready.wait(10)
            made.extend(managers.ensure_defaults(wanted))
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(wanted,)) for wanted in (source, other) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert errors == []
    assert len(made) == DataManager.objects.count() == 8


@pytest.mark.parametrize("length_s", [900, 86_400])
@pytest.mark.parametrize("change", [{"enabled": False}, {"since": NOW}, {"until": NOW + timedelta(days=1)}, {"keep_days": 30}])
def test_quarters_and_days_are_kept_for_all_time(length_s: int, change: dict[str, object]) -> None:
    source = make_source()
    managers.ensure_defaults(source)
    manager = source.managers.get(length_s=length_s)
    for name, value in change.items():
        setattr(manager, name, value)
    with pytest.raises(ValidationError):
        manager.full_clean()
    with pytest.raises(ValidationError, match="cannot be removed"):
        manager.delete()
    assert agents.get(manager.name) == manager
