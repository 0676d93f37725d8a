"""One day of the demo house: power of each phase in steps, and its exact sums. Pure.

Energy is counted in watt-seconds (Ws) and whole numbers, so that nothing is ever rounded twice. Within a step the net
power trembles from second to second; the tremble adds up to nothing over the step and never turns import into export,
so the sums of whole steps need not know it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import accumulate

from energysite.demo import roof
from energysite.demo.calendar import NAMED_DAYS, QUARTER_S, STEP_S, VOLUME_S, at_wall, chance, midnight, next_day
from energysite.demo.loads import LOADS, Load
from energysite.demo.sun import NODE_S, Panels
from energysite.demo.volumes import volumes
from energysite.demo.weather import light, weather

SOLAR_PHASE = 2
ROOF = Panels()
MASK = 2**64 - 1
QUARTER_STEPS = QUARTER_S // STEP_S


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything a day depends on. `repeat` names a fixed day that takes the place of every date."""

    seed: int = 1
    repeat: str = ""
    loads: Sequence[Load] = LOADS
    panels: Panels = ROOF

    def model_date(self, day: date) -> date:
        return NAMED_DAYS[self.repeat] if self.repeat else day

    def seed_of(self, model_date: date) -> object:
        """A named day is the same in every house."""
        return "named" if model_date in NAMED_DAYS.values() else self.seed


def _seconds(day: date) -> int:
    return midnight(next_day(day)) - midnight(day)


