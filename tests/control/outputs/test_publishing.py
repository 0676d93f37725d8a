"""What hold_outputs is told: after every change, sealed, and the same text for the same settings."""

import json
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction

from control import keys, tasks
from control.models import Controller, Output
from control.outputs import families, publishing
from energysite import agents, live
from energysite.models import House
from meters.models import Meter

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "hush-hush-7"


@pytest.fixture(autouse=True)
def _clean() -> Any:
    live.client().delete(keys.OUTPUTS)
    yield
    live.client().delete(keys.OUTPUTS)


def told() -> dict[str, Any]:
    return json.loads(live.client().get(keys.OUTPUTS) or "{}")


def plug(**fields: Any) -> Output:
    return agents.create(Output, **{"name": "Plug", "family": "shelly2", "address": "http://192.168.1.30", **fields})


def test_a_saved_output_is_told_with_its_controller_and_its_meters() -> None:
    House.objects.update_or_create(pk=1, defaults={"zone": "Europe/Paris"})
    agents.create(Meter, name="Main", connection="socket://127.0.0.1:9")
    agents.create(Meter, name="Old", connection="socket://127.0.0.1:10", enabled=False)
    output = plug(max_w=3500)
    agents.create(Controller, name="Car", output=output, load="ev", load_w=2300, min_off_s=600)
    heard = told()
    assert (heard["zone"], heard["meters"]) == ("Europe/Paris", ["Main"])
    (entry,) = heard["outputs"]
    assert (entry["name"], entry["address"], entry["max_w"], entry["enabled"], entry["release"]) == (
        "Plug",
        "http://192.168.1.30",
        3500,
        True,
        0,
    )
    assert entry["controller"]["name"] == "Car"
    assert (entry["controller"]["load"], entry["controller"]["min_off_s"]) == ("ev", 600)
    assert (entry["folder"], entry["demo_pins"]) == (str(settings.MODE_DIR), False)


def test_a_password_travels_sealed_and_opens_where_the_key_is() -> None:
    plug(password=PASSWORD)
    (entry,) = told()["outputs"]
    assert PASSWORD not in json.dumps(told())
    driver: Any = families.open_driver(entry, settings.SECRET_KEY)
    assert driver._device._login._password == PASSWORD


def test_the_generation_is_of_the_content() -> None:
    output = plug(password=PASSWORD)
    first = told()["generation"]
    assert publishing.publish()
    assert told()["generation"] == first
    output.release += 1
    output.save()
    second = told()["generation"]
    assert second != first
    agents.create(Controller, name="Car", output=output, load="other")
    third = told()["generation"]
    assert third != second
    Controller.objects.all().delete()
    assert told()["generation"] == second
    Output.objects.all().delete()
    assert told()["outputs"] == []


def test_a_change_that_valkey_missed_is_told_within_a_minute() -> None:
    output = plug()
    before = live.client().get(keys.OUTPUTS)
    output.address = "http://192.168.1.31"
    output.save()
    live.client().set(keys.OUTPUTS, before)  # type: ignore[arg-type]
    tasks.watch()
    assert [entry["address"] for entry in told()["outputs"]] == ["http://192.168.1.31"]


def test_nothing_is_told_of_what_was_taken_back() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        plug()
        raise RuntimeError
    assert told() == {}
