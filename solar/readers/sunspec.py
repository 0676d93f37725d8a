"""SunSpec over Modbus TCP, as SMA, SolarEdge, Fronius and Kostal speak it: the chain of models from the mark "SunS" on."""

import threading
from dataclasses import dataclass

from django.utils.translation import gettext as _

from energysite.errors import BadReading, DeviceConfigError
from meters import addresses
from solar.production import Production, summed
from solar.readers.modbus import IllegalAddress, ModbusTcp
from solar.readers.sunspec_models import INVERTERS, STORAGE, STRINGS, charge_pct, inverter, modules, with_storage

PORT = 502
BASES = (40000, 50000, 0)
MARK = (0x5375, 0x6E53)  # "SunS"
END = 0xFFFF
MOST_MODELS, LAST_REGISTER = 50, 65535


@dataclass(frozen=True, slots=True)
class Model:
    number: int
    start: int  # its first register after number and length
    length: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a unit's models lie; None is what it does not have."""

    inverter: Model
    strings: Model | None
    storage: Model | None


# Where they were last found, by host, port and unit: looked at again whenever a model's number or length is another one.
_layouts: dict[tuple[str, int, int], Layout] = {}
_guard = threading.Lock()


class Moved(Exception):
    """Another model stands where this one was."""


class SunSpec:
    family = "sunspec"
    shortest_period_s = 2

    def __init__(self, address: str, units: tuple[int, ...] = (1,)) -> None:
        found = addresses.host_and_port(address)
        if found is None:
            raise DeviceConfigError(_("Write the address as %(scheme)s://host:port.") % {"scheme": "socket"})
        self._at = (found[0], found[1] or PORT)
        self._modbus = ModbusTcp(*self._at)
        self._units = units

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
        key = (*self._at, unit)
        with _guard:
            known = _layouts.get(key)
        if known is not None:
            try:
                return self._production(unit, known, deadline)
            except (Moved, IllegalAddress):
                with _guard:
                    _layouts.pop(key, None)
        layout = self._layout(unit, deadline)
        try:
            found = self._production(unit, layout, deadline)
        except Moved:
            raise BadReading(_("Unit %(unit)s changes its SunSpec models while it is read.") % {"unit": unit}) from None
        with _guard:
            _layouts[key] = layout
        return found

    def _production(self, unit: int, layout: Layout, deadline: float) -> Production:
        found = inverter(str(unit), layout.inverter.number, self._values(unit, layout.inverter, deadline))
        if layout.strings is None or layout.storage is None:
            return found
        strings = modules(self._values(unit, layout.strings, deadline))
        return with_storage(found, strings, charge_pct(self._values(unit, layout.storage, deadline)))

    def _values(self, unit: int, model: Model, deadline: float) -> tuple[int, ...]:
        """Number and length are read with it: firmware moves models."""
        number, length, *values = self._modbus.registers(unit, model.start - 2, model.length + 2, deadline)
        if (number, length) != (model.number, model.length):
            raise Moved
        return tuple(values)

    def _layout(self, unit: int, deadline: float) -> Layout:
        """Raises BadReading where there is no SunSpec, or no inverter in it."""
        chain = self._chain(unit, deadline)
        main = next((model for model in chain if model.number in INVERTERS), None)
        if main is None:
            raise BadReading(_("Unit %(unit)s speaks SunSpec but is no inverter. Check the unit id.") % {"unit": unit})
        strings, storage = (next((model for model in chain if model.number == number), None) for number in (STRINGS, STORAGE))
        return Layout(main, strings, storage)

    def _chain(self, unit: int, deadline: float) -> list[Model]:
        at = self._base(unit, deadline) + 2
        models: list[Model] = []
        while len(models) < MOST_MODELS and at < LAST_REGISTER:
            try:
                number, length = self._modbus.registers(unit, at, 2, deadline)
            except IllegalAddress:
                break  # a chain without an end
            if number == END or length == 0:
                break
            models.append(Model(number, at + 2, length))
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
