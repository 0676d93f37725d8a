"""Columns of cells become readings: whole units, believable times, and every row that is not said so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from meters.clock import EARLIEST
from meters.exchange import times
from meters.exchange.cells import Cells, falses
from meters.exchange.fields import KWH, Field
from meters.exchange.times import Bools, Ints
from meters.exchange.trouble import BadRows, shown
from meters.exchange.wall_clock import WallClock
from meters.kinds import KINDS

AHEAD_S = 120  # a reading may be so much younger than this machine's clock
POWER_LIMIT = 10_000_000
IMPORTED = 4
FLAGS = 7

Values = dict[str, tuple[Ints, Bools]]


@dataclass(slots=True)
class Batch:
    """Readings of one kind in the order of the file: epoch seconds, and per column the whole numbers and where there are any."""

    lines: Ints
    times: Ints
    values: Values

    def __len__(self) -> int:
        return len(self.times)

    @staticmethod
    def none() -> "Batch":
        return Batch(np.zeros(0, np.int64), np.zeros(0, np.int64), {})

    def sorted(self) -> "Batch":
        """In order of time, which is cheaper to store; the file's order where times are equal."""
        if len(self) < 2 or bool((np.diff(self.times) >= 0).all()):
            return self
        order = np.argsort(self.times, kind="stable")
        return Batch(
            self.lines[order], self.times[order], {name: (value[order], there[order]) for name, (value, there) in self.values.items()}
        )

    def chosen(self, mask: Bools) -> "Batch":
        if mask.all():
            return self
        return Batch(self.lines[mask], self.times[mask], {name: (value[mask], there[mask]) for name, (value, there) in self.values.items()})

    def rows(self, kind: str, source_id: int) -> list[tuple[Any, ...]]:
        """Rows of `meters.kinds` as `meters.counting.judge.take` takes them."""
        return list(zip(*self.columns(kind, source_id), strict=True))

    def columns(self, kind: str, source_id: int) -> list[Sequence[Any]]:
        count, found = len(self), list[Sequence[Any]]()
        for name in KINDS[kind].columns:
            if name == "source_id":
                found.append([source_id] * count)
            elif name == "time":
                found.append([datetime.fromtimestamp(at, UTC) for at in self.times.tolist()])
            elif name == "flags":
                given, there = self.values.get("flags", (np.zeros(count, np.int64), falses(count)))
                found.append((np.where(there, given & FLAGS, 0) | IMPORTED).tolist())
            elif name in self.values:
                found.append(_optional(*self.values[name]))
            else:
                found.append([None] * count)
        return found


def _optional(values: Ints, there: Bools) -> list[int | None]:
    if there.all():
        listed: list[int | None] = values.tolist()
        return listed
    mixed = values.astype(object)
    mixed[~there] = None
    found: list[int | None] = mixed.tolist()
    return found


class Maker:
    """Turns the cells of one file into batches. `unit`: of its energy columns; `now`: epoch seconds."""

    def __init__(self, kind: str, fields: Sequence[Field], unit: str, clock: WallClock, now: int) -> None:
        self.kind, self.fields, self.clock, self.now = kind, fields, clock, now
        self._scale = {field.column: field.scale * (1000 if field.energy and unit == KWH else 1) for field in fields}
        self.needed = next((name for name in ("volume_l", "value_milli") if name in KINDS[kind].columns), None)

    def make(self, cells: Cells, bad: BadRows) -> Batch:
        seconds, good, words = self._times(cells)
        words.update((row, reason) for row, reason in cells.unread.items() if row not in words)
        for row in cells.unread:
            good[row] = False
        values: Values = {}
        for field in self.fields:
            values[field.target] = self._value(field, cells.numbers[field.column], good, words)
        self._join_power(values)
        self._refuse_empty(values, good, words)
        for row in np.flatnonzero(~good).tolist():
            bad.add(int(cells.lines[row]), words[row])
        return Batch(cells.lines, seconds, values).chosen(good)

    def _times(self, cells: Cells) -> tuple[Ints, Bools, dict[int, str]]:
        found = times.parse(cells.times)
        words = {
            row: _("%(text)s is no time.") % {"text": shown(cells.times[row].decode("ascii", "replace"))}
            if cells.times[row]
            else _("The row has no time.")
            for row in np.flatnonzero(~found.ok).tolist()
        }
        seconds, good = found.seconds, found.ok.copy()
        walls = np.flatnonzero(found.naive & good)
        if len(walls):
            seconds = seconds.copy()
            seconds[walls], shown_ok = self.clock.utc(seconds[walls])
            for row in walls[~shown_ok].tolist():
                words[row] = _("%(text)s was on no clock: the hour is left out when summer time begins.") % {
                    "text": shown(cells.times[row].decode("ascii", "replace"))
                }
                good[row] = False
        for row in np.flatnonzero(good & (seconds < EARLIEST)).tolist():
            words[row] = _("The time lies before 2008, when there were no such meters.")
        for row in np.flatnonzero(good & (seconds > self.now + AHEAD_S)).tolist():
            words[row] = _("The time lies in the future.")
        good &= (seconds >= EARLIEST) & (seconds <= self.now + AHEAD_S)
        return seconds, good, words

    def _value(self, field: Field, numbers: Any, good: Bools, words: dict[int, str]) -> tuple[Ints, Bools]:
        there = ~np.isnan(numbers)
        scaled = np.where(there, numbers, 0.0) * self._scale[field.column]
        limit = field.limit if field.counts or field.limit < POWER_LIMIT or field.target == "value_milli" else POWER_LIMIT
        low = 0 if field.counts else -limit
        for row in np.flatnonzero(good & ((scaled > limit) | (scaled < low))).tolist():
            words[row] = _("%(column)s: %(value)s cannot be true; it lies between %(low)s and %(high)s.") % {
                "column": field.column,
                "value": f"{numbers[row]:.15g}",
                "low": f"{low / self._scale[field.column]:.15g}",
                "high": f"{limit / self._scale[field.column]:.15g}",
            }
        good &= (scaled <= limit) & (scaled >= low)
        whole = np.rint(np.clip(scaled, -(2.0**62), 2.0**62)).astype(np.int64)
        if field.whole:
            there = there & (scaled == whole)
        return whole, there

    @staticmethod
    def _join_power(values: Values) -> None:
        imported, exported = values.pop("import_w", None), values.pop("export_w", None)
        if imported is None and exported is None:
            return
        zero = imported or exported
        assert zero is not None
        nothing = (np.zeros_like(zero[0]), np.zeros_like(zero[1]))
        (plus, has_plus), (minus, has_minus) = imported or nothing, exported or nothing
        joined = (np.where(has_plus, plus, 0) - np.where(has_minus, minus, 0), has_plus | has_minus)
        if "power_w" not in values:
            values["power_w"] = joined

    def _refuse_empty(self, values: Values, good: Bools, words: dict[int, str]) -> None:
        names = [self.needed] if self.needed else [name for name in values if name not in ("flags", "tariff")]
        any_there = falses(len(good))
        for name in names:
            any_there |= values[name][1]
        for row in np.flatnonzero(good & ~any_there).tolist():
            words[row] = _("The row has no value.")
        good &= any_there
