"""Amounts and moments as people type them: what is meant is taken, what could mean two things is asked about."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone, translation

from meters import amounts, moments
from meters.amounts import AmountField

NOW = datetime(2026, 11, 10, 11, tzinfo=UTC)


@pytest.fixture(autouse=True)
def brussels() -> Any:
    with timezone.override(ZoneInfo("Europe/Brussels")):
        yield


@pytest.mark.parametrize(
    ("typed", "language", "wh"),
    [
        ("1204.310", "en", 1_204_310),
        ("1204,310", "en", 1_204_310),
        ("54,201.112", "en", 54_201_112),
        ("54.201,112", "nl", 54_201_112),
        ("54 201,112", "fr", 54_201_112),
        ("54\u202f201,112", "fr", 54_201_112),
        ("1.204.310", "de", 1_204_310_000),
        ("0.125", "nl", 125),
        ("54.2", "nl", 54_200),
        ("54,201", "nl", 54_201),
        ("54201", "de", 54_201_000),
        (".5", "en", 500),
        ("7.1000", "en", 7100),
    ],
)
def test_a_number_is_read_as_it_stands_on_the_dial(typed: str, language: str, wh: int) -> None:
    with translation.override(language):
        assert AmountField().clean(typed) == wh


@pytest.mark.parametrize(
    ("typed", "language", "words"),
    [
        ("54,201", "en", "Write 54201 or 54.201."),
        ("54.201", "nl", "54201"),
        ("1,2,3", "en", "Write a number"),
        ("12a", "en", "Write a number"),
        ("١٢", "en", "Write a number"),
        ("1e3", "en", "Write a number"),
        ("1.2345", "en", "three decimals"),
        ("-5", "en", "without a sign"),
        ("2147484", "en", "more than a counter can show"),
        ("9" * 5000, "en", "more than a counter can show"),
        ("", "en", "required"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(typed: str, language: str, words: str) -> None:
    with translation.override(language), pytest.raises(ValidationError) as refused:
        AmountField().clean(typed)
    assert words in refused.value.messages[0]


def test_a_difference_has_a_sign_and_wh_are_whole() -> None:
    assert AmountField(signed=True).clean("-0.250") == -250
    assert AmountField(signed=True).clean("−1.5") == -1500
    assert AmountField(signed=True).clean("+2") == 2000
    assert AmountField(scale=1, signed=True).clean("-250") == -250
    with pytest.raises(ValidationError, match="whole numbers"):
        AmountField(scale=1).clean("2.5")
    with pytest.raises(ValidationError, match="Write a number"):
        AmountField(signed=True).clean("--5")
    with pytest.raises(ValidationError, match="Write a number"):
        AmountField(signed=True).clean("-")


def test_figures_carry_their_unit_and_marks_of_thousands() -> None:
    assert amounts.shown("import_t1_wh", 54_201_112) == "54,201.112 kWh"
    assert amounts.shown("volume_l", 12_300, signed=True) == "+12.300 m³"
    assert amounts.shown("import_t1_wh", -250, signed=True) == "−0.250 kWh"
    assert amounts.shown("import_t1_wh", None) == "–"
    with translation.override("nl"):
        assert amounts.shown("import_t1_wh", 54_201_112) == "54.201,112 kWh"


def form(date: str, time: str, **more: str) -> moments.MomentForm:
    return moments.MomentForm({"date": date, "time": time, **more}, now=NOW)


def test_an_hour_that_comes_twice_asks_which_of_the_two() -> None:
    assert "fold" not in form("2026-10-24", "02:15").fields
    twice = form("2026-10-25", "02:15")
    assert not twice.is_valid() and list(twice.errors) == ["fold"]
    for fold, hour, name in (("0", 0, "02:15 summer time"), ("1", 1, "02:15 winter time")):
        chosen = form("2026-10-25", "02:15", fold=fold)
        assert chosen.is_valid()
        assert chosen.cleaned_data["at"] == datetime(2026, 10, 25, hour, 15, tzinfo=UTC)
        assert moments.clock(chosen.cleaned_data["at"]) == name


def test_a_time_that_the_clock_jumped_over_and_one_to_come_are_refused() -> None:
    jumped = form("2026-03-29", "02:15")
    assert not jumped.is_valid() and "jumped over" in str(jumped.errors["time"])
    later = form("2026-11-10", "12:01")
    assert not later.is_valid() and "still to come" in str(later.errors["date"])
    assert form("2026-11-10", "12:00").is_valid()
    for date, time in (("", ""), ("x", "02:15"), ("2026-10-25", "25:00")):
        assert not form(date, time).is_valid()
