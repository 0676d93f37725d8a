"""The row of an analog input and the source that its values are kept as."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from energysite import agents
from meters.models import AnalogInput, DataManager, Source

pytestmark = pytest.mark.django_db


def make(name: str = "Boiler", **fields: Any) -> AnalogInput:
    return agents.create(AnalogInput, name=name, **{"device": "demo", "period_s": 10, "unit": "°C", **fields})


def test_an_input_is_made_with_its_source_and_blocks_by_mean() -> None:
    source = make().source
    assert (source.name, source.kind, source.medium, source.unit, source.cadence_s) == ("Boiler", "analog", "analog", "°C", 10)
    found = dict(source.managers.values_list("length_s", "algorithm"))
    assert {length: found[length] for length in (60, 900, 86400)} == dict.fromkeys((60, 900, 86400), DataManager.Algorithm.MEAN)


def test_a_name_that_another_source_has_gets_a_number() -> None:
    Source.objects.create(kind="volume", medium="gas", name="Boiler")
    assert make().source.name == "Boiler 2"


def test_the_source_follows_unit_and_period() -> None:
    given = make(period_s=300)
    given.unit, given.period_s = "bar", 10
    given.save()
    source = Source.objects.get(pk=given.source_id)
    assert (source.unit, source.cadence_s) == ("bar", 10)
    assert source.managers.filter(length_s=60).exists(), "minutes are made once it speaks that often"


def test_an_input_that_is_deleted_leaves_its_source_retired() -> None:
    given = make()
    AnalogInput.objects.all().delete()
    assert Source.objects.get(pk=given.source_id).retired is not None


def test_an_input_that_cannot_be_saved_leaves_no_source_behind() -> None:
    make()
    with pytest.raises(IntegrityError):
        AnalogInput(name="Boiler", device="demo").save()
    assert Source.objects.count() == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"factor": 0},
        {"factor": 3000},
        {"offset": float("nan")},
        {"factor": float("inf")},
        {"channel": 8},
        {"device": "/dev/mem"},
        {"device": "0.0\n"},
    ],
)
def test_settings_that_cannot_be_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        make(**fields)
    assert not Source.objects.exists()


def test_a_value_is_the_factor_times_the_distance_from_the_offset() -> None:
    given = AnalogInput(offset=100, factor=-0.5)
    assert [given.value_of(raw) for raw in (0, 100, 1023)] == [50.0, 0.0, -461.5]
