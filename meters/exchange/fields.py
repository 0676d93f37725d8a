"""Which column of a file says which column of a reading, and in what unit. Pure.

Two tables of names: our own (those of decode_p1) and those of the program this one follows, in its CSV stores and in MongoDB.
"""

from collections.abc import Iterable
from dataclasses import dataclass

WH, KWH = "Wh", "kWh"
UNITS = (WH, KWH)  # with Wh go W and litres, with kWh go kW and m3
TIMES = ("time", "device_time", "timestamp", "datetime", "system_time")
REGISTER_LIMIT = 999_999_999  # nine digits, as a meter shows them
INT32, INT16 = 2_147_483_647, 32_767


@dataclass(frozen=True, slots=True)
class Field:
    """`column` of the file times `scale` is `target`, a column of the kind (import_w and export_w together are power_w).

    `energy`: its unit depends on the file. `whole`: a value between two numbers says nothing (a mean of two tariffs).
    """

    column: str
    target: str
    scale: int = 1
    energy: bool = False
    whole: bool = False

    @property
    def limit(self) -> int:
        if self.target.endswith(("_dv", "_ca")) or self.target in ("tariff", "flags"):
            return INT16
        return REGISTER_LIMIT if self.counts and self.target != "total_wh" else INT32

    @property
    def counts(self) -> bool:
        return self.target.endswith(("_wh", "_l"))


OURS: dict[str, tuple[Field, ...]] = {
    "electricity": (
        *(
            Field(name, name)
            for name in ("import_t1_wh", "import_t2_wh", "export_t1_wh", "export_t2_wh", "import_w", "export_w", "power_w")
        ),
        *(Field(f"l{i}_w", f"l{i}_w") for i in (1, 2, 3)),
        *(Field(f"l{i}_v", f"l{i}_dv", 10) for i in (1, 2, 3)),
        *(Field(f"l{i}_a", f"l{i}_ca", 100) for i in (1, 2, 3)),
        Field("quarter_w", "quarter_w"),
        Field("tariff", "tariff", whole=True),
        Field("flags", "flags", whole=True),
    ),
    "gas": (Field("gas_l", "volume_l"), Field("volume_l", "volume_l"), Field("flags", "flags", whole=True)),
    "water": (Field("water_l", "volume_l"), Field("volume_l", "volume_l"), Field("flags", "flags", whole=True)),
    "solar": (Field("production_w", "production_w"), Field("total_wh", "total_wh"), Field("flags", "flags", whole=True)),
    "analog": (Field("value", "value_milli", 1000), Field("flags", "flags", whole=True)),
}
THEIRS: dict[str, tuple[Field, ...]] = {
    "electricity": (
        Field("elec_used_t1", "import_t1_wh", energy=True),
        Field("elec_used_t2", "import_t2_wh", energy=True),
        Field("elec_returned_t1", "export_t1_wh", energy=True),
        Field("elec_returned_t2", "export_t2_wh", energy=True),
        Field("actual_elec_used", "import_w", energy=True),
        Field("actual_elec_returned", "export_w", energy=True),
        Field("actual_tariff", "tariff", whole=True),
    ),
    "gas": (Field("gas_used", "volume_l", energy=True),),
    "water": (Field("water_used", "volume_l", energy=True),),
    "solar": (Field("actual_elec_delivered", "production_w", energy=True), Field("total_elec_delivered", "total_wh", energy=True)),
    "analog": (Field("value", "value_milli", 1000),),
}
# They say nothing of their own: a file with only these holds no readings.
ASIDE = ("flags", "value", "tariff", "volume_l")


def table(names: Iterable[str]) -> dict[str, tuple[Field, ...]]:
    """The table that fits a file's columns better."""
    given = set(names)
    theirs = {field.column for fields in THEIRS.values() for field in fields} - set(ASIDE)
    return THEIRS if theirs & given else OURS


def of(names: Iterable[str], medium: str) -> tuple[Field, ...]:
    """The fields of a file that a source of this medium takes; of two columns for one target the first counts."""
    given, taken, found = set(names), set[str](), []
    for field in table(given)[medium]:
        if field.column in given and field.target not in taken:
            taken.add(field.target)
            found.append(field)
    return tuple(found) if any(field.target not in ("flags", "tariff") for field in found) else ()


def media(names: Iterable[str]) -> list[str]:
    """What a file has readings of."""
    given = list(names)
    return [medium for medium in OURS if of(given, medium)]


def time_column(names: Iterable[str]) -> str | None:
    given = list(names)
    return next((name for name in TIMES if name in given), None)


def usual_unit(medium: str) -> str:
    """Of the program this one follows: a meter's numbers as P1 shows them, an inverter's as it gives them."""
    return WH if medium == "solar" else KWH
