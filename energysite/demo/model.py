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
        phase_w = (first + tremble, second, third)
        phase_dv = _decivolts(at, phase_w)
        import_t1, import_t2, export_t1, export_t2 = ((before[i] + registers[i]) // WH for i in range(4))
        return Reading(
            at=at,
            import_t1_wh=import_t1,
            import_t2_wh=import_t2,
            export_t1_wh=export_t1,
            export_t2_wh=export_t2,
            tariff=1 if is_day_tariff(at) else 2,
            net_w=day.net_w[step] + tremble,
            phase_w=phase_w,
            phase_dv=phase_dv,
            phase_ca=_centiamps(phase_w, phase_dv),
            quarter_w=self._quarter_w(day, at),
            gas=self.gas(at),
            water=self.water(at),
        )

    def made(self, parts: Sequence[int], at: int) -> Made:
        """What these inverters together tell at this epoch second."""
        day = self.day(day_of(at - 1))
        second = at - day.start
        watts = day.solar_w[(second - 1) // STEP_S]
        today = [day.made_ws(part, second) for part in parts]
        midnight_ws, new_year_ws = self.ledger.made_at_midnight(day.date), self.ledger.made_at_midnight(date(day.date.year, 1, 1))
        total = sum(midnight_ws[part] for part in parts) + sum(today)
        first, last = day.daylight_s
        return Made(
            at=at,
            power_w=sum(roof.part_w(watts, part) for part in parts),
            day_wh=sum(today) // WH,
            year_wh=(total - sum(new_year_ws[part] for part in parts)) // WH,
            total_wh=total // WH,
            awake=first < second <= last,
        )

    def _quarter_w(self, day: Day, at: int) -> int:
        """Import since the running clock quarter began, spread over 900 s."""
        begin = at - at % QUARTER_S
        return (day.energy_ws(at - day.start)[0] - day.energy_ws(begin - day.start)[0]) // QUARTER_S

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
