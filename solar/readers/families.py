"""The makes of inverters this site can read: one line here for each file of readers."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from meters import addresses
from solar.readers import Reader, sma
from solar.readers.fronius import Fronius
from solar.readers.homewizard import HomeWizardKwh
from solar.readers.http_json import HttpJson, Place
from solar.readers.sma import SmaWebConnect
from solar.readers.sunspec import SunSpec

# As it stands in a request: no space, nothing that ends a line.
PAGE = re.compile(r"/[!-~]*", re.ASCII)


class Settings(Protocol):
    """What a reader may use of an inverter's row, as solar.models.Inverter holds it."""

    address: str
    password: str
    units: str
    page: str
    power_path: str
    power_factor: float
    day_path: str
    day_factor: float
    total_path: str
    total_factor: float
    battery_path: str
    battery_factor: float
    charge_path: str


@dataclass(frozen=True, slots=True)
class Family:
    """`needs`: settings that may not be empty; `uses`: those that the form shows besides; `schemes`: of its address. `recognise`: is
    such a device at this address, asked by a deadline without what it needs; None where that cannot be told."""

    name: str
    title: str | Promise
    open: Callable[[Settings], Reader]
    shortest_period_s: int
    usual_period_s: int
    schemes: tuple[str, ...] = ("http", "https")
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    recognise: Callable[[str, float], bool] | None = None


def unit_numbers(text: str) -> tuple[int, ...]:
    """Of "1, 2": in order, each once. Raises ValueError, in words."""
    numbers = []
    for part in text.replace(";", ",").split(","):
        clean = part.strip()
        if not clean:
            continue
        if not (clean.isascii() and clean.isdigit() and 0 <= int(clean) <= 247):
            raise ValueError(str(_("%(part)s is no unit number: write 0 to 247, with commas between.") % {"part": clean[:20]}))
        numbers.append(int(clean))
    return tuple(dict.fromkeys(numbers))


def _http_json(given: Settings) -> HttpJson:
    told = {
        "power": (given.power_path, given.power_factor),
        "day": (given.day_path, given.day_factor),
        "total": (given.total_path, given.total_factor),
        "battery": (given.battery_path, given.battery_factor),
        "charge": (given.charge_path, 1.0),
    }
    return HttpJson(given.address, given.page or "/", {name: Place(path, factor) for name, (path, factor) in told.items() if path})


FAMILIES: tuple[Family, ...] = (
    Family("fronius", "Fronius (Solar API)", lambda given: Fronius(given.address, unit_numbers(given.units)), 10, 10, uses=("units",)),
    Family(
        "sma",
        "SMA (WebConnect)",
        lambda given: SmaWebConnect(given.address, given.password),
        5,
        10,
        needs=("password",),
        recognise=sma.answers_at,
    ),
    Family(
        "sunspec",
        _("SunSpec over Modbus TCP (SolarEdge, SMA, Fronius, Kostal)"),
        lambda given: SunSpec(given.address, unit_numbers(given.units) or (1,)),
        2,
        10,
        schemes=("socket",),
        uses=("units",),
    ),
    Family("homewizard", _("HomeWizard kWh meter"), lambda given: HomeWizardKwh(given.address), 1, 5),
    Family(
        "http_json",
        _("Another device with JSON"),
        _http_json,
        1,
        10,
        needs=("page",),
        uses=(
            *("power_path", "power_factor", "day_path", "day_factor", "total_path", "total_factor"),
            *("battery_path", "battery_factor", "charge_path"),
        ),
    ),
)


def known() -> dict[str, Family]:
    return {family.name: family for family in FAMILIES}


def open_reader(name: str, given: Settings) -> Reader:
    """The reader of an inverter's settings. Raises DeviceConfigError, KeyError for an unknown family."""
    return known()[name].open(given)


def check(family: Family, given: Settings) -> None:
    """Raises ValidationError, in words, for settings that this family cannot use."""
    errors: dict[str, Any] = {}
    scheme = given.address.partition("://")[0]
    if scheme not in family.schemes or addresses.host_and_port(given.address) is None:
        errors["address"] = _("Write the address as %(scheme)s://host:port.") % {"scheme": family.schemes[0]}
    for name in family.needs:
        if not getattr(given, name):
            errors[name] = _("This make needs it.")
    if "units" in family.uses:
        try:
            unit_numbers(given.units)
        except ValueError as error:
            errors["units"] = str(error)
    if family.name == "http_json":
        errors |= _wrong_places(given)
    if errors:
        raise ValidationError(errors)


def _wrong_places(given: Settings) -> dict[str, Any]:
    errors: dict[str, Any] = {}
    if given.page and not PAGE.fullmatch(given.page):
        errors["page"] = _("Begin with a slash; no spaces and no accents: /status or /api?channel=1.")
    if not (given.power_path or given.total_path or given.day_path):
        errors["power_path"] = _("Say where power or energy stands in the answer.")
    for name in ("power_factor", "day_factor", "total_factor", "battery_factor"):
        factor = getattr(given, name)
        if factor is not None and not (math.isfinite(factor) and factor != 0):
            errors[name] = _("Write a number other than 0.")
    return errors
