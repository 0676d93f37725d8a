"""The demo house as people live in it: what is switched on draws current, and a cloud can pass when somebody wants one.

The recipe stays what it is; each second what was added is counted beside it, exactly: the meter sees the sum of both, so what was
given to the grid is used in the house first. Whoever has one of these tells it of each second with `advance`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from energysite.demo import roof
from energysite.demo.calendar import QUARTER_S, STEP_S, day_of, is_day_tariff, month_start
from energysite.demo.contacts import LONGEST_GAP_S, Contact
from energysite.demo.ledger import Ledger, Peak
from energysite.demo.model import KEPT_DAYS, Added, House
from energysite.demo.moves import COUNTERS, PARTS, REGISTERS, Moves
from energysite.demo.profile import SOLAR_PHASE

KEPT_MONTHS = 14
KEEP_EVERY_S = 60  # when nothing moves
AHEAD_S = 2  # a device's clock may run so far before the last second that was told
CLOUD_PCT = 8  # of its light comes through


@dataclass(slots=True)
class Sky:
    """What somebody has hung before the sun. `sun_w`: the panels make this, `pct`: this part of it; until an epoch second."""

    sun_w: int | None = None
    sun_until: int = 0
    pct: int = 100
    cloud_until: int = 0

    def watts(self, at: int, model_w: int) -> int:
        watts = self.sun_w if self.sun_w is not None and at <= self.sun_until else model_w
        return watts * self.pct // 100 if at <= self.cloud_until else watts


class SwitchedHouse(House):
    """`contacts`: of the devices that switch something, by name. `at`: the last second that was told, 0 before the first."""

    def __init__(self, ledger: Ledger, moves: Moves, contacts: Mapping[str, Contact] | None = None, kept_days: int = KEPT_DAYS) -> None:
        super().__init__(ledger, kept_days)
        self.moves, self.contacts = moves, dict(contacts or {})
        self.sky = Sky()
        self.at = 0
        self._phase_w = [0, 0, 0]
        self._sun_w: int | None = None
        rest = moves.rest
        self._quarter: tuple[int, int] = tuple(rest.get("quarter", (0, 0)))
        self._marks: dict[str, list[int]] = rest.get("marks", {})
        self._highest: dict[str, list[int]] = rest.get("peaks", {})
        for name, contact in self.contacts.items():
            contact.driven = True
            contact.restore(rest.get("contacts", {}).get(name, {}))

    # Second by second

    def advance(self, at: int) -> None:
        """Each second up to this one passes. Of a longer pause only its last LONGEST_GAP_S were lived; of one between two runs none."""
        moved = False
        for second in range(max(self.at + 1, at - LONGEST_GAP_S) if self.at else at, at + 1):
            moved = self._pass(second) or moved
        if moved or (at % KEEP_EVERY_S == 0 and at >= self.at):
            self._keep()

    def _pass(self, at: int) -> bool:
        """Whether anything moved in the second that ends at `at`."""
        day = day_of(at - 1)
        self._mark(day)
        phase_w = [0, 0, 0]
        for contact in self.contacts.values():
            phase_w[contact.appliance.phase] += contact.until(at)
        deltas = [0] * COUNTERS
        model_w = self.day(day).solar_w[(at - 1 - self.day(day).start) // STEP_S]
        sun_w = self.sky.watts(at, model_w)
        if sun_w != model_w:
            phase_w[SOLAR_PHASE] += model_w - sun_w
            for part in range(PARTS):
                deltas[REGISTERS + part] = roof.part_w(sun_w, part) - roof.part_w(model_w, part)
        added_w, imported = sum(phase_w), 0
        if added_w:
            before = self.net_w(at - 1)
            register = 0 if is_day_tariff(at - 1) else 1
            imported = max(0, before + added_w) - max(0, before)
            deltas[register] = imported
            deltas[2 + register] = imported - added_w
        self._phase_w, self._sun_w = phase_w, sun_w if sun_w != model_w else None
        self.moves.move(at, deltas)
        self._count_quarter(at, imported)
        self.at = at
        return any(deltas)

    def _count_quarter(self, at: int, imported_ws: int) -> None:
        begin = at - 1 - (at - 1) % QUARTER_S
        so_far = self._quarter[1] if self._quarter[0] == begin else 0
        self._quarter = (begin, so_far + imported_ws)
        if at % QUARTER_S or not self._quarter[1]:
            return
        day = self.day(day_of(begin))
        recipe = day.energy_ws(at - day.start)[0] - day.energy_ws(begin - day.start)[0]
        month = month_start(day.date.year, day.date.month).isoformat()
        if recipe + self._quarter[1] > self._highest.get(month, [0, 0])[0]:
            self._highest[month] = [recipe + self._quarter[1], at]
            self._highest = dict(sorted(self._highest.items())[-KEPT_MONTHS:])

    def _mark(self, day: date) -> None:
        """What had been made beside the recipe when this day and this year began."""
        for name in (day.isoformat(), str(day.year)):
            if name not in self._marks:
                self._marks = {key: made for key, made in self._marks.items() if len(key) != len(name)}
                self._marks[name] = self.moves.total[REGISTERS:]

    def _keep(self) -> None:
        contacts = {name: contact.kept() for name, contact in self.contacts.items()}
        self.moves.rest = {"quarter": self._quarter, "marks": self._marks, "peaks": self._highest, "contacts": contacts}
        self.moves.keep()

    def commanded(self) -> list[str]:
        """The switches that are on because a program said so."""
        return [name for name, contact in self.contacts.items() if contact.on and contact.source in ("http", "pin")]

    # What the meters tell

    def added(self, at: int) -> Added:
        """In full of the last second that was told, and of a device whose clock is a moment ahead; of others what had moved by then."""
        if not self.at or not 0 <= at - self.at <= AHEAD_S:
            moved = self._moved(at)
            return Added(registers_ws=moved[:REGISTERS], made_ws=moved[REGISTERS:])  # type: ignore[arg-type]
        total = self.moves.total
        made = total[REGISTERS:]
        today, year = (self._since(name, made) for name in (day_of(self.at - 1).isoformat(), str(day_of(self.at - 1).year)))
        begun = self.at - self.at % QUARTER_S
        return Added(
            registers_ws=tuple(total[:REGISTERS]),  # type: ignore[arg-type]
            quarter_ws=self._quarter[1] if self._quarter[0] == begun else 0,
            phase_w=tuple(self._phase_w),  # type: ignore[arg-type]
            sun_w=self._sun_w,
            made_ws=tuple(made),  # type: ignore[arg-type]
            made_day_ws=today,
            made_year_ws=year,
            at=self.at,
        )

    def _moved(self, at: int) -> tuple[int, ...]:
        """By a second of the past. Between two known ones the counters themselves go in a line, so that none of them falls."""
        (begin, low), (end, high) = self.moves.around(at)
        if low == high or at <= begin:
            return low
        recipe = [self.counters_ws(moment) for moment in (begin, at, end)]
        told = [
            first + a + (last + b - first - a) * (at - begin) // (end - begin)
            for first, last, a, b in zip(recipe[0], recipe[2], low, high, strict=True)
        ]
        return tuple(line - own for line, own in zip(told, recipe[1], strict=True))

    def _since(self, name: str, made: list[int]) -> tuple[int, int, int]:
        first, second, third = (now - then for now, then in zip(made, self._marks.get(name, made), strict=True))
        return first, second, third

    def month_peak(self, at: int) -> Peak:
        return self._higher(super().month_peak(at), at)

    def past_peaks(self, at: int) -> tuple[Peak, ...]:
        return tuple(self._higher(peak, at) for peak in super().past_peaks(at))

    def _higher(self, peak: Peak, at: int) -> Peak:
        drawn_ws, end = self._highest.get(peak.month.isoformat(), (0, 0))
        return Peak(peak.month, drawn_ws // QUARTER_S, end) if drawn_ws // QUARTER_S > peak.w and end <= at else peak
