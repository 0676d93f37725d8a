"""Which makes there are, and which settings each can use."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from solar.models import Inverter
from solar.readers import families
from solar.readers.families import unit_numbers

GOOD: dict[str, dict[str, Any]] = {
    "fronius": {"address": "http://192.0.2.1"},
    "sma": {"address": "https://192.0.2.1", "password": "secret"},
    "sunspec": {"address": "socket://192.0.2.1:502", "units": "1, 126"},
    "homewizard": {"address": "http://192.0.2.1"},
    "http_json": {"address": "http://192.0.2.1", "page": "/status?x=1", "power_path": "w"},
}


def wrong(family: str, **fields: Any) -> set[str]:
    given = Inverter(**{"family": family, "name": "Roof", **GOOD[family], **fields})
    try:
        families.check(families.known()[family], given)
    except ValidationError as error:
        return set(error.message_dict)
    return set()


@pytest.mark.parametrize("family", GOOD)
def test_each_family_opens_with_its_settings_and_asks_nothing_yet(family: str) -> None:
    assert wrong(family) == set()
    reader = families.open_reader(family, Inverter(**GOOD[family]))
    assert (reader.family, reader.heard) == (family, "")
    assert reader.shortest_period_s == families.known()[family].shortest_period_s <= families.known()[family].usual_period_s
    reader.close()


def test_every_family_has_settings_here() -> None:
    assert GOOD.keys() == families.known().keys()


@pytest.mark.parametrize(
    ("family", "fields", "field"),
    [
        ("fronius", {"address": "socket://192.0.2.1:80"}, "address"),
        ("fronius", {"address": "http://192.0.2.1/solar_api"}, "address"),
        ("fronius", {"address": "http://user:word@192.0.2.1"}, "address"),
        ("fronius", {"address": "file:///etc/passwd"}, "address"),
        ("fronius", {"units": "1, x"}, "units"),
        ("sma", {"password": ""}, "password"),
        ("sunspec", {"address": "http://192.0.2.1"}, "address"),
        ("sunspec", {"units": "248"}, "units"),
        ("http_json", {"page": ""}, "page"),
        ("http_json", {"page": "status"}, "page"),
        ("http_json", {"page": "/a b"}, "page"),
        ("http_json", {"page": "/a\r\nHost: x"}, "page"),
        ("http_json", {"page": "/é"}, "page"),
        ("http_json", {"power_path": ""}, "power_path"),
        ("http_json", {"power_factor": 0.0}, "power_factor"),
        ("http_json", {"total_factor": float("nan")}, "total_factor"),
        ("http_json", {"battery_factor": float("inf")}, "battery_factor"),
    ],
)
def test_settings_that_a_family_cannot_use_are_told_at_their_field(family: str, fields: dict[str, Any], field: str) -> None:
    assert wrong(family, **fields) == {field}


def test_what_a_family_needs_and_uses_are_settings_that_there_are() -> None:
    names = {field.name for field in Inverter._meta.concrete_fields}
    for family in families.FAMILIES:
        assert {*family.needs, *family.uses} <= names


@pytest.mark.parametrize(("text", "numbers"), [("", ()), ("1", (1,)), (" 2 ; 1,2,", (2, 1)), ("0,247", (0, 247))])
def test_unit_numbers_in_order_and_each_once(text: str, numbers: tuple[int, ...]) -> None:
    assert unit_numbers(text) == numbers


@pytest.mark.parametrize("text", ["-1", "248", "1.5", "²", "1 2", "٣"])
def test_what_is_no_unit_number_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="is no unit number"):
        unit_numbers(text)


@pytest.mark.django_db
def test_a_make_that_may_be_asked_every_10_s_refuses_a_shorter_period() -> None:
    with pytest.raises(ValidationError, match="every 10 s"):
        Inverter(name="Roof", family="fronius", address="http://192.0.2.1", period_s=9).clean()
    Inverter(name="Roof", family="fronius", address="http://192.0.2.1", period_s=10).clean()
