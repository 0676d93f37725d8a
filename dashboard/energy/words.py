"""What the page says of its charts: figures with their labels, one sentence, the rows of the table. All texts are ready to show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from dashboard import figures
from dashboard.energy.asked import Grain
from dashboard.energy.charts import KWH, Chart, Unit, unit_of
from dashboard.energy.numbers import WHOLE, Picture
from dashboard.energy.slots import Slot
from dashboard.texts import say
from energysite.timegrid import Span

SPOKEN_GAPS = 3
OWN = ("solar", "battery")  # bars of what did not come from the grid


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of the whole period. `parts` and `before` stand below it."""

    key: str
    label: str
    value: int
    text: str
    unit: str
    parts: list[tuple[str, str]]
    before: str = ""


def totals(picture: Picture, registers: tuple[str, str]) -> list[Figure]:
    """Imported, injected, solar, used, gas and water, as far as they are known."""
    found = []
    for key, label in (("import", _("Imported")), ("export", _("Injected"))):
        cell = picture.total("electricity")
        value = cell.sum(key)
        if value is not None:
            parts = [(word, cell.values.get(f"{key}_t{i}_wh")) for i, word in enumerate(registers, 1)]
            known = [(word, KWH.of(part)) for word, part in parts if part is not None]
            found.append(_figure(picture, "electricity", key, label, value, known if len(known) == len(parts) else []))
    found += _solar(picture) + _used(picture)
    for medium, label in (("gas", _("Gas")), ("water", _("Water"))):
        value = picture.total(medium).values.get(f"{medium}_l")
        if value is not None:
            found.append(_figure(picture, medium, medium, label, value, []))
    return found


def _figure(picture: Picture, medium: str, key: str, label: str, value: int, parts: list[tuple[str, str]]) -> Figure:
    unit = unit_of(medium, picture.asked.span)
    before = picture.total_before(medium)
    earlier = before.sum(key) if before is not None else None
    return Figure(key, label, value, unit.text(value), unit.name, parts, _compared(picture, value, earlier, unit))


def _solar(picture: Picture) -> list[Figure]:
    made = picture.total("solar").sum("production")
    if made is None:
        return []
    before = picture.total_before("solar")
    earlier = before.sum("production") if before is not None else None
    use = picture.use.total.balance if picture.use is not None else None
    parts = []
    if use is not None and use.self_consumption is not None:
        label = _("used here so far") if picture.asked.is_current else _("used here")
        parts.append((label, f"{KWH.of(use.kept)} ({figures.decimals(100 * use.self_consumption, 0)} %)"))
    return [Figure("solar", _("Solar"), made, KWH.text(made), "kWh", parts, _compared(picture, made, earlier, KWH))]


def _used(picture: Picture) -> list[Figure]:
    """What the house used, of whole quarters; so a day that runs says of how much it is."""
    use = picture.use.total.balance if picture.use is not None else None
    if use is None or use.use is None:
        return []
    before = picture.before.use.total.balance if picture.before is not None and picture.before.use is not None else None
    compared = _compared(picture, use.use, None if before is None else before.use, KWH)
    return [Figure("house", _("Used"), use.use, KWH.text(use.use), "kWh", _known(picture), compared)]


def _known(picture: Picture) -> list[tuple[str, str]]:
    """Of how much of the time the use is."""
    if picture.asked.is_current:
        return [(_("counted by whole quarters"), "")]
    share = picture.use.total.coverage if picture.use is not None else 1.0
    return [(_("known of"), f"{_percent(share)} %")] if share < WHOLE else []


def _compared(picture: Picture, value: int, earlier: int | None, unit: Unit) -> str:
    """The period before; how much more or less where both are whole."""
    if picture.before is None:
        return ""
    said = _("before: %(value)s") % {"value": unit.of(earlier)} if earlier is not None else _("before: no readings")
    if not earlier or picture.asked.is_current:
        return said
    change = 100 * (value - earlier) / earlier
    sign = "+" if change > 0 else "−" if change < 0 else "±"
    return f"{said} ({sign}{figures.decimals(abs(change), 0)} %)"


def coverage(picture: Picture) -> str:
    """How much of the period was measured, where that is not all of it; "" otherwise."""
    if picture.backlog:
        return _("The past is still being worked through: how much of it was measured is told afterwards.")
    parts = []
    for medium, name in (("electricity", _("electricity")), ("solar", _("solar")), ("gas", _("gas")), ("water", _("water"))):
        share = picture.covered(medium)
        if share is not None and share < WHOLE:
            parts.append(_("%(medium)s %(percent)s %%") % {"medium": name, "percent": _percent(share)})
    return _("Measured: %(parts)s.") % {"parts": ", ".join(parts)} if parts else ""


def _percent(share: float) -> str:
    """Never 100 where something is missing, nor 0 where there is something."""
    return str(min(99, max(1, round(100 * share))) if 0 < share < WHOLE else round(100 * share))


