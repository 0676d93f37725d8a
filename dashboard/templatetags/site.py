"""For templates: the texts of the page's script, and figures written as people write them."""

from typing import Any

from django import template

from dashboard import figures, texts

register = template.Library()


def _given(value: Any) -> Any:
    """A name that the context lacks arrives as an empty string."""
    return None if value == "" else value


@register.simple_tag
def live_texts() -> dict[str, str]:
    return texts.for_script()


@register.filter
def exact(value: float | None) -> str:
    """A value for programs, as JavaScript writes it."""
    return "" if value in (None, "") else f"{value:g}" if isinstance(value, float) else str(value)


@register.filter
def kw(value: int | None) -> str:
    """W as kW, without sign."""
    return figures.kw(_given(value))


@register.filter
def signed_kw(value: int | None) -> str:
    return figures.signed_kw(_given(value))


@register.filter
def kwh(value: int | None) -> str:
    """Wh as kWh, two decimals."""
    return figures.thousandths(_given(value), 2)


@register.filter
def m3(value: int | None) -> str:
    """Litres as cubic metres with the meter's own three decimals."""
    return figures.thousandths(_given(value), 3)


@register.filter
def decimals(value: float | None, places: int) -> str:
    return figures.decimals(_given(value), places)
