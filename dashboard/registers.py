"""Everything the last telegram said, under its public names, as a table."""

from datetime import tzinfo
from typing import Any

from django.utils.translation import gettext_lazy

from dashboard.figures import FORMATS

# field, what it is, how it is written, unit
FIELDS = (
    ("import_t1_wh", gettext_lazy("Import, register 1"), "register", "kWh"),
    ("import_t2_wh", gettext_lazy("Import, register 2"), "register", "kWh"),
    ("export_t1_wh", gettext_lazy("Injection, register 1"), "register", "kWh"),
    ("export_t2_wh", gettext_lazy("Injection, register 2"), "register", "kWh"),
    ("tariff", gettext_lazy("Register in use"), "whole", ""),
    ("import_w", gettext_lazy("Import now"), "kw", "kW"),
    ("export_w", gettext_lazy("Injection now"), "kw", "kW"),
    ("quarter_w", gettext_lazy("Quarter so far, mean"), "kw", "kW"),
    ("month_peak_w", gettext_lazy("Month peak"), "kw", "kW"),
    ("gas_l", gettext_lazy("Gas"), "m3", "m³"),
    ("water_l", gettext_lazy("Water"), "m3", "m³"),
    ("time", gettext_lazy("Time of the telegram"), "seconds", ""),
)


def registers(frame: dict[str, Any], zone: tzinfo) -> list[dict[str, Any]]:
    return [
        {"field": field, "label": label, "format": form, "unit": unit, "value": frame[field], "text": FORMATS[form](frame[field], zone)}
        for field, label, form, unit in FIELDS
        if field in frame
    ]
