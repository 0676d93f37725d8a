"""The demo house: what its meters show at any second. Pure: a function of (recipe, second), whatever ran before.

A reading at second t tells the counters at t and the power of the second before it, so that the power of two readings a
second apart is exactly what the counters moved.
"""

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from energysite.demo import roof
from energysite.demo.calendar import QUARTER_S, STEP_S, VOLUME_S, day_of, is_day_tariff, midnight, month_start
from energysite.demo.ledger import WH, Ledger, Peak
from energysite.demo.profile import Day
from energysite.demo.roof import Made

Phases = tuple[int, int, int]
REACTIVE_VAR = 65  # of each phase
KEPT_DAYS = 3


@dataclass(frozen=True, slots=True)
class Volume:
    """What a gas or water meter last told: litres, at its own epoch second."""

    litres: int
    at: int


@dataclass(frozen=True, slots=True)
class Reading:
    """Wh, W (phases: import - export), dV, cA, epoch seconds. `month_peak_end` 0: no quarter of the month has ended."""

    at: int
    import_t1_wh: int
    import_t2_wh: int
    export_t1_wh: int
    export_t2_wh: int
    tariff: int
    net_w: int
    phase_w: Phases
    phase_dv: Phases
    phase_ca: Phases
    quarter_w: int
    gas: Volume
    water: Volume

    @property
    def import_w(self) -> int:
        return max(0, self.net_w)

    @property
    def export_w(self) -> int:
        return max(0, -self.net_w)


@dataclass(frozen=True, slots=True)
class Added:
    """What is not in the recipe: somebody switched something on, or covered the sun. All of it 0 where nobody did.

    `registers_ws`: import on 1 and 2, export on 1 and 2, since ever; `quarter_ws`: import of the running quarter; `phase_w`: in the
    second that ended; `sun_w`: what the panels make instead, None: what they do make. `made_ws`, `made_day_ws`, `made_year_ws`: of each
    inverter, since ever, today, this year. `at`: the second up to which all this is known, None: any.
    """

    registers_ws: tuple[int, int, int, int] = (0, 0, 0, 0)
    quarter_ws: int = 0
    phase_w: Phases = (0, 0, 0)
    sun_w: int | None = None
    made_ws: tuple[int, int, int] = (0, 0, 0)
    made_day_ws: tuple[int, int, int] = (0, 0, 0)
    made_year_ws: tuple[int, int, int] = (0, 0, 0)
    at: int | None = None


NOTHING = Added()


