"""Any device with a page of JSON: where in it power, energy and the battery stand, and what they are multiplied by, is configured."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from energysite.errors import BadReading
from meters.transports.answers import JsonDevice, at, in_query, number, percent, whole
from solar.production import Condition, Production

# What an inverter may take for itself at night, W; more than this below nought is a sign the wrong way round.
OWN_USE_W = 500


@dataclass(frozen=True, slots=True)
class Place:
    """`path`: names and places joined by dots, such as `data.0.power`; `factor` makes W, Wh or percent of what stands there."""

    path: str
    factor: float = 1.0


class HttpJson:
    family = "http_json"
    shortest_period_s = 1

    def __init__(self, address: str, path: str, places: Mapping[str, Place]) -> None:
        """`places`: of power, day, total, battery, charge, those that the device has."""
        self._device = JsonDevice(address, secrets=in_query(path))
        self._path, self._places = path, places

    def read(self, deadline: float) -> Production:
        return production(self._device.json(self._path, deadline, headers={"Accept": "application/json"}), self._places)

    @property
    def heard(self) -> str:
        return self._device.heard

    def close(self) -> None:
        self._device.close()


def production(given: Any, places: Mapping[str, Place]) -> Production:
    """Raises BadReading where something stands nowhere, or is no number; null is what the device does not know now."""
    power = _whole(given, places.get("power"))
    if power is not None and power < -OWN_USE_W:
        raise BadReading(_("Solar power is %(power)s W. If its sign is the wrong way round, make the factor negative.") % {"power": power})
    if power is None and "power" in places:
        condition = Condition.ASLEEP  # it answers, and knows of no power
    else:
        condition = Condition.PRODUCING if power is None or power > 0 else Condition.STANDBY
    charge = places.get("charge")
    return Production(
        power_w=None if power is None else max(0, power),
        condition=condition,
        day_wh=_whole(given, places.get("day")),
        total_wh=_whole(given, places.get("total")),
        battery_w=_whole(given, places.get("battery")),
        battery_pct=None if charge is None else percent(number(at(given, charge.path), charge.path)),
    )


def _whole(given: Any, place: Place | None) -> int | None:
    return None if place is None else whole(at(given, place.path), place.path, place.factor)
