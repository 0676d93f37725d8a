"""What each kind of source is made of: the one place that knows its table, its registers and its channels. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """`registers` count up (Wh, l); `channels` are momentary (W; thousandths of an analog unit), the total first, then the phases.

    Their places are those of energy1.., end1.. and min1.., mean1.., max1.. in a block. `columns`: of a row given to
    `meters.storage.write`.
    """

    name: str
    table: str
    suspects: str
    registers: tuple[str, ...]
    channels: tuple[str, ...]
    others: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        return ("source_id", "time", *self.registers, *self.channels, *self.others, "flags")


ELECTRICITY = Kind(
    "electricity",
    "meters_electricityreading",
    "meters_suspectelectricity",
    ("import_t1_wh", "import_t2_wh", "export_t1_wh", "export_t2_wh"),
    ("power_w", "l1_w", "l2_w", "l3_w"),
    ("quarter_w", "l1_dv", "l2_dv", "l3_dv", "l1_ca", "l2_ca", "l3_ca", "tariff"),
)
VOLUME = Kind("volume", "meters_volumereading", "meters_suspectvolume", ("volume_l",), ())
PRODUCTION = Kind("production", "meters_productionreading", "meters_suspectproduction", ("total_wh",), ("production_w",))
BATTERY = Kind("battery", "meters_batteryreading", "meters_suspectbattery", ("charge_wh", "discharge_wh"), ("battery_w",))
ANALOG = Kind("analog", "meters_analogreading", "", (), ("value_milli",))

KINDS = {kind.name: kind for kind in (ELECTRICITY, VOLUME, PRODUCTION, BATTERY, ANALOG)}

# A register of a source as totals, exports and the API name it.
TOTAL_NAMES = {"total_wh": "production_wh"}


def total_name(medium: str, register: str) -> str:
    """`gas_l` and `water_l` for a volume, `production_wh` for an inverter, else the register's own name."""
    return f"{medium}_l" if register == "volume_l" else TOTAL_NAMES.get(register, register)
