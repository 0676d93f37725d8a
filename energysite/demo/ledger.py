"""Sums of past days: where the counters stand at a midnight, and the month peaks.

A day's sums never change, so they are kept in a file; its name carries the model's own code and the recipe, so that sums
of another model are never taken for this one's.
"""

import hashlib
import json
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import NamedTuple

from energysite import sun as sky
from energysite.demo import calendar, loads, profile, roof, sun, volumes, weather
from energysite.demo.calendar import STEP_S, month_start, next_day
from energysite.demo.profile import Day, Recipe

# Where the counters stood on EPOCH: the meter had been there for years.
EPOCH = date(2026, 1, 1)
WH = 3600

Counters = tuple[int, ...]


class Totals(NamedTuple):
    """Registers in Ws, volumes in ml."""

    import_t1: int
    import_t2: int
    export_t1: int
    export_t2: int
    gas: int
    water: int


AT_EPOCH = Totals(13_482_117 * WH, 17_906_530 * WH, 11_225_348 * WH, 4_871_096 * WH, 9_318_264_000, 862_407_000)


class Sums(NamedTuple):
    """One day: its totals, its highest quarter (import, Ws), the epoch second at which that quarter ended, and what each
    inverter made (Ws)."""

    totals: Totals
    peak_ws: int
    peak_end: int
    made: Counters


class Peak(NamedTuple):
    """The highest quarter of a month, W, rounded down, and the epoch second at which it ended."""

    month: date
    w: int
    end: int


def sums_of(day: Day) -> Sums:
    registers = day.registers_ws(day.seconds)
    return Sums(Totals(*registers, sum(day.gas_ml), sum(day.water_ml)), *day.peak(), roof.energies_ws(day.solar_w, STEP_S))


def _file_name(recipe: Recipe) -> str:
    digest = hashlib.sha256(repr(recipe).encode())
    for module in (calendar, loads, profile, roof, sky, sun, volumes, weather):
        digest.update(Path(str(module.__file__)).read_bytes())
    return f"house-{digest.hexdigest()[:16]}.json"


class Ledger:
    """`folder` None: nothing is kept between runs. Raises OSError when the folder cannot be written."""

    def __init__(self, recipe: Recipe, folder: Path | None = None) -> None:
        self.recipe = recipe
        self.path = None if folder is None else folder / _file_name(recipe)
        self.days: dict[date, Sums] = {}
        self._at: dict[date, Counters] = {EPOCH: AT_EPOCH}
        self._made: dict[date, Counters] = {EPOCH: roof.AT_EPOCH_WS}
        if self.path is not None and self.path.exists():
            stored = json.loads(self.path.read_text())
            self.days = {date.fromisoformat(day): Sums(Totals(*row[:6]), row[6], row[7], tuple(row[8:])) for day, row in stored.items()}

    def sums(self, day: date) -> Sums:
        found = self.days.get(day)
        if found is None:
            found = self.days[day] = sums_of(Day(self.recipe, day))
        return found

    def at_midnight(self, day: date) -> Totals:
        """Where the counters stand when this local day begins."""
        return Totals(*self._counted(self._at, day, lambda sums: sums.totals))

    def made_at_midnight(self, day: date) -> Counters:
        """What each inverter has made by then, in Ws."""
        return self._counted(self._made, day, lambda sums: sums.made)

    def _counted(self, known: dict[date, Counters], day: date, of: Callable[[Sums], Counters]) -> Counters:
        """What stands in `known` at this midnight, counted on from the nearest one that does, forwards or backwards."""
        step = 1 if day > EPOCH else -1
        at = day
        while at not in known:
            at = date.fromordinal(at.toordinal() - step)
        while at != day:
            following = date.fromordinal(at.toordinal() + step)
            passed = of(self.sums(min(at, following)))
            known[following] = tuple(a + step * b for a, b in zip(known[at], passed, strict=True))
            at = following
        return known[day]

    def month_peak(self, first: date, until: date) -> tuple[int, int]:
        """The highest quarter (Ws, its end) of the whole days from `first` up to, not with, `until`."""
        best, best_end = 0, 0
        day = first
        while day < until:
            sums = self.sums(day)
            if sums.peak_ws > best:
                best, best_end = sums.peak_ws, sums.peak_end
            day = next_day(day)
        return best, best_end

    def past_peaks(self, day: date, count: int = 13) -> tuple[Peak, ...]:
        """The peaks of the `count` months before that day's month, oldest first."""
        peaks = []
        for back in range(count, 0, -1):
            month = month_start(day.year, day.month - back)
            drawn, end = self.month_peak(month, month_start(day.year, day.month - back + 1))
            peaks.append(Peak(month, drawn // 900, end))
        return tuple(peaks)

    def prepare(self, day: date, progress: Callable[[int, int], None]) -> None:
        """Compute (and keep) all that a telegram of that day needs; `progress(done, of)` now and then."""
        first = min(EPOCH, month_start(day.year, day.month - 13))
        wanted = [date.fromordinal(n) for n in range(min(first, day).toordinal(), max(EPOCH, day).toordinal())]
        missing = [one for one in wanted if one not in self.days]
        for done, one in enumerate(missing):
            if done % 100 == 0:
                progress(done, len(missing))
            self.sums(one)
        if missing:
            progress(len(missing), len(missing))
            self.keep()

    def keep(self) -> None:
        if self.path is None:
            return
        rows = {day.isoformat(): [*sums.totals, sums.peak_ws, sums.peak_end, *sums.made] for day, sums in sorted(self.days.items())}
        fresh = self.path.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps(rows))
        fresh.replace(self.path)
