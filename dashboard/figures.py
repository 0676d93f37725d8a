"""Figures as people write them, in the visitor's language. The page's script (figures.js) writes the same."""

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any

from django.template.defaultfilters import floatformat

ABSENT = "–"


def thousandths(value: int | None, places: int) -> str:
    """W as kW, Wh as kWh, l as m3; a dash where there is no value."""
    return ABSENT if value is None else floatformat(Decimal(value) / 1000, places)


def kw(value: int | None) -> str:
    """W as kW with two decimals and no sign: a word beside it says whether it comes or goes."""
    return thousandths(None if value is None else abs(value), 2)


def signed_kw(value: int | None) -> str:
    """Import positive, injection with a minus sign."""
    return ("−" if value is not None and value < 0 else "") + kw(value)


def decimals(value: float | None, places: int) -> str:
    return ABSENT if value is None else floatformat(Decimal(str(value)), places)


def tenths(value: float | None) -> str:
    """One decimal and a real minus sign; none before what rounds to nothing."""
    text = decimals(value, 1)
    if value is None or value >= 0:
        return text
    plain = text.removeprefix("-")
    return f"−{plain}" if any(digit in plain for digit in "123456789") else plain


def minutes_seconds(seconds: int) -> str:
    return f"{seconds // 60}:{seconds % 60:02d}"


def local_time(epoch: float, zone: tzinfo, form: str = "%H:%M") -> str:
    return datetime.fromtimestamp(epoch, UTC).astimezone(zone).strftime(form)


FORMATS: dict[str, Callable[[Any, tzinfo], str]] = {
    "kw": lambda value, _zone: kw(value),
    "signed_kw": lambda value, _zone: signed_kw(value),
    "register": lambda value, _zone: thousandths(value, 3),
    "m3": lambda value, _zone: thousandths(value, 3),
    "volt": lambda value, _zone: decimals(value, 1),
    "amp": lambda value, _zone: decimals(value, 2),
    "whole": lambda value, _zone: str(value),
    "time": lambda value, zone: local_time(value, zone),
    "seconds": lambda value, zone: local_time(value, zone, "%H:%M:%S"),
}
