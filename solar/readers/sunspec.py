"""SunSpec over Modbus TCP, as SMA, SolarEdge, Fronius and Kostal speak it: the chain of models from the mark "SunS" on.

Of the SunSpec Information Model: 1 names the device, 101 to 103 are an inverter in integers with scale factors, 111 to 113 one in
floats; 0x8000 and 0xFFFF mean "not implemented".
"""

import math
import struct
from dataclasses import dataclass

from django.utils.translation import gettext as _

from energysite.errors import BadReading, DeviceConfigError
from energysite.text import plain
from meters import addresses
from solar.production import Condition, Production, Unit, summed
from solar.readers.modbus import IllegalAddress, ModbusTcp

PORT = 502
BASES = (40000, 50000, 0)
MARK = (0x5375, 0x6E53)  # "SunS"
COMMON, END = 1, 0xFFFF
INTEGERS, FLOATS = (101, 102, 103), (111, 112, 113)
MOST_MODELS = 50
# Operating states of the models 101 to 113.
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


@dataclass(frozen=True, slots=True)
class Model:
    number: int
    start: int  # its first register after number and length
    length: int


class SunSpec:
    family = "sunspec"
    shortest_period_s = 2

    def __init__(self, address: str, units: tuple[int, ...] = (1,)) -> None:
        found = addresses.host_and_port(address)
        if found is None:
            raise DeviceConfigError(_("Write the address as %(scheme)s://host:port.") % {"scheme": "socket"})
        self._modbus = ModbusTcp(found[0], found[1] or PORT)
        self._units = units
        self._models: dict[int, tuple[str, Model]] = {}

    def read(self, deadline: float) -> Production:
        try:
            return summed([self._unit(unit, deadline) for unit in self._units])
        finally:
            self._modbus.close()  # SolarEdge accepts one client: the next one may be somebody else

    @property
    def heard(self) -> str:
        return self._modbus.heard

    def close(self) -> None:
        self._modbus.close()

    def _unit(self, unit: int, deadline: float) -> Production:
        if unit not in self._models:
            self._models[unit] = self._found(unit, deadline)
        name, model = self._models[unit]
        values = self._modbus.registers(unit, model.start, model.length, deadline)
        return production(name, model.number, values)

    def _found(self, unit: int, deadline: float) -> tuple[str, Model]:
        """The device's name and its inverter model. Raises BadReading where there is no SunSpec, or no inverter in it."""
        name = str(unit)
        for model in self._chain(unit, deadline):
            if model.number == COMMON:
                words = self._modbus.registers(unit, model.start, min(model.length, 64), deadline)
                name = _text(words[:16]) + " " + _text(words[16:32])
            if model.number in INTEGERS + FLOATS:
                return plain(name.strip())[:80], model
        raise BadReading(_("Unit %(unit)s speaks SunSpec but is no inverter. Check the unit id.") % {"unit": unit})

    def _chain(self, unit: int, deadline: float) -> list[Model]:
        base = self._base(unit, deadline)
        models: list[Model] = []
        at = base + 2
        while len(models) < MOST_MODELS:
            number, length = self._modbus.registers(unit, at, 2, deadline)
            if number == END or length == 0:
                break
            models.append(Model(number, at + 2, length))
            if number in INTEGERS + FLOATS:
                break
            at += 2 + length
        return models

    def _base(self, unit: int, deadline: float) -> int:
        for base in BASES:
            try:
                if self._modbus.registers(unit, base, 2, deadline) == MARK:
                    return base
            except IllegalAddress:
                continue
        raise BadReading(
            _("Unit %(unit)s does not speak SunSpec. Switch on SunSpec (Modbus TCP) in the inverter's own pages.") % {"unit": unit}
        )


def production(name: str, number: int, values: tuple[int, ...]) -> Production:
    """Of the registers of an inverter model, without its number and length. Raises BadReading where they are too few."""
    if len(values) < (50 if number in INTEGERS else 60):
        raise BadReading(_("The inverter's SunSpec model %(model)s is cut off.") % {"model": number})
    if number in INTEGERS:
        power, total, state = _scaled(values[12], values[13]), _counter(values[22:24], values[24]), values[36]
    else:
        power, total, state = _float(values[20:22]), _positive(_float(values[30:32])), values[46]
    condition = STATES.get(state, Condition.STANDBY)
    watts = None if power is None else max(0, round(power))
    if watts is None and condition in (Condition.ASLEEP, Condition.STANDBY):
        watts = 0
    if watts and condition in (Condition.STANDBY, Condition.ASLEEP, Condition.STARTING):
        condition = Condition.PRODUCING
    whole = None if total is None else round(total)
    return Production(watts, condition, total_wh=whole, units=(Unit(name, watts, whole),))


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


def _text(words: tuple[int, ...]) -> str:
    return struct.pack(f">{len(words)}H", *words).split(b"\0")[0].decode("ascii", "replace").strip()
