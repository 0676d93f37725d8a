"""What an inverter says, as the few figures by which a person recognises it."""

from decimal import Decimal

from django.template.defaultfilters import floatformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from solar.production import Condition, Production

CONDITIONS = {
    Condition.PRODUCING: gettext_lazy("making power"),
    Condition.STARTING: gettext_lazy("starting"),
    Condition.STANDBY: gettext_lazy("on standby"),
    Condition.ASLEEP: gettext_lazy("asleep"),
    Condition.FAULT: gettext_lazy("in trouble"),
}


def condition_words(condition: str) -> str:
    """Of a condition as states and frames hold it; what is none is told as it is."""
    return str(CONDITIONS.get(condition_of(condition), condition))


def condition_of(condition: object) -> Condition:
    """Standby for what this version does not know."""
    return next((known for known in Condition if known == condition), Condition.STANDBY)


def of(found: Production) -> tuple[str, ...]:
    """In the language of who asks; what the device did not say is left out."""
    told = [
        _with(_("Solar now %(figure)s kW"), _thousandths(found.power_w)),
        _with(_("today %(figure)s kWh"), _thousandths(found.day_wh)),
        _with(_("in all %(figure)s kWh"), _thousandths(found.total_wh)),
        *_battery(found),
        str(CONDITIONS[found.condition]),
        *_units(found),
    ]
    return tuple(words for words in told if words)


def _battery(found: Production) -> list[str]:
    percent = None if found.battery_pct is None else floatformat(found.battery_pct, 0)
    gives = _("battery charged with %(figure)s kW") if (found.battery_w or 0) < 0 else _("battery gives %(figure)s kW")
    return [
        _with(gives, _thousandths(None if found.battery_w is None else abs(found.battery_w))),
        _with(_("battery at %(figure)s %%"), percent),
    ]


def _units(found: Production) -> list[str]:
    """Several behind one address, each with its own power: so that nobody misses one."""
    if len(found.units) < 2:
        return []
    return [f"{unit.name}: {_thousandths(unit.power_w) or '–'} kW" for unit in found.units]


def _with(words: str, figure: str | None) -> str:
    return "" if figure is None else words % {"figure": figure}


def _thousandths(value: int | None) -> str | None:
    return None if value is None else floatformat(Decimal(value) / 1000, "3g")
