"""What the health page says of the nightly check of totals against counters."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from dashboard.health_words import BAD, IDLE, WARN, WELL, Line, local_time
from energysite.database import DatabaseAway, asked
from meters.totals import proof

LATE_S = 2 * 86_400
NAMED = 3


def gather() -> dict[str, Any] | None:
    """The state of the last check, {} before the first; None while the database is away."""
    try:
        with asked():
            return proof.state()
    except DatabaseAway:
        return None


def line(told: dict[str, Any] | None, now: float) -> Line:
    title = _("Totals")
    if told is None:
        return Line(WARN, title, _("Not known while the database is away."))
    if "at" not in told:
        return Line(IDLE, title, _("Not checked yet."), _("Every night after 04:30 they are compared with the counters."))
    when = {"time": local_time(told["at"])}
    if told["number"]:
        text = ngettext(
            "%(number)d total differed from its counters at %(time)s.",
            "%(number)d totals differed from their counters at %(time)s.",
            told["number"],
        ) % {"number": told["number"], **when}
        again = _("They are being computed again, and checked again tomorrow.")
        return Line(BAD, title, text, f"{_differences(told['differences'])} {again}")
    if now - told["at"] > LATE_S:
        return Line(WARN, title, _("Last checked at %(time)s.") % when, _("They are checked every night by the worker: does it run?"))
    text = ngettext(
        "%(number)d day or month that changed was checked at %(time)s: it equals its counters.",
        "%(number)d days and months that changed were checked at %(time)s: all equal their counters.",
        told["periods"],
    )
    return Line(WELL, title, text % {"number": told["periods"], **when})


def _differences(rows: Iterable[dict[str, Any]]) -> str:
    """The first few, in figures: Wh or litres, as the register's name says."""
    named = [proof.Difference(**row) for row in rows][:NAMED]
    return " ".join(
        _("%(source)s, %(period)s, %(register)s: %(counted)d instead of %(proven)d.")
        % {"source": one.name, "period": one.period.label, "register": one.register, "counted": one.counted, "proven": one.proven}
        for one in named
    )
