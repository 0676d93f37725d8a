"""What the page's script draws: short names, whole units, places in the lists of slots instead of times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dashboard.energy.charts import Chart, Line
from dashboard.energy.numbers import Picture
from dashboard.energy.slots import Slot
from dashboard.energy.words import note

Link = Callable[[Slot], str | None]


def of(picture: Picture, charts: Sequence[Chart], link: Link) -> dict[str, Any]:
    """What `axis` gives, and `charts` as below."""
    return axis(picture.slots, link) | {"charts": [_chart(chart, picture) for chart in charts]}


def axis(slots: Sequence[Slot], link: Link) -> dict[str, Any]:
    """`axis`, `names`, `rows`, `links` by slot; `rows` and `links` only where they say something."""
    answer: dict[str, Any] = {"axis": [slot.axis for slot in slots], "names": [slot.name for slot in slots]}
    if any(slot.row for slot in slots):
        answer["rows"] = [slot.row for slot in slots]
    links = [link(slot) for slot in slots]
    if any(links):
        answer["links"] = links
    return answer


def _chart(chart: Chart, picture: Picture) -> dict[str, Any]:
    """`lines`, `before`: what is drawn; `notes`: place -> what has to be known of it; the rest are places."""
    cells = list(enumerate(chart.column.cells))
    return {
        "key": chart.key,
        "unit": chart.unit.name,
        "format": chart.unit.form,
        "lines": [_line(line) for line in chart.lines],
        "before": [_line(line) for line in chart.before],
        "notes": {place: text for place, _cell in cells if (text := note(place, chart, picture))},
        "missing": [place for place, _cell in cells if picture.missing(place, chart.column)],
        "recovered": [place for place, cell in cells if cell.recovered],
        "corrected": [place for place, cell in cells if cell.corrected],
    }


def _line(line: Line) -> dict[str, Any]:
    return {"key": line.key, "label": line.label, "values": line.values, **({"down": True} if line.down else {})}
