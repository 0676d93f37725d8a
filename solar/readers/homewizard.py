"""A HomeWizard kWh meter in the inverter's circuit: what it exports, the panels have made."""

from typing import Any

from django.utils.translation import gettext as _

from energysite.errors import BadReading, DeviceConfigError, DeviceUnavailable
from meters.transports.answers import JsonDevice, document, part, whole
from solar.production import Condition, Production

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
    """W and Wh from the meter's signs: negative power and exported energy are production. What it takes, as an inverter does at night,
    is none. Raises BadReading, DeviceConfigError."""
    if part(data, "smr_version") is not None:
        raise DeviceConfigError(_("This HomeWizard reads the grid meter. Add it as a meter; here goes one in the inverter's circuit."))
    net = whole(part(data, "active_power_w"), "active_power_w")
    exported = _exported(data)
    if net is None and exported is None:
        raise BadReading(_("This HomeWizard tells no power and no energy. Check that it is a kWh meter, not a P1 or a socket."))
    power = None if net is None else max(0, -net)
    condition = Condition.PRODUCING if power else Condition.STANDBY
    return Production(power_w=power, condition=condition, total_wh=exported)


def _exported(data: Any) -> int | None:
    """Wh; older firmware tells it by tariff only."""
    names: tuple[str, ...] = ("total_power_export_kwh",)
    if part(data, *names) is None:
        names = ("total_power_export_t1_kwh", "total_power_export_t2_kwh")
    known = [wh for name in names if (wh := whole(part(data, name), name, 1000)) is not None]
    return sum(known) if known else None
