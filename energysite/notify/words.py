"""A notice in words: code and parameters are one sentence, in the reader's language. Other apps make theirs known by `register`."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from energysite.models import Notice
from energysite.text import plain

Render = Callable[[str, Mapping[str, Any]], str | None]

SENTENCES = {
    "meter_silent": gettext_noop("The meter %(name)s has sent nothing for %(minutes)s minutes. Check its cable and its power."),
    "inverter_silent": gettext_noop("The inverter %(name)s has not answered for %(minutes)s minutes, by day. Check its network."),
    "backup_failing": gettext_noop("The backup of the night failed: %(error)s Days since the last good one: %(days)s."),
    "backup_never": gettext_noop("The backup of the night failed: %(error)s None was ever made."),
    "disk_full": gettext_noop("The disk of %(folder)s is nearly full: %(free_mb)s MB are free. Readings stop when none is left."),
    "disk_read_only": gettext_noop("The disk of %(folder)s can only be read: it may be failing. Nothing is stored any more."),
    "disk_failing": gettext_noop("The disk of %(folder)s does not keep what is written: %(error)s. Replace it and restore a backup."),
    "peak_heading": gettext_noop(
        "This quarter-hour heads for %(expected_w)s W, above the month peak of %(limit_w)s W. Switch something off."
    ),
    "output_lost": gettext_noop("%(name)s cannot be reached and cannot switch itself off: it may be on. Switch it off by hand."),
    "output_unreachable": gettext_noop("%(name)s cannot be reached. It switches itself off by its own timer: check its network."),
    "output_disobeys": gettext_noop("%(name)s says it is on though it was switched off: switch it off by hand."),
    "output_over_temperature": gettext_noop("%(name)s is too hot. It is off, and locked until somebody releases it."),
    "output_overpower": gettext_noop("%(name)s carries more than it may. It is off, and locked until somebody releases it."),
    "output_stuck": gettext_noop("%(name)s is off and its load still draws power: the contact may be stuck. Switch it off at the fuse."),
}
_renderers: list[Render] = []


def register(render: Render) -> None:
    """`render` answers None for a code that it does not know."""
    if render not in _renderers:
        _renderers.append(render)


def sentence(code: str, params: Mapping[str, Any]) -> str:
    """Never raises: a code that nobody knows any more is shown as it is."""
    if code in SENTENCES:
        return _filled(_(SENTENCES[code]), params)
    for render in _renderers:
        said = render(code, params)
        if said is not None:
            return said
    return plain(" ".join([code, *(f"{name}={value}" for name, value in params.items())]))


def title(notice: Notice, house: str, *, recovery: bool) -> str:
    words = _("%(house)s: over") if recovery else _("%(house)s: danger") if notice.urgent else _("%(house)s: attention")
    return words % {"house": plain(house)}


def body(notice: Notice, *, recovery: bool) -> str:
    said = sentence(notice.code, notice.params)
    if not recovery or notice.recovered is None:
        return said
    minutes = max(1, round((notice.recovered - notice.began).total_seconds() / 60))
    return _("Over after %(minutes)s min: %(sentence)s") % {"minutes": number_format(minutes), "sentence": said}


def _filled(words: str, params: Mapping[str, Any]) -> str:
    """Numbers in the reader's way of writing, text without control characters; what is missing shows as a dash."""
    shown = {
        name: number_format(value, force_grouping=True) if isinstance(value, (int, float)) else plain(str(value))
        for name, value in params.items()
    }
    return words % _Dashes(shown)


class _Dashes(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "–"
