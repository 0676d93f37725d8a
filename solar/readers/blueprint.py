"""Where the reader of another family begins: a whole one, of a device that exists in its test only. Copy this file and
tests/solar/readers/test_blueprint.py; the README says which line goes where ("Add an inverter family").

The device answers GET /live.json with {"state": "run", "ac_w": 1234, "today_kwh": 5.6, "ever_kwh": 7890.1}; at night "ac_w" is null.
Its name, its units and what it says at night stand here, at the top: from the maker's description, with its number.
"""

from typing import Any

from django.utils.translation import gettext as _

from energysite.errors import BadReading
from meters.transports.answers import JsonDevice, part, whole
from solar.production import Condition, Production

PATH = "/live.json"
STATES = {"run": Condition.PRODUCING, "wait": Condition.STANDBY, "night": Condition.ASLEEP, "error": Condition.FAULT}


class Blueprint:
    family = "blueprint"  # as in the settings
    shortest_period_s = 5  # the maker allows no more

    def __init__(self, address: str, password: str = "") -> None:
        """Opens nothing yet. What must never be shown is told to the device: errors and `heard` leave it out."""
        self._device = JsonDevice(address, secrets=[password])

    def read(self, deadline: float) -> Production:
        """JsonDevice keeps to the deadline, the size, the redirects and the words of a refusal; only what is the family's own is here."""
        return production(self._device.json(PATH, deadline))

    @property
    def heard(self) -> str:
        return self._device.heard

    def close(self) -> None:
        self._device.close()


def production(given: Any) -> Production:
    """Of an answer; without a device, so that recorded ones can be tested. Raises BadReading."""
    state = part(given, "state")
    if not isinstance(state, str):
        raise BadReading(_("The device answers without its state. Is it another make?"))
    condition = STATES.get(state, Condition.STANDBY)
    power = whole(part(given, "ac_w"), "ac_w")
    if power is None and condition is Condition.ASLEEP:
        power = 0  # it said itself that it sleeps; otherwise what was not said stays unknown
    return Production(
        power_w=None if power is None else max(0, power),  # what it takes for itself at night is no production
        condition=condition,
        day_wh=whole(part(given, "today_kwh"), "today_kwh", 1000),
        total_wh=whole(part(given, "ever_kwh"), "ever_kwh", 1000),
        code=state if condition is Condition.FAULT else "",
    )