class House:
    def __init__(self, ledger: Ledger, kept_days: int = KEPT_DAYS) -> None:
        """`kept_days`: so many days stay counted out; each takes 2 MB."""
        self.ledger = ledger
        self.kept_days = kept_days
        self._days: OrderedDict[date, Day] = OrderedDict()
        self._peaks: tuple[date, tuple[Peak, ...]] | None = None

    def day(self, day: date) -> Day:
        found = self._days.get(day)
        if found is None:
            found = self._days[day] = Day(self.ledger.recipe, day)
            while len(self._days) > self.kept_days:
                self._days.popitem(last=False)
        return found

    def added(self, at: int) -> Added:
        """What stands beside the recipe at this epoch second."""
        return NOTHING

    def advance(self, at: int) -> None:
        """The house has lived up to this second. What follows from the recipe alone needs no telling."""

    def net_w(self, second: int) -> int:
        """Mean power of the second that begins here, import positive."""
        day = self.day(day_of(second))
        step, within = divmod(second - day.start, STEP_S)
        return day.net_w[step] + day.tremble_w(step)[within]

    def reading(self, at: int) -> Reading:
        """What the meters show at this epoch second."""
        day = self.day(day_of(at - 1))
        step, within = divmod(at - 1 - day.start, STEP_S)
        tremble = day.tremble_w(step)[within]
        registers = day.registers_ws(at - day.start)
        before = self.ledger.at_midnight(day.date)
        first, second, third = (day.phase_w[phase][step] for phase in range(3))
        added = self.added(at)
        more = added.phase_w
        phase_w = (first + tremble + more[0], second + more[1], third + more[2])
        phase_dv = _decivolts(at, phase_w)
        import_t1, import_t2, export_t1, export_t2 = ((before[i] + registers[i] + added.registers_ws[i]) // WH for i in range(4))
        return Reading(
            at=at,
            import_t1_wh=import_t1,
            import_t2_wh=import_t2,
            export_t1_wh=export_t1,
            export_t2_wh=export_t2,
            tariff=1 if is_day_tariff(at) else 2,
            net_w=day.net_w[step] + tremble + sum(more),
            phase_w=phase_w,
            phase_dv=phase_dv,
            phase_ca=_centiamps(phase_w, phase_dv),
            quarter_w=(self.quarter_ws(day, at) + added.quarter_ws) // QUARTER_S,
            gas=self.gas(at),
            water=self.water(at),
        )

    def made(self, parts: Sequence[int], at: int) -> Made:
        """What these inverters together tell at this epoch second."""
        added = self.added(at)
        told = at if added.at is None else added.at
        day = self.day(day_of(told - 1))
        second = told - day.start
        watts = day.solar_w[(second - 1) // STEP_S] if added.sun_w is None else added.sun_w
        today = sum(day.made_ws(part, second) for part in parts)
        midnight_ws, new_year_ws = self.ledger.made_at_midnight(day.date), self.ledger.made_at_midnight(date(day.date.year, 1, 1))
        total = sum(midnight_ws[part] for part in parts) + today
        first, last = day.daylight_s
        return Made(
            at=at,
            power_w=sum(roof.part_w(watts, part) for part in parts),
            day_wh=(today + sum(added.made_day_ws[part] for part in parts)) // WH,
            year_wh=(total - sum(new_year_ws[part] for part in parts) + sum(added.made_year_ws[part] for part in parts)) // WH,
            total_wh=(total + sum(added.made_ws[part] for part in parts)) // WH,
            awake=first < second <= last or bool(added.sun_w),
        )

    def counters_ws(self, at: int) -> tuple[int, ...]:
        """By the recipe alone: import on 1 and 2, export on 1 and 2, and what each inverter made, by this second."""
        day = self.day(day_of(at - 1))
        second, before, made = at - day.start, self.ledger.at_midnight(day.date), self.ledger.made_at_midnight(day.date)
        registers = day.registers_ws(second)
        return (*(before[i] + registers[i] for i in range(4)), *(made[part] + day.made_ws(part, second) for part in range(len(made))))

    def quarter_ws(self, day: Day, at: int) -> int:
        """Import since the running clock quarter began."""
        begin = at - at % QUARTER_S
        return day.energy_ws(at - day.start)[0] - day.energy_ws(begin - day.start)[0]

    def gas(self, at: int) -> Volume:
        return self._volume(at, 0)

    def water(self, at: int) -> Volume:
        return self._volume(at, 1)

    def _volume(self, at: int, which: int) -> Volume:
        """The meter reports every five minutes; until the next report it repeats itself, time included."""
        told = at - at % VOLUME_S
        day = self.day(day_of(told))
        slots = (told - day.start) // VOLUME_S
        flow = (day.gas_ml, day.water_ml)[which]
        before = self.ledger.at_midnight(day.date)
        return Volume(((before.gas, before.water)[which] + sum(flow[:slots])) // 1000, told)

    def month_peak(self, at: int) -> Peak:
        """The highest quarter of the running local month that has ended; end 0 before the first."""
        today = day_of(at)
        first = month_start(today.year, today.month)
        earlier = self.ledger.month_peak(first, today)
        own = self.day(today).peak(at - midnight(today))
        drawn, end = own if own[0] > earlier[0] else earlier
        return Peak(first, drawn // QUARTER_S, end)

    def past_peaks(self, at: int) -> tuple[Peak, ...]:
        """Of the 13 months before the running one, oldest first."""
        today = day_of(at)
        first = month_start(today.year, today.month)
        if self._peaks is None or self._peaks[0] != first:
            self._peaks = (first, self.ledger.past_peaks(first))
        return self._peaks[1]


def _decivolts(at: int, phase_w: Phases) -> Phases:
    """The grid swings slowly; import lowers the voltage at the meter (0.35 ohm), export raises it."""
    hour = at / 3600

    def volts(phase: int) -> int:
        swing = 1.9 * math.sin(hour * 0.71 + 2.1 * phase) + 0.8 * math.sin(hour * 5.3 + phase) + 0.25 * math.sin(at * 0.9 + 2 * phase)
        return round((233.2 + swing) * 10 - phase_w[phase] / 230 * 3.5)

    return volts(0), volts(1), volts(2)


def _centiamps(phase_w: Phases, phase_dv: Phases) -> Phases:
    first, second, third = (round(math.hypot(w, REACTIVE_VAR) / dv * 1000) for w, dv in zip(phase_w, phase_dv, strict=True))
    return first, second, third
