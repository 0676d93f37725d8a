"""What a telegram says, as few labelled figures as a person needs to recognise a meter."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.template.defaultfilters import floatformat
from django.utils.translation import gettext as _

from energysite.text import plain
from meters.models import Meter

# Belgium counts the day on register 1, the Netherlands the night.
DAY_FIRST = ("belgium", "")


@dataclass(frozen=True)
class Fact:
    """`key` names the colour of the quantity on pages: import, export, gas, water or nothing."""

    label: str
    figure: str
    unit: str
    key: str = ""

    def __str__(self) -> str:
        return f"{self.label} {self.figure} {self.unit}"


def dialect_name(dialect: str) -> str:
    return str(dict(Meter.Dialect.choices).get(dialect, dialect))


def identity(raw: bytes) -> str:
    """The meter's own first line without the slash, such as FLU5\\253770234_A."""
    start = raw.find(b"/")
    line = raw[start + 1 :].splitlines()[:1] if start >= 0 else []
    return plain(line[0].decode("ascii", "replace"), 40) if line else ""


def facts(values: Mapping[str, Any], dialect: str = "") -> list[Fact]:
    """From the values of decode_p1 or of a live frame; what is absent is left out."""
    day, night = (1, 2) if dialect in DAY_FIRST else (2, 1)
    counters = [
        (f"import_t{day}_wh", _("Import, day"), "kWh", "import"),
        (f"import_t{night}_wh", _("Import, night"), "kWh", "import"),
        (f"export_t{day}_wh", _("Injection, day"), "kWh", "export"),
        (f"export_t{night}_wh", _("Injection, night"), "kWh", "export"),
        ("gas_l", _("Gas"), "m³", "gas"),
        ("water_l", _("Water"), "m³", "water"),
    ]
    found = [Fact(label, _thousandth(values[name]), unit, key) for name, label, unit, key in counters if values.get(name) is not None]
    return [*_power(values), *found]


def _power(values: Mapping[str, Any]) -> list[Fact]:
    imported, exported = values.get("import_w"), values.get("export_w")
    if imported is None and exported is None:
        return []
    net = (imported or 0) - (exported or 0)
    return [Fact(_("Injecting now") if net < 0 else _("Importing now"), _thousandth(abs(net)), "kW")]


def _thousandth(value: int) -> str:
    return floatformat(Decimal(value) / 1000, 3)
