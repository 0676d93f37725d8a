"""The settings of a data manager over the websocket: wrong ones are refused in words, nothing is half changed."""

from datetime import UTC, datetime
from typing import Any

import pytest

from energysite import agents
from energysite.models import AuditEntry
from energysite.permissions import OWNER, Actor
from meters.blocks import managers
from meters.manager_form import NewDataManagerForm
from meters.models import DataManager, Source
from tests.meters.blocks.known import Q, Sample, make_source, store

pytestmark = pytest.mark.django_db
ANN = Actor("ann", OWNER)


@pytest.fixture
def source() -> Source:
    found = make_source(name="Main", cadence_s=10)
    managers.ensure_defaults(found)
    return found


def set_config(name: str, **values: Any) -> dict[str, Any]:
    return agents.set_config(ANN, name, values, 1)


@pytest.mark.parametrize(
    ("name", "values", "field", "words"),
    [
        ("Main quarter", {"enabled": False}, "enabled", "cannot be switched off"),
        ("Main quarter", {"since": "2026-01-01T00:00:00Z"}, "since", "kept for all time"),
        ("Main day", {"keep_days": 400}, "keep_days", "kept for all time"),
        ("Main quarter", {"length_s": 300}, "length_s", "no such setting"),
        ("Main quarter", {"algorithm": "mean"}, "algorithm", "no such setting"),
        ("Main quarter", {"source": 2}, "source", "no such setting"),
        ("Main quarter", {"builtin": False}, "builtin", "no such setting"),
        ("Main quarter", {"blocks_per_run": 0}, "blocks_per_run", "from 1 to 100000"),
        ("Main quarter", {"blocks_per_run": 100_001}, "blocks_per_run", "from 1 to 100000"),
        ("Main quarter", {"blocks_per_run": "many"}, "blocks_per_run", "not a whole number"),
        ("Main quarter", {"period_s": 0}, "period_s", "1 second or more"),
        ("Main archive", {"keep_days": 0}, "keep_days", "from 1 to 36500 days"),
        ("Main archive", {"keep_days": 40_000}, "keep_days", "from 1 to 36500 days"),
        ("Main minute", {"since": "yesterday"}, "since", "valid date"),
        ("Main minute", {"since": 5}, "since", "not text"),
        ("Main minute", {"until": "0001-01-01T00:00:00Z"}, "until", "from 2000 to 2199"),
        ("Main minute", {"since": "2026-02-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "until", "ends before it begins"),
    ],
)
def test_a_wrong_setting_is_refused_in_words(source: Source, name: str, values: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(agents.Refused) as refusal:
        set_config(name, requestable=False, **values)
    assert words in " ".join(refusal.value.errors[field])
    stored = agents.get(name)
    assert (stored.requestable, stored.version) == (True, 1)
    assert not AuditEntry.objects.exists()


def test_what_can_be_set_is_set_told_and_audited(source: Source) -> None:
    told = set_config("Main minute", since="2026-01-01T00:00:00+01:00", keep_days=90, blocks_per_run=500)
    assert told["values"]["since"] == "2025-12-31T23:00:00+00:00"
    minute = DataManager.objects.get(name="Main minute")
    assert (minute.since, minute.keep_days, minute.blocks_per_run) == (datetime(2025, 12, 31, 23, tzinfo=UTC), 90, 500)
    changed = AuditEntry.objects.get().detail["changed"]
    assert changed["since"] == [None, "2025-12-31T23:00:00+00:00"]
    again = agents.get_config(ANN, "Main minute")
    assert agents.set_config(ANN, "Main minute", again["values"], 2)["version"] == 2, "what was got can be set, and changes nothing"


def test_minutes_of_a_source_that_has_become_slow_are_not_switched_on(source: Source) -> None:
    set_config("Main minute", enabled=False)
    Source.objects.update(cadence_s=900)
    with pytest.raises(agents.Refused, match="speaks every 900 s: blocks of 60 s would be empty"):
        agents.set_config(ANN, "Main minute", {"enabled": True}, 2)
    agents.set_config(ANN, "Main minute", {"keep_days": 30}, 2)


def new(source: Source, **values: Any) -> dict[str, list[str]]:
    """The errors of a new manager with these settings, by field."""
    given = {"name": "new", "source": source.pk, "algorithm": "difference", "length_s": 300, "period_s": 60, "blocks_per_run": 100}
    form = NewDataManagerForm(data={**given, "enabled": True, **values})
    return {field: [str(text) for text in texts] for field, texts in form.errors.items()}


def test_another_length_may_be_added_and_each_only_once(source: Source) -> None:
    assert new(source) == {}
    assert "for this length already" in new(source, length_s=900)["length_s"][0]
    assert "for this length already" in new(source, length_s=900, algorithm="mean")["length_s"][0], "their blocks would be the same rows"
    assert new(source, name="Main quarter")["name"]


@pytest.mark.parametrize(("every_s", "length_s", "fine"), [(60, 60, True), (61, 60, False), (900, 300, False), (900, 1800, True)])
def test_blocks_are_no_shorter_than_the_time_between_readings(every_s: int, length_s: int, fine: bool) -> None:
    source = make_source(name="slow")
    store(source, [Sample(Q + n * every_s, (1, 2, 3, 4), (1, 2, 3, 4)) for n in range(5)])
    errors = new(source, length_s=length_s)
    assert (errors == {}) is fine, errors
    if not fine:
        assert f"slow speaks every {every_s} s" in errors["length_s"][0]


def test_each_kind_is_condensed_in_the_way_that_its_values_allow() -> None:
    assert "Choose difference" in new(make_source("volume"), algorithm="mean")["algorithm"][0]
    assert "Choose mean" in new(make_source("analog"))["algorithm"][0]
    assert new(make_source("analog"), algorithm="mean") == {}
    assert new(make_source("volume"), algorithm="archive", length_s=0, keep_days=7) == {}


def test_a_length_is_needed_except_by_an_archive(source: Source) -> None:
    assert new(source, length_s=0)["length_s"] == ["Choose a length."]
    assert new(make_source("volume"), algorithm="archive", length_s=0) == {}
