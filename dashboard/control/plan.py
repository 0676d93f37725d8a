"""The weekly plan as a form: seven days with one departure each, and whatever more there is, by rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from control.models import Controller, Departure
from energysite.agents import Refused

# More than one departure a day is rare; empty rows cost nothing.
EMPTY_ROWS = 2
MOST_ROWS = 50


@dataclass(frozen=True, slots=True)
class Row:
    """`number` makes the labels' ids; an empty row has no hour and no energy."""

    number: int
    day: int
    by: str
    kwh: str


def rows(controller: Controller) -> dict[str, Any]:
    """For the template."""
    known = [Row(number, one.day, f"{one.by:%H:%M}", f"{one.kwh:g}") for number, one in enumerate(controller.departures.all())]
    empty = [Row(len(known) + number, 1, "", "") for number in range(EMPTY_ROWS if known else EMPTY_ROWS + 1)]
    return {
        "rows": [*known, *empty],
        "days": Departure.DAYS,
        "used": controller.strategy == Controller.Strategy.PLAN,
        "shown": [f"{one.get_day_display()} {one.by:%H:%M}: {one.kwh:g} kWh" for one in controller.departures.all()],
    }


def asked(post: QueryDict) -> list[dict[str, Any]]:
    """The rows with an hour or an energy, as `set_departures` takes them. Raises Refused."""
    columns = [post.getlist(name) for name in ("day", "by", "kwh")]
    if len({len(column) for column in columns}) != 1 or len(columns[0]) > MOST_ROWS:
        raise Refused(_("The form is incomplete. Reload the page."))
    return [_row(*texts) for texts in zip(*columns, strict=True) if any(text.strip() for text in texts[1:])]


def _row(day: str, by: str, kwh: str) -> dict[str, Any]:
    if not by.strip() or not kwh.strip():
        raise Refused(_("A departure needs an hour and how many kWh."))
    try:
        return {"day": int(day), "by": by.strip(), "kwh": float(kwh.replace(",", "."))}
    except ValueError:
        raise Refused(_("“%(text)s” is no number of kWh.") % {"text": kwh.strip()[:20]}) from None
