"""For the pages of control: parts that change by themselves."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dashboard.control import cards
from dashboard.control.marks import mark

register = template.Library()


@register.simple_tag(takes_context=True)
def part(context: template.Context, key: str, name: str, **more: Any) -> SafeString:
    """The template `name` in an element that the page's script renews."""
    given: dict[str, Any] = context.flatten()  # type: ignore[assignment]
    html = render_to_string(name, given | more)
    return format_html('<div class="part" data-part="{}" data-mark="{}">{}</div>', key, mark(html), html)


@register.filter
def sun(percent: int | None) -> str:
    """A share of the sun in words."""
    return cards.share_text(percent)
