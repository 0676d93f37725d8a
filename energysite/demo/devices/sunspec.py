"""The two small inverters of the demo house: SunSpec over Modbus TCP, units 1 and 2 of one address.

Of the SunSpec Information Model: the mark at 40000, model 1 with the names, and of unit 1 model 101 (one phase, integers with
scale factors), of unit 2 model 111 (one phase, floats). Asleep they tell "not implemented" for what they do not measure.
"""

import struct

from energysite.demo.devices.modbus import ModbusDevice
from energysite.demo.roof import Made

PARTS = {1: 1, 2: 2}  # unit: inverter of the roof
SERIALS = {1: "3012450117", 2: "3012450118"}
BASE = 40000
MARK = [0x5375, 0x6E53]
END = [0xFFFF, 0]
NO_INT, NO_UINT, NO_ENUM, NO_FLOAT = 0x8000, 0xFFFF, 0xFFFF, 0x7FC00000
SLEEPING, TRACKING, FAULT, STANDBY = 2, 4, 7, 8
MINUS_1, MINUS_2 = 0xFFFF, 0xFFFE  # scale factors
VOLT = 233.4


class SunSpec(ModbusDevice):
    def registers(self, unit: int) -> tuple[int, list[int]] | None:
        if unit not in PARTS:
            return None
        made = self.house.made((PARTS[unit],), self.at())
        state = self._state(made)
        watts = made.power_w if state in (TRACKING, STANDBY) else None
        inverter = _model(101, _integers(watts, made.total_wh, state)) if unit == 1 else _model(111, _floats(watts, made.total_wh, state))
        return BASE, [*MARK, *_model(1, _names(unit)), *inverter, *END]

    def _state(self, made: Made) -> int:
        if self.mode.name == "fault":
            return FAULT
        if not made.awake:
            return SLEEPING
        return TRACKING if made.power_w else STANDBY


def _model(number: int, values: list[int]) -> list[int]:
    return [number, len(values), *values]


def _text(text: str, registers: int) -> list[int]:
    return list(struct.unpack(f">{registers}H", text.encode("ascii").ljust(2 * registers, b"\0")))


def _names(unit: int) -> list[int]:
    """Manufacturer, model, options, version, serial number, address of the unit, and one register that fills up."""
    return [
        *_text("SMA", 16),
        *_text("SB1.5-1VL-40", 16),
        *_text("", 8),
        *_text("4.1.12.R", 8),
        *_text(SERIALS[unit], 16),
        unit,
        NO_INT,
    ]


def _integers(watts: int | None, total_wh: int, state: int) -> list[int]:
    """Of model 101, 50 registers."""
    known = watts is not None
    centiamps = round((watts or 0) / VOLT * 100)
    amps = [centiamps, centiamps, NO_UINT, NO_UINT] if known else [NO_UINT] * 4
    volts = [NO_UINT, NO_UINT, NO_UINT, round(VOLT * 10) if known else NO_UINT, NO_UINT, NO_UINT]
    return [
        *(*amps, MINUS_2, *volts, MINUS_1),
        *(watts if watts is not None else NO_INT, 0),
        *(5000 if known else NO_UINT, MINUS_2),
        *(NO_INT, NO_INT) * 3,  # VA, VAr, power factor
        *(total_wh >> 16 & 0xFFFF, total_wh & 0xFFFF, 0),
        *(NO_UINT, NO_INT, NO_UINT, NO_INT),
        *(round(watts / 0.96) if watts is not None else NO_INT, 0),
        *(NO_INT, NO_INT, NO_INT, NO_INT, NO_INT),
        *(state, NO_ENUM),
        *[0] * 12,
    ]


def _floats(watts: int | None, total_wh: int, state: int) -> list[int]:
    """Of model 111, 60 registers."""
    amps = None if watts is None else watts / VOLT
    volts = None if watts is None else VOLT
    values = [amps, amps, None, None, None, None, None, volts, None, None, watts, None if watts is None else 50.0]
    values += [None, None, None, float(total_wh), None, None, None if watts is None else watts / 0.96, None, None, None, None]
    words = [word for value in values for word in _float(value)]
    return [*words, state, NO_ENUM, *[0] * 12]


def _float(value: float | None) -> tuple[int, int]:
    bits = NO_FLOAT if value is None else struct.unpack(">I", struct.pack(">f", value))[0]
    return bits >> 16, bits & 0xFFFF
