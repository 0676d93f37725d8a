"""What became of the sun in each slot of a period: bars and table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from dashboard.energy import json_data
from dashboard.energy.charts import KWH
from dashboard.solar.split import Split, Whole, made, why
from energysite.timegrid import QUARTER

# A quarter's block waits for the reading after it, and for the worker.
SETTLE = 2 * QUARTER


def missing(split: Split, i: int) -> bool:
    """Quarters of the slot have passed, and nothing is known of any of them."""
    total = split.totals[i]
    return total.balance is None and total.quarters > 0 and total.end + SETTLE <= split.now


def slot_note(split: Split, i: int) -> str:
    total = split.totals[i]
    if missing(split, i):
        return _("not known: %(why)s") % {"why": why(total)}
    if total.end > split.now:
        return _("still running") if total.start < split.now else ""
    if total.known < total.quarters and total.end + SETTLE <= split.now:
        return _("left out: %(why)s") % {"why": why(total)}
    return ""


def lines(split: Split) -> list[tuple[str, str, list[int | None]]]:
    """(key, label, Wh of each slot): what became of the sun. The battery only where there is one."""
    each = [made(total.balance) if total.balance is not None and not split.unread else None for total in split.totals]
    found = []
    for key, label in (("solar", _("Used at once")), ("battery", _("Into the battery")), ("export", _("Injected"))):
        values = [None if whole is None else _of(whole, key) for whole in each]
        if key != "battery" or any(values):
            found.append((key, label, values))
    return found


def _of(whole: Whole, key: str) -> int | None:
    return next((part.wh for part in whole.parts if part.key == key), 0)


def chart(split: Split, link: json_data.Link) -> dict[str, Any]:
    """As the page's script draws bars, see dashboard.energy.json_data."""
    answer = json_data.axis(split.own, link)
    places = range(len(split.own))
    answer["charts"] = [
        {
            "key": "sun",
            "unit": KWH.name,
            "format": KWH.form,
            "lines": [{"key": key, "label": label, "values": values} for key, label, values in lines(split)],
            "before": [],
            "notes": {i: text for i in places if (text := slot_note(split, i))},
            "missing": [i for i in places if missing(split, i)],
            "recovered": [],
            "corrected": [],
        }
    ]
    return answer


@dataclass(frozen=True, slots=True)
class SlotRow:
    """`cells`: (text, whether a phone leaves it out)."""

    name: str
    url: str | None
    cells: list[tuple[str, bool]]
    note: str


def table(split: Split, link: json_data.Link) -> tuple[list[tuple[str, bool]], list[SlotRow]]:
    """Heads of the columns, and a row for each slot."""
    parts = lines(split)
    sums = [None if split.unread or total.balance is None else total.balance for total in split.totals]
    columns: list[tuple[str, list[int | None], bool]] = [(_("Made"), [None if one is None else one.solar for one in sums], False)]
    columns += [(label, values, key == "battery") for key, label, values in parts]
    columns.append((_("Used by the house"), [None if one is None else one.use for one in sums], True))
    heads = [(f"{label} ({KWH.name})", wide) for label, _values, wide in columns]
    rows = [
        SlotRow(slot.name, link(slot), [(KWH.text(values[i]), wide) for _label, values, wide in columns], slot_note(split, i))
        for i, slot in enumerate(split.own)
    ]
    return heads, rows