def sentence(chart: Chart, picture: Picture) -> str:
    """The highest bars, and what is missing."""
    parts = []
    ups = [line.values for line in chart.lines if not line.down and line.key not in OWN]
    downs = [line.values for line in chart.lines if line.down]
    highest, lowest = _highest(ups), _highest(downs)
    if highest is not None:
        name = _("Import") if chart.key == "electricity" else chart.title
        parts.append(_highest_said(name, chart, picture, *highest) if highest[1] else _("Nothing counted."))
    if lowest is not None and lowest[1]:
        parts.append(_highest_said(_("Injection"), chart, picture, *lowest))
    gaps = spans([place for place in range(len(picture.slots)) if picture.missing(place, chart.column)], picture)
    if gaps and highest is not None:
        parts.append(say("gaps", spans=", ".join(gaps[:SPOKEN_GAPS]) + (", …" if len(gaps) > SPOKEN_GAPS else "")))
    return " ".join(parts) or _("No readings in this period.")


def _highest(columns: Sequence[Sequence[int | None]]) -> tuple[int, int] | None:
    """The place and the sum of the highest bar; the first of equals."""
    sums = [
        (sum(known), place) for place, values in enumerate(zip(*columns, strict=True)) if (known := [v for v in values if v is not None])
    ]
    if not sums:
        return None
    value, place = max(sums, key=lambda one: (one[0], -one[1]))
    return place, value


def _highest_said(name: str, chart: Chart, picture: Picture, place: int, value: int) -> str:
    words = {"name": name, "when": when(picture.slots[place], picture.asked.grain), "value": chart.unit.of(value)}
    return _("%(name)s highest %(when)s, %(value)s.") % words


def when(slot: Slot, grain: Grain) -> str:
    if grain is Grain.DAY:
        return pgettext("when", "on %(day)s") % {"day": slot.name}
    if grain is Grain.MONTH:
        return pgettext("when", "in %(month)s") % {"month": slot.name}
    return pgettext("when", "at %(time)s") % {"time": slot.name}


def spans(places: Sequence[int], picture: Picture) -> list[str]:
    """Neighbouring slots as one stretch each: "13:00 to 15:00"."""
    found = []
    for _key, run in groupby(enumerate(places), lambda pair: pair[1] - pair[0]):
        stretch = [picture.slots[place] for _i, place in run]
        first, last = stretch[0], stretch[-1]
        begin = first.axis if picture.asked.span is Span.DAY else first.name
        found.append(first.name if len(stretch) == 1 else say("span", start=begin, end=last.until))
    return found


def table(chart: Chart, picture: Picture, link: Any) -> dict[str, Any]:
    """`head`: (text, wide, title); `rows`: name, url, cells (text, wide) and a note. `link(slot)`: where its name leads, or None."""
    columns = _columns(chart, picture)
    rows = []
    for place, slot in enumerate(picture.slots):
        cells = [(chart.unit.text(values[place]) if values[place] is not None else "–", wide) for _label, values, wide in columns]
        rows.append({"name": slot.name, "url": link(slot), "cells": cells, "note": note(place, chart, picture)})
    return {"head": [(f"{label} ({chart.unit.name})", wide) for label, _values, wide in columns], "rows": rows}


def _columns(chart: Chart, picture: Picture) -> list[tuple[str, Sequence[int | None], bool]]:
    """(label, values, whether a phone leaves it out)."""
    cells = chart.column.cells
    if chart.key != "electricity":
        found: list[tuple[str, Sequence[int | None], bool]] = [(line.label, line.values, False) for line in chart.lines]
    else:
        found = [(_("Import"), [cell.sum("import") for cell in cells], False)]
        found += [(line.label, line.values, True) for line in chart.lines if not line.down and len(chart.lines) > 2]
        found += [(line.label, line.values, False) for line in chart.lines if line.down]
    for line in chart.before:
        found.append((_("%(name)s before") % {"name": line.label}, line.values, True))
    return found


def note(place: int, chart: Chart, picture: Picture) -> str:
    """What a reader has to know of this number; "" where it was simply measured."""
    slot, cell = picture.slots[place], chart.column.cells[place]
    if picture.ahead(slot):
        return ""
    if picture.missing(place, chart.column):
        return _("no readings")
    parts = []
    if picture.running(slot, chart.column):
        parts.append(_("still running"))
    elif cell.coverage is not None and cell.coverage < WHOLE and not picture.backlog:
        parts.append(_("%(percent)s %% measured") % {"percent": _percent(cell.coverage)})
    if cell.recovered:
        parts.append(_("recovered"))
    if cell.corrected:
        sign = sum(cell.corrected.values())
        parts.append(_("corrected by %(value)s") % {"value": f"{'+' if sign >= 0 else '−'}{chart.unit.of(abs(sign))}"})
    return ", ".join(parts)
