"""Fronius with Solar API v1: local, without login. The power flow tells of the whole site, one more answer of each inverter.

At night P_PV is null, and PAC and the DC values are absent while the energies stay; a zero only with status code 0. GEN24 tells
no energy of day and year.
"""

from typing import Any

from django.utils.translation import gettext as _

from energysite.errors import BadReading
from energysite.text import plain
from solar.production import Condition, Production, Unit
from solar.readers.answers import JsonDevice, number, part, whole

FLOW = "/solar_api/v1/GetPowerFlowRealtimeData.fcgi"
INVERTER = "/solar_api/v1/GetInverterRealtimeData.cgi?Scope=Device&DeviceId={unit}&DataCollection=CommonInverterData"
RUNNING, STANDBY, BOOT_LOADING, FAULT = 7, 8, 9, 10  # DeviceStatus.StatusCode; 0 to 6 is starting up


class Fronius:
    family = "fronius"
    shortest_period_s = 10

    def __init__(self, address: str, units: tuple[int, ...] = ()) -> None:
        """`units`: device ids to ask one by one where the power flow does not tell their counters; empty: those it names."""
        self._device = JsonDevice(address)
        self._units = units

    def read(self, deadline: float) -> Production:
        flow = data_of(self._device.json(FLOW, deadline))
        names = [str(unit) for unit in self._units] or sorted(part(flow, "Inverters") or {})
        if not names:
            raise BadReading(_("The Fronius names no inverter. Check that it is set up in its own pages."))
        answers = {name: data_of(self._device.json(INVERTER.format(unit=name), deadline)) for name in names}
        return production(flow, answers)

    @property
    def heard(self) -> str:
        return self._device.heard

    def close(self) -> None:
        self._device.close()


def data_of(answer: Any) -> dict[str, Any]:
    """Body.Data of an answer that says it is good. Raises BadReading."""
    code = part(answer, "Head", "Status", "Code")
    if code != 0:
        reason = plain(str(part(answer, "Head", "Status", "Reason") or ""))[:120]
        raise BadReading(_("The Fronius answers with status %(code)s. %(reason)s") % {"code": plain(str(code))[:20], "reason": reason})
    data = part(answer, "Body", "Data")
    if not isinstance(data, dict):
        raise BadReading(_("The Fronius answers without data. Check that its Solar API is switched on."))
    return data


def production(flow: dict[str, Any], inverters: dict[str, dict[str, Any]]) -> Production:
    """Of a power flow and the answer of each inverter, all with status 0. Raises BadReading."""
    site = part(flow, "Site")
    if not isinstance(site, dict):
        raise BadReading(_("The Fronius answers without its site. Check that its Solar API is switched on."))
    units = tuple(_unit(name, data, part(flow, "Inverters", name)) for name, data in inverters.items())
    totals = [unit.total_wh for unit in units]
    total = whole(site.get("E_Total"), "E_Total")
    if all(value is not None for value in totals):
        total = sum(value for value in totals if value is not None)  # whole Wh of each, where the site's sum is rounded
    charges = [found for name in inverters if (found := number(part(flow, "Inverters", name, "SOC"), "SOC")) is not None]
    condition, code = _condition(list(inverters.values()), site)
    return Production(
        power_w=max(0, whole(site.get("P_PV"), "P_PV") or 0),
        condition=condition,
        day_wh=whole(site.get("E_Day"), "E_Day"),
        total_wh=total,
        battery_w=whole(site.get("P_Akku"), "P_Akku"),
        battery_pct=charges[0] if charges else None,
        code=code,
        units=units,
    )


def _unit(name: str, data: dict[str, Any], flow: Any) -> Unit:
    power = whole(part(data, "PAC", "Value"), "PAC")
    if power is None:
        power = whole(part(flow, "P"), "P") or 0  # absent at night
    return Unit(name, max(0, power), whole(part(data, "TOTAL_ENERGY", "Value"), "TOTAL_ENERGY"))


def _condition(inverters: list[dict[str, Any]], site: dict[str, Any]) -> tuple[Condition, str]:
    codes = [code for data in inverters if isinstance(code := part(data, "DeviceStatus", "StatusCode"), int)]
    errors = [part(data, "DeviceStatus", "ErrorCode") for data in inverters]
    if FAULT in codes:
        return Condition.FAULT, next((str(error) for error in errors if error not in (None, 0, -1)), "")
    if site.get("P_PV"):
        return Condition.PRODUCING, ""
    if not codes or RUNNING in codes:
        return Condition.STANDBY, ""
    return (Condition.STANDBY if STANDBY in codes else Condition.ASLEEP), ""
