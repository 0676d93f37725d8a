"""A figure, its target and what it is compared to; the table and var/bench.json."""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """`target` is text such as "<= 1.5"; `meets` is None where there is none. `value` None: it could not be measured."""

    name: str
    value: float | None
    unit: str
    target: str = ""
    meets: bool | None = None
    compared_to: str = ""


def figure(name: str, value: float | None, unit: str, target: str = "", compared_to: str = "") -> Figure:
    """Rounded against ourselves: to three significant digits, upwards where less is better, downwards where more is."""
    sign, _, number = target.partition(" ")
    if value is None:
        return Figure(name, None, unit, target, False if target else None, compared_to)
    meets = None if not target else value <= float(number) if sign == "<=" else value >= float(number)
    return Figure(name, _rounded(value, up=sign != ">="), unit, target, meets, compared_to)


def _rounded(value: float, *, up: bool) -> float:
    if value == 0:
        return 0
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    scale = 10**digits
    rounded = (math.ceil if up else math.floor)(round(value * scale, 6)) / scale
    return int(rounded) if digits == 0 else rounded


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of them do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def table(figures: Iterable[Figure]) -> str:
    rows = [("figure", "value", "unit", "target", "meets", "compared to")]
    for one in figures:
        value = "–" if one.value is None else f"{one.value:g}" if abs(one.value) < 1e6 else f"{one.value:.0f}"
        meets = "" if one.meets is None else "yes" if one.meets else "NO"
        rows.append((one.name, value, one.unit, one.target, meets, one.compared_to))
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    lines = ["  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[5]]).rstrip() for row in rows]
    lines.insert(1, "-" * max(map(len, lines)))
    return "\n".join(lines)


def save(figures: Iterable[Figure], path: Path) -> None:
    """Replace the figures of these names in the file, keep the others, in order."""
    stored = {row["name"]: row for row in json.loads(path.read_text())} if path.exists() else {}
    stored |= {one.name: asdict(one) for one in figures}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(list(stored.values()), indent=1, ensure_ascii=False) + "\n")
