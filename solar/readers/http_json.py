"""Any device with a page of JSON: where in it power, energy and the battery stand, and what they are multiplied by, is configured."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from django.utils.translation import gettext as _

from energysite.errors import BadReading
from solar.production import Condition, Production
from solar.readers.answers import JsonDevice, number, percent, whole

# What an inverter may take for itself at night, W; more than this below nought is a sign the wrong way round.
OWN_USE_W = 500
SHORTEST_KEY = 6


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
        self._device = JsonDevice(address, secrets=_in_query(path))
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
        battery_pct=None if charge is None else percent(number(_at(given, charge), charge.path)),
    )


def _whole(given: Any, place: Place | None) -> int | None:
    return None if place is None else whole(_at(given, place), place.path, place.factor)


def _at(given: Any, place: Place) -> Any:
    for step in place.path.split("."):
        if isinstance(given, list) and step.isascii() and step.isdigit() and int(step) < len(given):
            given = given[int(step)]
        elif isinstance(given, dict) and step in given:
            given = given[step]
        else:
            raise BadReading(_("The answer has nothing at “%(path)s”. Look at the answer that Test shows.") % {"path": place.path})
    return given


def _in_query(path: str) -> list[str]:
    """Values behind the question mark may be keys; a short one is none, and would hide numbers."""
    query = path.partition("?")[2]
    return [query, *(value for _name, value in parse_qsl(query) if len(value) >= SHORTEST_KEY)]
