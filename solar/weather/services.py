"""The weather services this site can ask: one line here for each file."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from energysite.errors import DeviceConfigError
from energysite.place import Place
from meters import addresses
from solar.weather.open_meteo import OpenMeteo
from solar.weather.openweathermap import OpenWeatherMap
from solar.weather.service import Service


class Settings(Protocol):
    """What a service may use of a row, as solar.models.Weather holds it."""

    provider: str
    key: str
    address: str


@dataclass(frozen=True, slots=True)
class Kind:
    """`tells_light`: its forecasts hold radiation, so that they go before those that know clouds only."""

    name: str
    open: Callable[[Settings, Place], Service]
    shortest_period_s: int
    usual_period_s: int
    needs_key: bool
    tells_light: bool


# What a free account allows is far more; weather changes no faster.
KINDS: tuple[Kind, ...] = (
    Kind("open_meteo", lambda given, here: OpenMeteo(given.address, here), 300, 900, needs_key=False, tells_light=True),
    Kind("openweathermap", lambda given, here: OpenWeatherMap(given.address, here, given.key), 300, 900, needs_key=True, tells_light=False),
)


def known() -> dict[str, Kind]:
    return {kind.name: kind for kind in KINDS}


def open_service(given: Settings, here: Place | None) -> Service:
    """Raises DeviceConfigError: nobody knows where the house stands, a key is missing, the address is none."""
    if here is None:
        raise DeviceConfigError(_("Nobody knows where the house stands. Type in its latitude and longitude, or choose its time zone."))
    kind = known().get(given.provider)
    if kind is None:
        raise DeviceConfigError(_("There is no weather service “%(name)s”.") % {"name": given.provider})
    return kind.open(given, here)


def check(given: Settings, period_s: int | None) -> None:
    """Raises ValidationError, in words, for settings that the chosen service cannot use."""
    kind = known().get(given.provider)
    if kind is None:
        return  # the field says so itself
    errors = {}
    if given.address and (not given.address.startswith(("http://", "https://")) or addresses.host_and_port(given.address) is None):
        errors["address"] = _("Write the address as %(scheme)s://host:port.") % {"scheme": "https"}
    if kind.needs_key and not given.key:
        errors["key"] = _("This service asks for a key.")
    if period_s is not None and period_s < kind.shortest_period_s:
        errors["period_s"] = _("The weather may be asked every %(seconds)s s at most.") % {"seconds": kind.shortest_period_s}
    if errors:
        raise ValidationError(errors)