class Day:
    """One local day; positions are seconds since its midnight.

    `phase_w[phase][step]`, `net_w[step]` (import positive), `solar_w[step]`, `gas_ml[slot]` and `water_ml[slot]`.
    """

    def __init__(self, recipe: Recipe, day: date) -> None:
        self.date = day
        self.start = midnight(day)
        self.seconds = _seconds(day)
        self.steps = self.seconds // STEP_S
        self.tremble_seed = int(chance(recipe.seed, "tremble").random() * 2**53)
        model_date = recipe.model_date(day)
        seed = recipe.seed_of(model_date)
        self.weather = weather(seed, model_date)
        self.phase_w = self._loads(recipe, day)
        self.solar_w = self._solar(recipe, model_date)
        self.phase_w[SOLAR_PHASE] = [used - made for used, made in zip(self.phase_w[SOLAR_PHASE], self.solar_w, strict=True)]
        self.net_w = [a + b + c for a, b, c in zip(*self.phase_w, strict=True)]
        self.import_before = list(accumulate((w if w > 0 else 0 for w in self.net_w), initial=0))
        self.export_before = list(accumulate((-w if w < 0 else 0 for w in self.net_w), initial=0))
        slots = self.seconds // VOLUME_S
        found = volumes(seed, model_date, self.weather)
        self.gas_ml, self.water_ml = found.gas_ml[:slots], found.water_ml[:slots]
        self.day_tariff = (0, 0)
        if day.weekday() < 5:
            self.day_tariff = (at_wall(day, 7) - self.start, at_wall(day, 22) - self.start)

    def _loads(self, recipe: Recipe, day: date) -> list[list[int]]:
        phases = [[0] * self.steps for _ in range(3)]
        before = date.fromordinal(day.toordinal() - 1)
        for source, shift in ((before, -_seconds(before)), (day, 0)):
            model_date = recipe.model_date(source)
            seed = recipe.seed_of(model_date)
            for load in recipe.loads:
                if shift and load.all_day:
                    continue
                for run in load.runs(seed, model_date):
                    first = max(0, (run.start + shift) // STEP_S)
                    last = min(self.steps, (run.start + run.length + shift) // STEP_S)
                    if first < last:
                        phase, watts = phases[run.phase], run.watts
                        phase[first:last] = [w + watts for w in phase[first:last]]
        return phases

    def _solar(self, recipe: Recipe, model_date: date) -> list[int]:
        start = midnight(model_date)
        nodes = [
            recipe.panels.clear_w(start + second, self.weather.temperature_c(second)) for second in range(0, self.seconds + NODE_S, NODE_S)
        ]
        made = [0] * self.steps
        per_node = NODE_S // STEP_S
        daylight = [index for index, watts in enumerate(nodes) if watts]
        if not daylight:
            return made
        dawn, dusk = (daylight[0] - 1) * per_node, (daylight[-1] + 1) * per_node
        shares = light(recipe.seed_of(model_date), model_date, self.weather.cover, dawn, dusk)
        limit = recipe.panels.inverter_w
        for index in range(daylight[0] - 1, daylight[-1] + 1):
            low, slope = nodes[index], (nodes[index + 1] - nodes[index]) / per_node
            first = index * per_node
            part = shares[first - dawn : first - dawn + per_node]
            made[first : first + per_node] = [int(min(limit, (low + slope * i) * share)) for i, share in enumerate(part)]
        return made

    def tremble_w(self, step: int) -> tuple[int, ...]:
        """What each second of the step adds to its net power: ten numbers whose sum is 0, none larger than that power."""
        net = abs(self.net_w[step])
        size = min(net, 5 + (net >> 7))
        mixed = ((self.start // STEP_S + step) * 0x9E3779B97F4A7C15 + self.tremble_seed * 0xD1342543DE82EF95) & MASK
        mixed = ((mixed ^ mixed >> 31) * 0xBF58476D1CE4E5B9) & MASK
        span = 2 * size + 1
        a, b, c, d, e = (((mixed >> shift & 0xFFF) * span >> 12) - size for shift in (4, 16, 28, 40, 52))
        return (a, b, c, d, e, -c, -a, -e, -b, -d)

    @cached_property
    def made_before_w(self) -> tuple[list[int], ...]:
        """See roof.before_w."""
        return roof.before_w(self.solar_w)

    def made_ws(self, part: int, second: int) -> int:
        """What that inverter makes from midnight to this second."""
        step, rest = divmod(second, STEP_S)
        made = (self.made_before_w[part + 1][step] - self.made_before_w[part][step]) * STEP_S
        return made + roof.part_w(self.solar_w[step], part) * rest if rest else made

    @cached_property
    def daylight_s(self) -> tuple[int, int]:
        """From when until when there is light on the panels; (0, 0) on a day without."""
        first, behind = roof.daylight(self.solar_w)
        return first * STEP_S, behind * STEP_S

    def energy_ws(self, second: int) -> tuple[int, int]:
        """Import and export from midnight to this second."""
        step, rest = divmod(second, STEP_S)
        imported, exported = self.import_before[step] * STEP_S, self.export_before[step] * STEP_S
        if rest:
            part = self.net_w[step] * rest + sum(self.tremble_w(step)[:rest])
            if part > 0:
                imported += part
            else:
                exported -= part
        return imported, exported

    def registers_ws(self, second: int) -> tuple[int, int, int, int]:
        """From midnight to this second: import on register 1 (day) and 2 (night), export on 1 and 2."""
        imported, exported = self.energy_ws(second)
        first, last = self.day_tariff
        if second <= first or first == last:
            return 0, imported, 0, exported
        import_before, export_before = self.energy_ws(first)
        import_until, export_until = (imported, exported) if second <= last else self.energy_ws(last)
        day_import, day_export = import_until - import_before, export_until - export_before
        return day_import, imported - day_import, day_export, exported - day_export

    def peak(self, until: int | None = None) -> tuple[int, int]:
        """The import (Ws) of the highest quarter that ended by then, and the epoch second of its end; (0, 0) before the first."""
        best, best_end = 0, 0
        for quarter in range((self.seconds if until is None else until) // QUARTER_S):
            first, last = quarter * QUARTER_STEPS, (quarter + 1) * QUARTER_STEPS
            drawn = (self.import_before[last] - self.import_before[first]) * STEP_S
            if drawn > best:
                best, best_end = drawn, self.start + (quarter + 1) * QUARTER_S
        return best, best_end
