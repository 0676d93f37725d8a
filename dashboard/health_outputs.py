"""What the health page says of the outputs: does something hold them, and is off what should be."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from dashboard import ages
from dashboard.health_facts import Facts
from dashboard.health_words import BAD, WELL, Line, local_time

PROCESS = "hold_outputs"
# It tells every few seconds, and is started again when it stands still for ten.
SILENT_S = 15


def lines(facts: Facts) -> list[Line]:
    """None in a house without outputs, or while nobody can tell."""
    told = facts.lively.processes.get(PROCESS, {}) if facts.lively else {}
    if not told.get("outputs"):
        return []
    title, age = _("Outputs"), facts.at.timestamp() - told["at"]
    if age > SILENT_S:
        more = _("What has a timer of its own switches itself off. It is started again by itself; see its last end below.")
        return [Line(BAD, title, _("Nobody holds them since %(time)s.") % {"time": local_time(told["at"])}, more)]
    held = ngettext("%(n)s output is held, told %(age)s ago.", "%(n)s outputs are held, told %(age)s ago.", told["outputs"])
    text = held % {"n": told["outputs"], "age": ages.length(age)}
    if told.get("unsafe"):
        more = _("%(n)s should be off and nothing confirms it: see Control.") % {"n": told["unsafe"]}
        return [Line(BAD, title, text, more)]
    return [Line(WELL, title, text)]
