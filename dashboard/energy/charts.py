"""Which bars stand in which chart: what came in goes up, what went out goes down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from dashboard import figures
from dashboard.energy.balances import from_battery
from dashboard.energy.numbers import Column, Picture, Use
from energysite.timegrid import Span

Values = list[int | None]


@dataclass(frozen=True, slots=True)
class Line:
    """One value for each slot, Wh or l, never negative; None where nothing is known. `key`: its colour."""

    key: str
    label: str
    values: Values
    down: bool = False


@dataclass(frozen=True, slots=True)
class Unit:
    """`form`: as dashboard.figures and the page's script call it."""

    name: str
    form: str
    text: Callable[[int | None], str]

    def of(self, value: int | None) -> str:
        return f"{self.text(value)} {self.name}"


KWH = Unit("kWh", "kwh", lambda value: figures.thousandths(value, 2))
CUBIC = Unit("m³", "m3", lambda value: figures.thousandths(value, 3))
LITRES = Unit("l", "whole", lambda value: figures.ABSENT if value is None else str(value))


@dataclass(frozen=True, slots=True)
class Chart:
    """`before`: the lines of the period before, summed for up and down."""

    key: str
    title: str
    unit: Unit
    lines: list[Line]
    column: Column
    before: list[Line]


def charts(picture: Picture, registers: tuple[str, str]) -> list[Chart]:
    """Electricity first. `registers`: what the two are called."""
    found = []
    for medium, label in (("electricity", _("Electricity")), ("gas", _("Gas")), ("water", _("Water"))):
        column = picture.columns.get(medium)
        if column is None:
            continue
        before = picture.before.columns.get(medium) if picture.before else None
        if medium == "electricity":
            lines = _electricity(column, picture.use, registers)
            earlier = [] if before is None else _electricity(before, picture.before.use if picture.before else None, None)
        else:
            lines, earlier = [_volume(medium, label, column)], [] if before is None else [_volume(medium, label, before)]
        found.append(Chart(medium, label, unit_of(medium, picture.asked.span), lines, column, earlier))
    return found


def unit_of(medium: str, span: Span) -> Unit:
    if medium == "electricity":
        return KWH
    return LITRES if medium == "water" and span in (Span.DAY, Span.WEEK) else CUBIC


def _electricity(column: Column, use: Use | None, registers: tuple[str, str] | None) -> list[Line]:
    """Solar used at once, what the battery gave and import, by register where there are two and they have names; injection below."""
    lines = []
    if use is not None:
        direct = [None if one is None else one.direct for one in use.balances]
        stored = [None if one is None else from_battery(one) for one in use.balances]
        if any(value is not None for value in direct):
            lines.append(Line("solar", _("Solar used here"), direct))
        if any(stored):
            lines.append(Line("battery", _("From the battery"), stored))
    names = ("import_t1_wh", "import_t2_wh")
    if registers is not None and all(any(name in cell.values for cell in column.cells) for name in names):
        for key, name, word in zip(("import", "night"), names, registers, strict=True):
            label = _("Import, %(register)s") % {"register": word}
            lines.append(Line(key, label, [cell.values.get(name) for cell in column.cells]))
    else:
        lines.append(Line("import", _("Import"), [cell.sum("import") for cell in column.cells]))
    if any(cell.sum("export") is not None for cell in column.cells):
        lines.append(Line("export", _("Injection"), [cell.sum("export") for cell in column.cells], down=True))
    return lines


def _volume(medium: str, label: str, column: Column) -> Line:
    return Line(medium, label, [cell.values.get(f"{medium}_l") for cell in column.cells])
