"""Any device with a page of JSON: where in it power, day and total energy stand, and what they are multiplied by, is configured."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from django.utils.translation import gettext as _

from energysite.errors import BadReading
from solar.production import Condition, Production
from solar.readers.answers import JsonDevice, whole


@dataclass(frozen=True, slots=True)
class Place:
    """`path`: names and places joined by dots, such as `data.0.power`; `factor` makes W or Wh of what stands there."""

    path: str
    factor: float = 1.0


class HttpJson:
    family = "http_json"
    shortest_period_s = 1

    def __init__(self, address: str, path: str, *, power: Place | None, day: Place | None = None, total: Place | None = None) -> None:
        self._device = JsonDevice(address, secrets=_in_query(path))
        self._path, self._power, self._day, self._total = path, power, day, total

    def read(self, deadline: float) -> Production:
        given = self._device.json(self._path, deadline, headers={"Accept": "application/json"})
        power = _value(given, self._power)
        return Production(
            power_w=None if power is None else max(0, power),
            condition=Condition.PRODUCING if power else Condition.STANDBY,
            day_wh=_value(given, self._day),
            total_wh=_value(given, self._total),
        )

    @property
    def heard(self) -> str:
        return self._device.heard

    def close(self) -> None:
        self._device.close()


def _in_query(path: str) -> list[str]:
    """Values behind the question mark may be keys."""
    query = path.partition("?")[2]
    return [query, *(value for _name, value in parse_qsl(query))]


def _value(given: Any, place: Place | None) -> int | None:
    if place is None:
        return None
    for step in place.path.split("."):
        if isinstance(given, list) and step.isascii() and step.isdigit() and int(step) < len(given):
            given = given[int(step)]
        elif isinstance(given, dict) and step in given:
            given = given[step]
        else:
            raise BadReading(_("The answer has nothing at “%(path)s”. Look at the answer that Test shows.") % {"path": place.path})
    return whole(given, place.path, place.factor)
