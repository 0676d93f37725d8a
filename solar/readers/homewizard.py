"""A HomeWizard kWh meter in the inverter's circuit: what it exports, the panels have made."""

from typing import Any

from django.utils.translation import gettext as _

from energysite.errors import BadReading, DeviceUnavailable
from solar.production import Condition, Production
from solar.readers.answers import JsonDevice, document, part, whole

PATH = "/api/v1/data"


class HomeWizardKwh:
    family = "homewizard"
    shortest_period_s = 1

    def __init__(self, address: str) -> None:
        self._device = JsonDevice(address)

    def read(self, deadline: float) -> Production:
        answer = self._device.ask(PATH, deadline)
        if answer.status == 403:
            raise DeviceUnavailable(
                _("%(host)s keeps its local API closed. Switch it on in the HomeWizard app: Settings, Meters, the kWh meter, Local API.")
                % {"host": self._device.host}
            )
        return production(document(self._device.http, answer))

    @property
    def heard(self) -> str:
        return self._device.heard

    def close(self) -> None:
        self._device.close()


def production(data: Any) -> Production:
    """W and Wh from the meter's signs: negative power and exported energy are production. Raises BadReading."""
    net = whole(part(data, "active_power_w"), "active_power_w")
    exported = whole(part(data, "total_power_export_kwh"), "total_power_export_kwh", 1000)
    if net is None and exported is None:
        raise BadReading(_("This HomeWizard tells no power and no energy. Check that it is a kWh meter, not a P1 or a socket."))
    power = None if net is None else max(0, -net)
    condition = Condition.PRODUCING if power else Condition.STANDBY
    return Production(power_w=power, condition=condition, total_wh=exported)
