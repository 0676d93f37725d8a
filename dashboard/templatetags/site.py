"""What every page shows: the version, the texts of its script, and figures written as people write them."""

from decimal import Decimal
from typing import Any

from django import template
from django.conf import settings
from django.template.defaultfilters import floatformat

from dashboard import texts

register = template.Library()


@register.simple_tag
def version() -> str:
    return settings.VERSION


@register.simple_tag
def live_texts() -> dict[str, str]:
    return texts.for_script()


def _thousandths(value: Any, decimals: int) -> str:
    return "" if value is None else floatformat(Decimal(int(value)) / 1000, decimals)


@register.filter
def kilo(value: int | None) -> str:
    """W as kW with two decimals, in the visitor's language; the script writes the same."""
    return _thousandths(value, 2)


@register.filter
def kwh(value: int | None) -> str:
    """Wh as kWh with two decimals."""
    return _thousandths(value, 2)


@register.filter
def m3(value: int | None) -> str:
    """Litres as cubic metres with three decimals, as the gas meter counts."""
    return _thousandths(value, 3)
