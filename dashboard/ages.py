"""Lengths of time and sizes in words."""

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400


def length(seconds: float) -> str:
    """12 s, 3 min, 5 h, 6 days."""
    whole = max(0, int(seconds))
    if whole < 2 * MINUTE_S:
        return _("%(n)s s") % {"n": whole}
    if whole < 2 * HOUR_S:
        return _("%(n)s min") % {"n": whole // MINUTE_S}
    if whole < 2 * DAY_S:
        return _("%(n)s h") % {"n": whole // HOUR_S}
    return days(whole / DAY_S)


def days(number: float) -> str:
    whole = int(number)
    if whole >= 3 * 365:
        return ngettext("%(n)s year", "%(n)s years", whole // 365) % {"n": whole // 365}
    return ngettext("%(n)s day", "%(n)s days", whole) % {"n": whole}


def size(number_of_bytes: float) -> str:
    return str(filesizeformat(number_of_bytes)).replace("\xa0", " ")
