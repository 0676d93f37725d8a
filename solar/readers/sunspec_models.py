"""What the registers of SunSpec models say (SunSpec Information Models): 101 to 103 are an inverter in integers with scale factors,
111 to 113 one in floats, 160 its strings of panels, 124 its storage. Each without its number and length.

0x8000 and 0xFFFF mean "not implemented"; so does 0 of a counter.
"""

import math
import struct
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from energysite.errors import BadReading
from meters.transports.answers import percent
from solar.production import Condition, Production, Unit

INTEGERS, FLOATS = (101, 102, 103), (111, 112, 113)
INVERTERS = INTEGERS + FLOATS
STRINGS, STORAGE = 160, 124
# Operating states of the models 101 to 113 and of the modules of 160.
STATES = {
    1: Condition.ASLEEP,
    2: Condition.ASLEEP,
    3: Condition.STARTING,
    4: Condition.PRODUCING,
    5: Condition.PRODUCING,
    6: Condition.STANDBY,
    7: Condition.FAULT,
    8: Condition.STANDBY,
}
DARK = (Condition.ASLEEP, Condition.STANDBY)
HEAD, MODULE = 8, 20  # registers of model 160: before its modules, and of each


@dataclass(frozen=True, slots=True)
class Module:
    """One string of panels, or one way of a battery that hangs on the same side. W, Wh."""

    name: str
    power_w: float | None
    total_wh: float | None

    @property
    def charges(self) -> bool:
        return self.name.upper().startswith("STCHA")

    @property
    def discharges(self) -> bool:
        return self.name.upper().startswith("STDISCHA")


def inverter(name: str, number: int, values: tuple[int, ...]) -> Production:
    """Raises BadReading where the registers are too few or cannot be."""
    if len(values) < (50 if number in INTEGERS else 60):
        raise BadReading(_("The inverter's SunSpec model %(model)s is cut off.") % {"model": number})
    if number in INTEGERS:
        power, total, state, events = _scaled(values[12], values[13]), _counter(values[22:24], values[24]), values[36], values[38:40]
    else:
        power, total, state, events = _float(values[20:22]), _positive(_float(values[30:32])), values[46], values[48:50]
    told = STATES.get(state)
    watts = None if power is None else max(0, _whole(power))
    if watts is None and told in DARK:
        watts = 0  # it says itself that it makes nothing
    condition = told or Condition.ASLEEP  # many tell neither state nor power at night
    if watts and condition is not Condition.FAULT:
        condition = Condition.PRODUCING
    code = f"0x{events[0] << 16 | events[1]:08x}" if condition is Condition.FAULT else ""
    counted = None if total is None else _whole(total)
    return Production(watts, condition, total_wh=counted, code=code, units=(Unit(name, watts, counted),))


def modules(values: tuple[int, ...]) -> list[Module]:
    """Of model 160. Raises BadReading."""
    if len(values) < HEAD or len(values) < HEAD + MODULE * values[6]:
        raise BadReading(_("The inverter's SunSpec model %(model)s is cut off.") % {"model": STRINGS})
    power_scale, energy_scale = values[2], values[3]
    found = []
    for index in range(values[6]):
        words = values[HEAD + MODULE * index : HEAD + MODULE * (index + 1)]
        watts = None if words[11] == 0xFFFF else words[11] * _power_of_ten(power_scale)
        if watts is None and STATES.get(words[17]) in DARK:
            watts = 0.0  # it says itself that it makes nothing
        counted = words[12] << 16 | words[13]
        energy = None if counted in (0xFFFFFFFF, 0x80000000) else counted * _power_of_ten(energy_scale)
        found.append(Module(text(words[1:9]), watts, energy))
    return found


def charge_pct(values: tuple[int, ...]) -> float | None:
    """Of model 124."""
    return percent(_scaled(values[6], values[20])) if len(values) > 20 and values[6] not in (0x8000, 0xFFFF) else None


def with_storage(found: Production, strings: list[Module], charge: float | None) -> Production:
    """What the inverter gives holds what its battery gives: then the panels' own strings tell the sun. As it is without a battery."""
    ways = [module for module in strings if module.charges or module.discharges]
    if not ways or (charge is None and not any(module.power_w for module in ways)):
        return found
    panels = [module for module in strings if module not in ways and (module.power_w is not None or module.total_wh)]
    powers, totals = [module.power_w for module in panels], [module.total_wh for module in panels]
    dark = found.condition in DARK
    watts = 0 if dark and not any(powers) else _sum(powers)
    total = _sum(totals) or None
    condition = found.condition
    if watts and condition is not Condition.FAULT:
        condition = Condition.PRODUCING
    elif condition is Condition.PRODUCING:
        condition = Condition.STANDBY  # it works for its battery alone
    rests = [module.power_w for module in ways] == [None] * len(ways)
    gives = sum((module.power_w or 0) * (1 if module.discharges else -1) for module in ways)
    return replace(
        found,
        power_w=watts,
        condition=condition,
        total_wh=total,
        battery_w=None if rests and not dark else round(gives),
        battery_pct=charge,
        units=tuple(Unit(unit.name, watts, total) for unit in found.units),
    )


def text(words: tuple[int, ...]) -> str:
    return struct.pack(f">{len(words)}H", *words).split(b"\0")[0].decode("ascii", "replace").strip()


def _sum(values: list[float | None]) -> int | None:
    known = [value for value in values if value is not None]
    return round(sum(known)) if known and len(known) == len(values) else None


def _whole(value: float) -> int:
    """Raises BadReading for more than any house has."""
    if abs(value) > 2e9:
        raise BadReading(_("The inverter tells %(value)s, which cannot be.") % {"value": f"{value:.3g}"})
    return round(value)


def _scaled(value: int, scale: int) -> float | None:
    if value in (0x8000, 0xFFFF):
        return None
    return float(_signed(value)) * _power_of_ten(scale)


def _counter(words: tuple[int, ...], scale: int) -> float | None:
    """acc32: 0 means not implemented, too."""
    value = words[0] << 16 | words[1]
    return None if value in (0, 0xFFFFFFFF, 0x80000000) else value * _power_of_ten(scale)


def _power_of_ten(scale: int) -> float:
    exponent = 0 if scale == 0x8000 else _signed(scale)
    if not -10 <= exponent <= 10:
        raise BadReading(_("The inverter gives a scale factor of %(exponent)s, which cannot be.") % {"exponent": exponent})
    return 10.0**exponent


def _signed(value: int) -> int:
    return value - 0x10000 if value & 0x8000 else value


def _float(words: tuple[int, ...]) -> float | None:
    value = float(struct.unpack(">f", struct.pack(">HH", *words))[0])
    return value if math.isfinite(value) else None


def _positive(value: float | None) -> float | None:
    return value if value else None
